"""What data, train and info say of a file of one's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import codegen.cli.output
from codegen.cli import main
from qat.data.own import from_arrays

LINES = [f"{i * 7 % 11 + 5 * (i // 60 % 2)},{'walk' if i // 60 % 2 else 'run'}" for i in range(480)]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "t.csv"
    path.write_text("".join(f"{line}\n" for line in ("a,label", *LINES)))
    return path


def test_a_licence_that_is_not_known_is_not_said(
    recording: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", str(recording)]) == 0
    assert capsys.readouterr().out.startswith("t: t.csv\n")
    assert main(["data", "digits"]) == 0
    assert "; CC BY 4.0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        (["--rate", "62.5"], "a class every 10 samples, 6.25 a second at 62.5 samples a second"),
        ([], "a class every 10 samples, R / 10 a second at R samples a second"),
    ],
)
def test_info_tells_how_many_classes_a_second(
    rate: list[str], said: str, recording: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = str(recording.with_suffix(".npz"))
    small = ["--window", "10", "--bits", "8", "--hidden", "2", "--epochs", "1"]
    assert main(["train", str(recording), "-o", model, *small, *rate]) == 0
    capsys.readouterr()
    assert main(["info", model]) == 0
    assert said in capsys.readouterr().out


def test_data_says_what_it_reads(
    recording: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of many lines takes its time: on a terminal the first line of progress is there."""
    monkeypatch.setattr(codegen.cli.output, "_in_place", lambda: True)
    for name, doing in ((str(recording), "reading"), ("digits", "fetching and reading")):
        assert main(["data", name]) == 0
        assert capsys.readouterr().err.startswith(f"\r\x1b[K{doing} {name}")


def test_a_feature_that_one_scale_hides_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Arrays share one scale; what that hides is said, and what to do about it. Tables do not."""
    random = np.random.default_rng(0)
    x = np.stack([random.normal(0, 500, 60), random.normal(0, 0.5, 60)], 1)
    y = np.arange(60) % 2
    np.savez(tmp_path / "wide.npz", x=x, y=y)
    assert main(["data", str(tmp_path / "wide.npz")]) == 0
    out, err = capsys.readouterr()
    assert (
        "1 of 2 features change in the data and not in the inputs, which share one scale; the "
        "first is feature 1; columns of a CSV table are scaled one by one, arrays by "
        "each_feature=True in Python"
    ) in out + err
    lines = [f"{a:.4f},{b:.4f},{c}" for (a, b), c in zip(x, y, strict=True)]
    (tmp_path / "wide.csv").write_text("\n".join(["pressure,tilt,label", *lines, ""]))
    assert main(["data", str(tmp_path / "wide.csv")]) == 0
    assert "share one scale" not in "".join(capsys.readouterr())
    assert not from_arrays(x, y, each_feature=True).warnings
