"""Counts of each part of a model: they add up, and the marks leave the generated C as it is."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from support.crossed import ALIKE, crossed, some
from support.models import inputs_for, steps_for
from support.recorded import emulated
from support.zoo.golden import GOLDEN
from support.zoo.made import behind
from support.zoo.small import small_model

from codegen.base.errors import RefusedError
from codegen.plan.build import part_names
from codegen.plan.choose import plan
from codegen.render import render
from codegen.target.boards import find_board, further_boards, load_boards
from codegen.target.build import build
from codegen.target.compiler import compiling, model_flags
from codegen.target.device import Device
from codegen.target.protocol import Client, Code
from codegen.target.qemu import Qemu
from codegen.target.runner import MARKS
from qat.model import Delta, Latency, Model, Rate, Spikes

pytestmark = pytest.mark.target

FEW, SHARE = 12, 0.02
"""By how much the parts of a call and its own count may differ, in instructions and as a part of
it: the compiler may keep a value elsewhere where a mark stands. In large layers this vanishes."""


ENCODED = (behind(Rate(150, -8, 7), "rate"), behind(Latency.linear(9, 0, 15, 5), "latency"),
           behind(Delta(20, 0, 15, 3), "delta"))  # fmt: skip
MODELS = {model.name: model for model in (*GOLDEN, small_model(), *ENCODED)}


@pytest.mark.parametrize(
    ("name", "board"), crossed(MODELS, load_boards() | further_boards(), apart=ALIKE)
)
def test_parts_add_up_to_the_call(name: str, board: str) -> None:
    model = MODELS[name]
    x, steps = inputs_for(model, 3, seed=1), steps_for(model)
    with (
        emulated(model, board, flags=MARKS, around="counted") as marked,
        emulated(model, board, around="counted") as plain,
    ):
        parts, counts = marked.parts(x, steps), plain.benchmark(x, steps)
    for ours, whole in ((parts.input, counts.input), (parts.step, counts.step),
                        (parts.infer, counts.infer)):  # fmt: skip
        assert (ours is None) == (whole is None)
        if ours is not None and whole is not None:
            assert (np.abs(ours.sum(axis=-1) - whole) <= FEW + SHARE * whole).all()
    names = part_names(plan(model))
    assert parts.step.shape[-1] == len(names)
    if not isinstance(model.input, Spikes):
        assert names[1] == ("encoder" if model.input.spiking else "currents")
        first = parts.step if parts.input is None or model.input.spiking else parts.input
        assert (first[..., 1] > 0).all()
    for index, part in enumerate(names):
        if part.startswith("layer"):
            assert (parts.step[..., index] > 20).all()


@pytest.mark.parametrize(
    "board",
    some(load_boards() | further_boards(), ("qemu-m0", "qemu-m4", "qemu-m55", "qemu-rv32imc")),
)
def test_parts_of_an_example_add_up_within_a_few_instructions(board: str, root: Path) -> None:
    model = Model.load(root / "tests" / "examples" / "mnist-256.npz")
    x = inputs_for(model, 2, seed=1)
    with (
        emulated(model, board, flags=MARKS, around="counted") as marked,
        emulated(model, board, around="counted") as plain,
    ):
        ours, whole = marked.parts(x).infer, plain.benchmark(x).infer
    assert ours is not None
    assert whole is not None
    assert np.abs(ours.sum(axis=-1) - whole).max() <= FEW


def test_a_part_grows_with_its_own_layer_alone() -> None:
    model = small_model()
    with emulated(model, "qemu-m4", flags=MARKS, around="counted") as target:
        idle, busy = target.parts(np.stack([np.zeros(20, int), np.full(20, 16)])).infer[:, 1]
    assert busy > idle + 100


@pytest.mark.parametrize("board", load_boards() | further_boards())
def test_unused_marks_change_no_instruction(board: str, tmp_path: Path) -> None:
    files = render(small_model())
    marks = re.compile(r"^ +\w+_MARK\(\d+\);\n", re.MULTILINE)
    bare = {name: marks.sub("", text) for name, text in files.items()}
    assert bare["small.c"] != files["small.c"]
    assert _code(files, board, tmp_path / "marked") == _code(bare, board, tmp_path / "bare")


def _code(files: dict[str, str], board: str, folder: Path) -> str:
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    command = [*compiling(find_board(board)), *model_flags(), "-S", "small.c", "-o", "-"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return re.sub(r'[@#] \d+ "small.c"', "", done.stdout)  # the lines of inline assembly


def test_a_firmware_without_marks_says_so(model: Model) -> None:
    elf = build(render(model), "qemu-m4")["qemu-m4"]
    with Qemu(find_board("qemu-m4"), elf) as qemu, pytest.raises(RefusedError) as refused:
        Device(Client(qemu, 120.0)).parts()
    assert refused.value.code == Code.NOT_HERE
    with emulated(model, "qemu-m4") as target, pytest.raises(ValueError, match="no marks"):
        target.parts(np.zeros((1, 20), int))
