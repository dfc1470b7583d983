"""Raw samples on this machine: planted bugs, sizes, what is refused, the text of the header."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.zoo.golden import sensor as golden

import codegen
from codegen.checks.equivalence import compare_host, compare_raw
from codegen.checks.host import WARNINGS, HostModel, find_compiler
from codegen.checks.streams import ends_of, expected, made_samples
from codegen.plan.choose import plan
from codegen.render import render
from qat.model import LIF, Accumulate, Analog, Dense, Frames, Layer, Model, Sensor


def model_of(mode: str, group: int = 3) -> Model:
    rng = np.random.default_rng(5 if mode.startswith("map") else 4)
    mapped = mode.startswith("map")
    input_ = Analog(15 if mapped else 3, -127, 127)
    if not mapped and mode != "held":
        input_ = Frames(3, -127, 127)
    hop = {"ring": 2, "gaps": 9, "map ring": 2, "map gaps": 9}.get(mode)
    steps = None if mode == "free" else 6
    codes = rng.integers(-1, 2, (20, input_.size))
    readout = None if steps is None else Accumulate(Dense(rng.integers(-9, 9, (4, 20)), 8))
    layers = (Layer(Dense(codes), LIF(700 if mapped else 150, (2,))),)
    vectors = 5 if mapped else None
    sensor = Sensor([90, -4, 0], [3000, 7000, -400], 14, group, hop, vectors=vectors)
    return Model(input_, layers, readout, steps, "raw", sensor=sensor)


def write(model: Model, folder: Path) -> None:
    """Put the pair of a model into a folder, without the figures of its README."""
    for name, text in render(model).items():
        (folder / name).write_text(text)


MODES = ("held", "map", "map ring", "map gaps", "steps", "ring", "gaps", "free")


@pytest.mark.parametrize("group", [1, 3])
@pytest.mark.parametrize("mode", MODES)
def test_every_mode_equals_the_model(mode: str, group: int) -> None:
    model = model_of(mode, group)
    samples = np.cumsum(np.random.default_rng(0).integers(-30, 31, (400, 3)), axis=0)
    wanted, found = expected(model, samples), HostModel(model).stream(samples)
    assert len(wanted.when) == len(ends_of(model, 400)) > 10
    np.testing.assert_array_equal(wanted.when, found.when)
    if mode == "free":
        assert wanted.output is not None
        assert wanted.output.any()
        np.testing.assert_array_equal(wanted.output, found.output)
    else:
        assert wanted.predictions is not None
        assert len(set(wanted.predictions)) > 1
        np.testing.assert_array_equal(wanted.scores, found.scores)
        np.testing.assert_array_equal(wanted.predictions, found.predictions)


def test_results_come_when_the_last_sample_of_a_window_does() -> None:
    for mode, ends in (("steps", [17, 35]), ("ring", [17, 23, 29]), ("gaps", [17, 44])):
        assert ends_of(model_of(mode), 48).tolist()[: len(ends)] == ends
    assert ends_of(model_of("held", 1), 3).tolist() == [0, 1, 2]


PLANTED = [
    ("steps", "x = s - raw_offset[i];", "x = s - raw_offset[0];"),
    ("steps", "+ 8192, 14u", ", 14u"),
    ("steps", "x = -127;", "x = -126;"),
    ("steps", "stream->samples < RAW_GROUP", "stream->samples <= RAW_GROUP"),
    ("steps", "before == 0u", "before == 1u"),
    ("steps", "before + 1u == RAW_STEPS ?", "before + 2u == RAW_STEPS ?"),
    ("gaps", "== RAW_HOP ? 0u", "== RAW_STEPS ? 0u"),
    ("ring", "stream->vectors = RAW_HOP;", "stream->vectors = RAW_STEPS;"),
    ("ring", "stream->next = at;", "stream->next = 0u;"),
    ("ring", "at + 1u == RAW_STEPS ? 0u", "at + 2u == RAW_STEPS ? 0u"),
    ("held", "stream->sums[i] += sample", "stream->sums[i] = sample"),
    ("free", "return 1;", "return 0;"),
]


@pytest.mark.parametrize(("mode", "old", "new"), PLANTED)
def test_planted_bugs_are_found(mode: str, old: str, new: str) -> None:
    model = model_of(mode)
    text = render(model)["raw.c"]
    assert old in text
    comparison = compare_host(model, code={"raw.c": text.replace(old, new)})
    assert comparison.differing
    assert comparison.first is not None
    assert "raw" in comparison.first.quantity
    assert str(comparison.first).startswith("sample ")


def test_products_are_held_to_int32_only_where_they_could_leave_it() -> None:
    model = model_of("steps")
    wide = replace(model.sensor, gain=[2**20, 7000, -400], shift=22)
    model = replace(model, sensor=wide)
    assert codegen.check(model) is None
    text = render(model)["raw.c"]
    assert "> raw_reach[i]" in text
    held = replace(model, sensor=replace(wide, gain=[700, 700, -400], shift=11))
    assert "raw_reach" not in render(held)["raw.c"]


def test_every_int16_is_scaled_as_the_record_says() -> None:
    model = replace(model_of("held", 1), readout=None, steps=None, input=Frames(3, -127, 127))
    for gain, shift in ((2**20, 22), (-(2**20), 0), (2**20, 0), (77_777, 22), (-1, 22)):
        sensor = Sensor([2**30, -(2**30), 7], [gain] * 3, shift)
        model = replace(model, sensor=sensor)
        every = np.arange(-(2**15), 2**15)
        samples = np.stack([every, every, every], axis=1)
        assert compare_raw(model, HostModel(model), samples).differing == 0


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("group", [1, 3])
def test_ram_of_a_stream_is_what_was_planned(mode: str, group: int, tmp_path: Path) -> None:
    model = model_of(mode, group)
    write(model, tmp_path)
    planned = plan(model).stream_bytes
    assert f"{planned} bytes of RAM for each stream" in (tmp_path / "raw.h").read_text()
    (tmp_path / "size.c").write_text(
        f'#include "raw.h"\ntypedef char same[sizeof(raw_stream) == {planned} ? 1 : -1];\n'
    )
    command = [find_compiler(), *WARNINGS, "-fsyntax-only", "size.c"]
    subprocess.run(command, cwd=tmp_path, check=True)


def test_two_streams_run_beside_each_other_in_cpp(tmp_path: Path) -> None:
    model = model_of("ring")
    write(model, tmp_path)
    samples = np.stack([made_samples(model, seed)[:120] for seed in (1, 2)], axis=1)
    numbers = ", ".join(map(str, samples.ravel()))
    (tmp_path / "both.cpp").write_text(
        '#include "raw.h"\n#include <cstdio>\n'
        f"static const int16_t samples[120][2][3] = {{{numbers}}};\n"
        "int main() {\n"
        "    static raw_stream streams[2];\n    int32_t scores[4];\n"
        "    for (auto &stream : streams) raw_stream_reset(&stream);\n"
        "    for (auto &pair : samples) for (int k = 0; k < 2; k++)\n"
        "        if (raw_sample(&streams[k], pair[k], scores) >= 0)\n"
        '            std::printf("%d %d %d %d\\n", scores[0], scores[1], scores[2], scores[3]);\n'
        "}\n"
    )
    subprocess.run([find_compiler(), *WARNINGS, "-c", "raw.c"], cwd=tmp_path, check=True)
    link = ["g++", "-Wall", "-Wextra", "-Werror", "-Wno-missing-braces", "both.cpp", "raw.o"]
    subprocess.run([*link, "-o", "both"], cwd=tmp_path, check=True)
    done = subprocess.run([tmp_path / "both"], capture_output=True, text=True, check=True)
    found = np.array(done.stdout.split(), int).reshape(-1, 2, 4)
    for k in (0, 1):
        np.testing.assert_array_equal(found[:, k], expected(model, samples[:, k]).scores)


def test_the_header_names_units_and_channels() -> None:
    text = render(golden())["sensor.h"]
    assert "1 stands for 0.001 in the units of the data." in text
    assert "sample[2]  az" in text
    assert "12 vectors, 48 samples, are a window. One begins every 24 samples" in text


def test_names_cannot_leave_their_comment() -> None:
    about: dict[str, Any] = {"channels": ["a */ int x;", "\n#error", "ä"], "sample_unit": "*/"}
    model = replace(golden(), metadata=about)
    assert codegen.check(model) is None
    assert "*/ int" not in render(model)["sensor.h"]


def test_samples_that_do_not_fit_are_refused() -> None:
    host, plain = HostModel(model_of("steps")), replace(model_of("steps"), sensor=None)
    for samples, says in (
        (np.zeros(3, int), "found shape"),
        (np.zeros((4, 2), int), "3 channels"),
        (np.full((4, 3), 40000), "holds 40000"),
    ):
        with pytest.raises(ValueError, match=says):
            host.stream(samples)
    with pytest.raises(ValueError, match="has no sensor"):
        HostModel(plain).stream(np.zeros((4, 3), int))


def test_made_samples_reach_the_extremes_and_the_range_between() -> None:
    for mode in MODES:
        model = model_of(mode)
        samples = made_samples(model)
        assert samples.min() == -(2**15)
        assert samples.max() == 2**15 - 1
        vectors = model.inputs_of(samples)
        assert len(np.unique(vectors)) > 20
