"""Recordings and samples of sensors on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from codegen.cli import main, parser
from codegen.cli.data import inputs_of
from codegen.cli.output import Output
from qat.data.alike import how_of
from qat.data.named import DATASETS, load_for, own_unit
from qat.data.origin import DataOrigin
from qat.data.reading import Reading
from qat.model import Model

WINDOWS = "--label what --window 24 --hop 12 --group 4".split()


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    random, folder = np.random.default_rng(0), tmp_path_factory.mktemp("recorded")
    lines = ["time,ax,ay,who,what"]
    for i in range(1800):
        who, what = i // 300 % 3, i // 150 % 2
        ax, ay = np.sin(i / (2 + 5 * what)), 9.81 + what + random.normal(0, 0.1)
        lines.append(f"{i},{ax + random.normal(0, 0.1):.3f},{ay:.3f},p{who},{['sit', 'go'][what]}")
    (folder / "rec.csv").write_text("\n".join(lines))
    return folder / "rec.csv"


@pytest.fixture(scope="module")
def model(recorded: Path) -> Path:
    path = recorded.with_name("rec.npz")
    words = ["--by", "who", "--ignore", "time", "--hidden", "8", "--epochs", "3", "-o", str(path)]
    assert main(["train", str(recorded), *WINDOWS, *words]) == 0
    return path


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    capsys.readouterr()
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def test_data_tells_windows_and_unit(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["data", str(recorded), *WINDOWS, "--ignore", "time,who"]
    found = printed(capsys, *words)
    assert found["shape"] == [6, 2]
    assert found["classes"] == ["go", "sit"]
    assert found["sensor"] == {
        "channels": ["ax", "ay"], "unit": 0.001, "window": 24, "hop": 12, "group": 4
    }  # fmt: skip
    assert printed(capsys, *words, "--unit", "0.002")["sensor"]["unit"] == 0.002
    assert main(words) == 0
    said = capsys.readouterr().out
    assert (
        "2 channels (ax, ay), 1 stands for 0.001; windows of 24, 4 to a step, one every 12" in said
    )


def test_the_model_knows_its_samples(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = Model.load(model)
    assert found.sensor is not None
    assert (found.sensor.group, found.sensor.hop, found.steps) == (4, 3, 6)
    assert found.metadata["sample_unit"] == 0.001
    assert main(["info", str(model)]) == 0
    said = capsys.readouterr().out
    assert "raw samples: 2 int16: ax, ay; 1 stands for 0.001" in said
    assert "windows of 24 samples, 4 to a step; a class every 12 samples, R / 12 a second" in said
    assert "as a stream of samples" in said


def test_check_reads_a_file_as_the_model_wants_it(
    model: Path, recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["check", str(model), "--label", "what", "--ignore", "time,who"]
    asked = printed(capsys, *words, "--data", str(recorded))
    alone = printed(capsys, *words)
    assert asked["differing"] == alone["differing"] == 0
    assert asked["compared"]["scores"] > 0


def test_another_file_goes_through_the_sensor_of_the_model(
    model: Path, recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The scaling is the model's, not that of the file: half the values, half the inputs."""
    header, *lines = recorded.read_text().splitlines()
    rows = [line.split(",") for line in lines]
    halved = [f"{t},{float(a) / 2:.4f},{float(b) / 2:.4f},{w},{y}" for t, a, b, w, y in rows]
    other = recorded.with_name("other.csv")
    other.write_text("\n".join([header, *halved]))
    words = ["check", str(model), *WINDOWS, "--ignore", "time,who", "--data"]
    results = [printed(capsys, *words, str(path)) for path in (recorded, other)]
    assert [r["differing"] for r in results] == [0, 0]
    found = Model.load(model)
    asked = [parser().parse_args([*words, str(path)]) for path in (recorded, other)]
    both = [inputs_of(found, arguments, Output(arguments)).x for arguments in asked]
    assert both[1][..., 1].max() < both[0][..., 1].min()  # 9.81 and 4.9 m/s2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--window", "400"], "the longest stretch of one label has 150; use a shorter window"),
        (["--window", "24", "--group", "5"], "the window must be a multiple of the group"),
        (["--group", "5"], "group: needs a window"),
        (["--window", "24", "--by", "nobody"], "has no column 'nobody'"),
        (["--window", "24", "--unit", "0.00001"], "use a unit of at least 0.0003"),
        (["--window", "24", "--unit", "1,2,3"], "or one for each of 2 channels"),
    ],
)
def test_what_does_not_fit_is_one_line(
    words: list[str], said: str, recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ignored = "time" if "--by" in words else "time,who"
    assert main(["data", str(recorded), "--label", "what", "--ignore", ignored, *words]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_a_named_set_is_read_in_the_unit_of_the_model(model: Path) -> None:
    found = Model.load(model)
    assert own_unit(found, DATASETS["watch"]) == {"unit": 0.001}
    assert own_unit(found, DATASETS["digits"]) == {}
    with pytest.raises(ValueError, match="unit goes with the data of a sensor"):
        load_for(found, "digits", unit=2)


def test_a_file_is_read_in_the_windows_of_the_model(model: Path) -> None:
    found = Model.load(model)
    origin = DataOrigin.of(found)
    assert origin is not None
    how = how_of(found, origin, Reading())
    assert (how.unit, how.window, how.hop, how.group) == (0.001, 24, 12, 4)
    assert (how.label, how.channels) == ("what", ("ax", "ay"))


def test_named_sets_take_no_window(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "digits", "--window", "4"]) == 2
    assert "go with a file of your own" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["data", "digits", "--unit", "0"])
