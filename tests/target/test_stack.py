"""The bound of the stack, against the compiler's own frames and against a painted stack."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from support.golden import GOLDEN
from support.models import inputs_for, small_model, steps_for

from codegen.boards import find_board, load_boards
from codegen.device import What
from codegen.errors import BuildError
from codegen.render import render
from codegen.sizes import find_arm_compiler, model_flags
from codegen.stack import deepest, disassemble, frame_of, parse
from codegen.target import TargetModel
from qat.model import Model

pytestmark = pytest.mark.target

CALLS = {
    What.INPUT: "call_input",
    What.STEP: "call_step",
    What.INFER: "call_infer",
    What.SCORES: "call_scores",
}
"""Functions of the firmware around the model's own."""

UNUSED = 40
"""Bytes that a run may leave of the bound: the deepest path need not be taken by these inputs."""


@pytest.mark.parametrize("board", load_boards())
@pytest.mark.parametrize("model", [*GOLDEN, small_model()], ids=lambda model: model.name)
def test_the_bound_holds_and_is_close(model: Model, board: str) -> None:
    with TargetModel(model, board) as target:
        used = target.stack(inputs_for(model, 4, seed=2), steps_for(model))
        functions = disassemble(target.elf)
    assert What.STEP in used
    for what, found in used.items():
        bound = deepest(functions, CALLS[what])
        assert found <= bound
        assert bound <= found + UNUSED


@pytest.mark.parametrize("board", load_boards())
def test_frames_are_those_that_the_compiler_reports(board: str, tmp_path: Path) -> None:
    model = next(model for model in GOLDEN if model.name == "frames")  # no inline assembly
    for name, text in render(model).items():
        (tmp_path / name).write_text(text)
    flags = [*find_board(board).core_flags, *model_flags(), "-fstack-usage", "-c"]
    command = [find_arm_compiler(), *flags, "frames.c", "-o", "frames.o"]
    subprocess.run(command, cwd=tmp_path, check=True)
    usage = [line.split("\t") for line in (tmp_path / "frames.su").read_text().splitlines()]
    functions = disassemble(tmp_path / "frames.o")
    reported = {place.rsplit(":", 1)[1]: int(size) for place, size, _ in usage}
    reported = {name: size for name, size in reported.items() if name in functions}
    assert reported
    assert {name: frame_of(functions[name]).own for name in reported} == reported


CODE = """
00000000 <pair>:
   0:\tpush\t{r4, r5, lr}
   2:\tcbz\tr0, 8 <pair+0x8>
   4:\tsub\tsp, #16
   6:\tadd\tsp, #16
   8:\tbl\t20 <leaf>
   c:\tpop\t{r4, r5, pc}

00000020 <leaf>:
  20:\tstr.w\tr4, [sp, #-4]!
  24:\tvpush\t{d8-d9}
  28:\tvpop\t{d8-d9}
  2c:\tldr.w\tr4, [sp], #4
  30:\tbx\tlr

00000040 <again>:
  40:\tpush\t{lr}
  42:\tbl\t40 <again>
  46:\tpop\t{pc}

00000050 <pointer>:
  50:\tpush\t{lr}
  52:\tblx\tr3
  54:\tpop\t{pc}

00000060 <loop>:
  60:\tpush\t{r0}
  62:\tbne.n\t60 <loop>
  64:\tbx\tlr

00000070 <moved>:
  70:\tmov\tsp, r7
  72:\tbx\tlr

00000080 <large>:
  80:\tldr\tr4, [pc, #8]\t@ (8c <large+0xc>)
  82:\tadd\tsp, r4
  84:\tb.n\t20 <leaf>
  8c:\t.word\t0xfffffdd8
"""


def test_depth_follows_every_path() -> None:
    functions = parse(CODE)
    assert deepest(functions, "leaf") == 20
    assert deepest(functions, "pair") == max(12 + 16, 12 + 20)
    assert deepest(functions, "large") == 552 + 20


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("again", "calls itself"),
        ("pointer", "not in the program"),
        ("loop", "pushes in a loop"),
        ("moved", "cannot follow"),
        ("nowhere", "not in the program"),
    ],
)
def test_what_has_no_bound_is_an_error(name: str, reason: str) -> None:
    with pytest.raises(BuildError, match=reason):
        deepest(parse(CODE), name)
