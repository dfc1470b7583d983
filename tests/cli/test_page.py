"""The page of `report --html`: its numbers, its pictures, and that it needs nothing else."""

from __future__ import annotations

import csv
import dataclasses
import json
import sys
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np
import pytest
from support.models import inputs_for, steps_for
from support.page import by_id, numbers, outside, rasters, read, text_of
from support.zoo.small import small_model

import qat
from codegen.checks.equivalence import FREE_STEPS, made_inputs
from codegen.cli import main
from codegen.target.boards import load_boards
from qat.model import LIF, Activity, Analog, Count, Dense, Layer, Model, Rate

HOSTILE = """</title><script>alert("&amp;'1')</script><img src=http: onerror=alert()>"""
SUPPLY = ["--current", "12mA", "--voltage", "3.3V"]
LIMITS = ["--budget", "flash=32K,ram=1,latency=5ms,energy=1J"]


def four_bits() -> Model:
    """Return the small model, for inputs that data of 4 bits have."""
    return dataclasses.replace(small_model(), input=Analog(20, 0, 15))


def save(model: Model, path: Path) -> str:
    known = Activity.measure(model, inputs_for(model, 30, seed=3), steps_for(model)).to_json()
    dataclasses.replace(model, metadata={"activity": known}).save(path)
    return str(path)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save(four_bits(), tmp_path_factory.mktemp("models") / "small.npz")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Write data for the small model; the file and its classes have hostile names."""
    rng = np.random.default_rng(5)
    path = tmp_path_factory.mktemp("data") / "<img src=http:x>&quot;.csv"
    with path.open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow([*(f"x{i}" for i in range(20)), "label"])
        for number in range(100):
            lines.writerow([*rng.integers(0, 16, 20), f"{HOSTILE} {number % 5}"])
    return str(path)


def made(model: str, folder: Path, *options: str, status: int = 0) -> tuple[str, Element]:
    """Write a page; return its text and its tree."""
    path = folder / "page.html"
    assert main(["report", model, "--html", str(path), *options]) == status
    text = path.read_text(encoding="utf-8")
    return text, read(text)


def flat(values: dict[str, Any]) -> dict[str, float]:
    """Return what a page must show of a board, of the JSON report."""
    names = ("flash", "ram", "stack", "instructions", "worst", "cycles", "worst_cycles",
             "latency_us", "worst_us")  # fmt: skip
    found: dict[str, float] = {name: values[name] for name in names}
    found |= {f"headroom.{memory}": values["headroom"][memory] for memory in ("flash", "ram")}
    found |= {f"stacks.{call}": size for call, size in values["stacks"].items()}
    found |= {f"sections.{s['name']}": s["bytes"] for s in values["sections"]}
    for part in values["memory"]:
        own = {**part["sections"], "flash": part["flash"], "ram": part["ram"]}
        found |= {f"memory.{part['part']}.{name}": size for name, size in own.items()}
    for part in values["parts"]:
        kinds = ("instructions", "worst", "cycles", "worst_cycles")
        found |= {f"parts.{part['part']}.{kind}": part[kind] for kind in kinds}
        several = part["candidates"] if len(part["candidates"]) > 1 else {}
        found |= {f"candidates.{part['part']}.{name}": n for name, n in several.items()}
    found |= {f"energy.{w}_uj": values["energy"][f"{w}_uj"] for w in ("typical", "worst")}
    lines = values["budget"]["lines"] if values["budget"] else []
    return found | {f"budget.{line['name']}": line["value"] for line in lines}


def test_the_numbers_are_those_of_the_json_report(
    saved: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--board", "nucleo_f401re", *SUPPLY, *LIMITS]
    text, root = made(saved, tmp_path, *words, "--json", status=1)
    values = json.loads(capsys.readouterr().out)
    assert values["html"] == str(tmp_path / "page.html")
    section = by_id(root, "nucleo_f401re")
    assert numbers(section) == pytest.approx(flat(values), rel=0, abs=0)
    assert "Budget: ✗ exceeded" in text_of(section)
    assert values["digest"] in text_of(root)
    assert values["waits"] in text_of(by_id(root, "origin"))
    assert values["timings"] in text_of(by_id(root, "origin"))
    assert outside(root, text) == []


def test_what_people_read_is_what_programs_read(saved: str, tmp_path: Path) -> None:
    _, root = made(saved, tmp_path, "--board", "qemu-m4")
    whole = [e for e in root.iter("data") if e.attrib["value"].lstrip("-").isdigit()]
    assert len(whole) > 50
    assert all(text_of(e).replace(",", "") == e.attrib["value"] for e in whole)
    assert "E = I * V * t" in text_of(root)
    assert "µJ" not in text_of(root)
    assert "Budget" not in text_of(root)


def assert_drawn(root: Element, model: Model, x: Any, steps: int | None = None) -> None:
    """Assert that every spike of a sample is drawn, and no other."""
    result = model.run(x, trace=True, steps=steps)
    drawn = dict(rasters(root))
    assert [name for name in drawn if name != "input"] == [
        f"layer {index}" for index in range(len(model.layers))
    ]
    for index, spikes in enumerate(result.spikes or ()):
        np.testing.assert_array_equal(drawn[f"layer {index}"], spikes[0])
    section = by_id(root, "sample")
    scores = [int(e.attrib["value"]) for e in section.iter("data")]
    assert scores == ([] if result.scores is None else result.scores[0].tolist())


def test_hostile_names_are_text_and_the_raster_is_the_run(
    saved: str, data: str, tmp_path: Path
) -> None:
    text, root = made(saved, tmp_path, "--board", "qemu-m4", "--data", data, "--sample", "3")
    loaded = qat.datasets.load(data).with_input_bits(4)
    assert_drawn(root, Model.load(saved), loaded.x_test[3:4])
    label = loaded.class_names[int(loaded.y_test[3])]
    assert label.startswith(HOSTILE)
    assert f"class {label}, predicted" in text_of(by_id(root, "sample"))
    assert "<script" not in text
    assert outside(root, "") == []


def test_made_inputs_are_called_so(saved: str, tmp_path: Path) -> None:
    model = Model.load(saved)
    _, root = made(saved, tmp_path, "--board", "qemu-m4")
    assert_drawn(root, model, made_inputs(model)[63:])
    assert "Sample 63 of 64 made inputs" in text_of(by_id(root, "sample"))


def test_spikes_of_the_input_are_drawn_and_a_free_model_has_no_scores(tmp_path: Path) -> None:
    codes = np.random.default_rng(2).integers(-1, 2, (33, 40))
    model = Model(Rate(20, -8, 7), (Layer(Dense(codes), LIF(3, (3,))),), name="free")
    x = made_inputs(model)[5:6]
    path = save(model, tmp_path / "free.npz")
    text, root = made(path, tmp_path, "--board", "pico", "--sample", "5")
    assert_drawn(root, model, x, FREE_STEPS)
    drawn = dict(rasters(root))["input"]
    np.testing.assert_array_equal(drawn, model.input.encode(x, FREE_STEPS)[0])
    assert drawn.any()
    assert outside(root, text) == []
    assert "One step takes" in text_of(root)


def test_the_same_bytes_and_no_path(saved: str, tmp_path: Path) -> None:
    words = ["--board", "nucleo_f401re", *SUPPLY, *LIMITS]
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    first, second = (made(saved, folder, *words, status=1)[0] for folder in folders)
    assert first == second
    for path in (saved, str(tmp_path), str(Path(saved).parent), str(Path.home()), str(Path.cwd())):
        assert path == "/" or path not in first


def test_all_boards_stand_on_one_page(
    saved: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, root = made(saved, tmp_path, "--board", "all", "--budget", "flash=1M", "--json")
    results = json.loads(capsys.readouterr().out)["results"]
    assert [one["board"] for one in results] == list(load_boards())
    shown = numbers(by_id(root, "boards"))
    names = ("instructions", "worst", "latency_us", "flash", "ram", "stack")
    assert shown == {f"{one['board']}.{name}": one[name] for one in results for name in names}
    for one in results:
        assert numbers(by_id(root, one["board"]))["worst"] == one["worst"]
    rows = [text_of(row) for row in by_id(root, "boards").iter("tr")]
    assert sum(row.endswith("✓ kept") for row in rows) == len(results)
    assert outside(root, text) == []


def widths(element: Element) -> list[float]:
    return [float(span.attrib["width"].rstrip("%")) for span in element.findall("svg")[1:]]


@pytest.mark.parametrize("board", ["nucleo_f401re", "nucleo_f072rb"])
def test_the_memory_map_is_drawn_to_scale(
    board: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second board has too little flash for this model."""
    codes = np.random.default_rng(0).integers(-100, 101, (256, 700))
    layer = Layer(Dense(codes, 8, input_shift=6), LIF(300, (3,)))
    path = save(Model(Analog(700), (layer,), Count(), 4, name="wide"), tmp_path / "wide.npz")
    status = 1 if board == "nucleo_f072rb" else 0
    _, root = made(path, tmp_path, "--board", board, "--json", status=status)
    values = json.loads(capsys.readouterr().out)
    flash, ram = (e for e in root.iter("svg") if "data-map" in e.attrib)
    for drawn, used, room in (
        (flash, values["flash"], values["board_flash"]),
        (ram, values["ram"] + values["stack"], values["board_ram"]),
    ):
        whole = max(used, room)
        bars = [float(r.attrib["width"].rstrip("%")) for r in drawn.findall("rect")[:2]]
        assert bars == pytest.approx([100 * room / whole, 100 * used / whole], abs=1e-3)
        assert sum(widths(drawn)) == pytest.approx(200, abs=0.02)  # sections, then parts
        titles = [text_of(span.find("rect")) for span in drawn.findall("svg")[1:]]
        sizes = [int(t.split()[-2].replace(",", "")) for t in titles]
        shares = [100 * size / used for size in sizes]
        assert widths(drawn) == pytest.approx(shares, abs=1e-3)
    short = values["flash"] - values["board_flash"]
    assert (f"{short:,} too few" in text_of(root)) == (short > 0) == (board == "nucleo_f072rb")


def test_no_matplotlib_is_needed(
    saved: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    made(saved, tmp_path, "--board", "qemu-m4")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--sample", "0"], "--sample: goes with --html"),
        (["--data", "digits"], "--data: goes with --html"),
        (["--html", "{tmp}/none/page.html"], "cannot be written"),
        (["--html", "{tmp}/page.html", "--sample", "64"], "--sample: found 64; there are 64"),
    ],
)
def test_wrong_use_is_one_line(
    words: list[str], said: str, saved: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [word.format(tmp=tmp_path) for word in words]
    assert main(["report", saved, "--board", "qemu-m4", *given]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_maps_are_pictures_and_neurons_without_memory_have_none(root: Path, tmp_path: Path) -> None:
    path = root / "tests" / "contract" / "models" / "pictures.npz"
    text, _ = made(str(path), tmp_path, "--board", "qemu-m4")
    assert text.count("data-maps") == 2
    assert "no memory" in text
    assert "emits 0 to 3" in text
