"""`train --layers`: networks on maps and with counts, and what makes none."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import qat
from codegen.cli import main
from qat.model import LIF, Burst, Conv, Pool


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("layers")
    random = np.random.default_rng(0)
    y = np.arange(120) % 3
    steps = np.linspace(0, 6, 12)[None, :, None] * (1 + y[:, None, None])
    x = np.rint(60 * np.sin(steps + random.normal(0, 0.2, (120, 1, 2)))).astype(np.int8)
    np.savez(path / "waves.npz", x=x, y=y)
    np.savez(path / "flat.npz", x=x[:, :, 0], y=y)
    return path


def test_windows_of_a_recording_are_maps_of_height_1(folder, capsys):
    model = folder / "waves-model.npz"
    words = ["train", str(folder / "waves.npz"), "-o", str(model), "--layers", "6c3-p2-8c3v",
             "--epochs", "12", "--batch-size", "16", "--output-bits", "4", "--json"]  # fmt: skip
    assert main(words) == 0
    said = json.loads(capsys.readouterr().out)
    made = qat.Model.load(model)
    assert made.steps == 1
    assert made.input.grid.sides == (1, 12, 2)
    first, second = made.layers
    assert isinstance(first.synapse, Conv)
    assert first.synapse.kernel == (1, 3)
    assert first.pool == Pool("max", (1, 2))
    assert isinstance(first.neuron, Burst)
    assert second.shape.sides == (1, 4, 8)
    assert said["accuracy"]["test"] > 0.9
    assert main(["evaluate", str(model), "--data", str(folder / "waves.npz"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] == pytest.approx(
        said["accuracy"]["test"]
    )


PAD = ((0, 0), (1, 0), (0, 0), (0, 0))
"""A row in front of pictures that is 0 in all of them."""


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of pictures, and of films of four pictures, dark on a side of their class."""
    path = tmp_path_factory.mktemp("films")
    y = np.arange(90) % 3
    x = np.random.default_rng(0).integers(64, 256, (90, 4, 8, 8, 2)).astype(np.uint8)
    x[y == 1, :, :4] //= 4
    x[y == 2, :, :, :4] //= 4
    np.savez(path / "films.npz", x=x, y=y)
    np.savez(path / "pictures.npz", x=x[:, 0], y=y)
    np.savez(path / "floats.npz", x=x[:, 0] / 255, y=y)
    np.savez(path / "by.npz", x=np.pad(x[:, 0] / 255, PAD)[:, :8], y=y, who=np.arange(90) // 9)
    np.savez(path / "others.npz", x=x[:, 0].reshape(90, 4, 16, 2), y=y)
    np.savez(path / "channels-first.npz", x=x[:, :3, :, :, 0], y=y)
    return path


@pytest.mark.parametrize(
    ("file", "steps", "neuron"),
    [("pictures", 1, Burst), ("floats", 1, Burst), ("films", 4, LIF)],
)
def test_pictures_of_a_file_are_maps(films, capsys, file, steps, neuron):
    data, model = films / f"{file}.npz", films / f"{file}-model.npz"
    words = ["train", str(data), "-o", str(model), "--layers", "6c3-p2", "--epochs", "6"]
    assert main([*words, "--batch-size", "16"]) == 0
    said = capsys.readouterr()
    assert "pictures 8 high, 8 wide, 2 channels" in said.out + said.err
    made = qat.Model.load(model)
    assert made.input.grid.sides == (8, 8, 2)
    assert (made.steps, type(made.layers[0].neuron)) == (steps, neuron)
    assert main(["evaluate", str(model), "--data", str(data), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] > 0.7  # of three classes
    assert main(["check", str(model), "--data", str(data)]) == 0


def test_pictures_by_recordings_share_one_scale(films, capsys):
    words = ["train", str(films / "by.npz"), "--by", "who", "--layers", "4c3-p2", "--epochs", "1"]
    assert main([*words, "-o", str(films / "by-model.npz")]) == 0
    assert qat.Model.load(films / "by-model.npz").input.grid.sides == (8, 8, 2)
    capsys.readouterr()
    assert main([*words, "--recipe", "mnist-16", "-o", str(films / "no.npz")]) == 2
    said = capsys.readouterr().err
    assert "augment: changes square pictures of one channel; by has 8x8x2" in said
    assert main([*words, "--recipe", "mnist-16", "--changes", "0", "-o", str(films / "c.npz")]) == 0


def test_pictures_of_another_form_are_refused(films, capsys):
    model = films / "known-model.npz"
    words = ["--layers", "4c3-p2", "--epochs", "1", "-o", str(model)]
    assert main(["train", str(films / "pictures.npz"), *words]) == 0
    capsys.readouterr()
    assert main(["evaluate", str(model), "--data", str(films / "others.npz")]) == 2
    assert "x: found pictures of 4x16x2; the model takes 8x8x2" in capsys.readouterr().err
    assert main(["train", str(films / "channels-first.npz"), *words]) == 2
    assert "whose channels seem to come first" in capsys.readouterr().err
    assert main(["train", str(films / "films.npz"), *words, "--neuron", "burst"]) == 2
    assert "takes one picture; films has 4 a sample" in capsys.readouterr().err


@pytest.mark.parametrize("layers", ["6c3-p2-8c3v", "8"])
def test_shift_moves_windows_anew_in_every_epoch(folder, capsys, layers):
    words = ["train", str(folder / "waves.npz"), "--layers", layers, "--epochs", "2",
             "--batch-size", "16", "--json"]  # fmt: skip
    losses = []
    for number, more in enumerate([[], ["--shift", "0"], ["--shift", "3"]]):
        path = folder / f"moved-{number}.npz"
        assert main([*words, "-o", str(path), *more]) == 0
        found = json.loads(capsys.readouterr().out)["settings"]["augment"]
        assert found == (None if number < 2 else "Shift(by=3, sides=None, blank=False)")
        losses.append(qat.Model.load(path).digest())
    assert losses[0] == losses[1] != losses[2]


@pytest.mark.parametrize(
    ("data", "words", "message"),
    [
        ("flat.npz", ["--shift", "1"], "shift: flat has 12 inputs without a place"),
        ("waves.npz", ["--shift", "12"], "shift: found 12; waves has samples of 12 steps"),
        ("digits", ["--shift", "8"], "samples of 8 pixels, use at most 7"),
        ("waves.npz", ["--changes", "0.5"], "changes: the recipe of waves changes no images"),
        ("digits", ["--changes", "-1", "--layers", "8c3"], "found -1; must be from 0 to 10"),
        ("flat.npz", ["--layers", "8c3"], "--layers 8c3: flat has 12 inputs without a map"),
        ("waves.npz", ["--layers", "8c3-64c"], "'64c', 2nd of 2: is no layer"),
        ("waves.npz", ["--layers", "8c3", "--hidden", "8"], "give one of both"),
        ("waves.npz", ["--layers", "8c3-p5"], "pool 1x5: does not divide the map 1x12x8"),
        ("waves.npz", ["--layers", "8c7v-8c7v"], "its width is 7; the map 1x6x8 has 6"),
        ("digits", ["--layers", "8c3v-p4"], "pool 4x4: does not divide the map 6x6x8"),
        ("digits", ["--layers", "8c3", "--levels", "9"], "found 9; allowed are 1 to 7"),
        ("digits", ["--layers", "8c3", "--neuron", "lif", "--input", "delta"], "--input delta"),
    ],
)
def test_what_makes_no_network(folder, capsys, data, words, message):
    path = data if data == "digits" else str(folder / data)
    assert main(["train", path, "-o", str(folder / "none.npz"), *words]) == 2
    said = capsys.readouterr().err.strip()
    assert message in said
    assert len(said.splitlines()) == 1
    assert not (folder / "none.npz").exists()


def test_neurons_leak_by_classes(folder, capsys):
    model = folder / "leaks.npz"
    words = ["train", str(folder / "waves.npz"), "-o", str(model), "--hidden", "12,6", "--epochs",
             "2", "--leaks", "1/3,-6/5", "--json"]  # fmt: skip
    assert main(words) == 0
    capsys.readouterr()
    first, second = (layer.neuron.leak for layer in qat.Model.load(model).layers)
    assert first.terms == second.terms == ((1,), (3, -6), (5,))
    assert first.of.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert second.of.tolist() == [0, 0, 1, 1, 2, 2]
    assert main(["check", str(model), "--data", str(folder / "waves.npz"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["differing"] == 0
    assert main(["info", str(model), "--json"]) == 0
    stage = json.loads(capsys.readouterr().out)["stages"][0]
    assert (stage["leaks"], stage["of_each_leak"]) == ([[1], [3, -6], [5]], [4, 4, 4])


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--leaks", "3"], "Network.leaks: found ((3,),); must be 2 to 8 leaks"),
        (["--leaks", "2/2"], "no two the same"),
        (["--leaks", "2//4"], "Network.leaks: found ((2,), (), (4,))"),
        (["--leaks", "2/3,-3"], "Network.leaks: (3, -3) leaks 0 of the membrane"),
        (["--leaks", "2/4", "--neuron", "burst"], "Network.leaks: goes with neurons that leak"),
    ],
)
def test_leaks_that_are_none_are_one_line(folder, capsys, more, said):
    words = ["train", str(folder / "waves.npz"), "-o", str(folder / "no.npz"), *more]
    assert main(words) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert said in lines[-1]
