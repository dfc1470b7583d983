"""The bound of the stack, against the compiler's own frames and against a painted stack."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.crossed import ALIKE, crossed
from support.hunters import HUNTERS
from support.models import inputs_for, steps_for
from support.recorded import emulated
from support.zoo.golden import GOLDEN
from support.zoo.sized import inputs_of
from support.zoo.small import small_model

from codegen.base.errors import BuildError
from codegen.checks.host import CompilerError, HostModel
from codegen.checks.streams import made_samples
from codegen.isa import ARM
from codegen.render import render
from codegen.target.boards import find_board, further_boards, load_boards
from codegen.target.compiler import compiling, model_flags
from codegen.target.counting import What
from codegen.target.emulated import TargetModel
from codegen.target.stack import deepest, disassemble, frame_of, stack_of
from qat.model import Model, Spikes

pytestmark = pytest.mark.target

CALLS = {
    What.INPUT: "call_input",
    What.STEP: "call_step",
    What.INFER: "call_infer",
    What.SCORES: "call_scores",
    What.SAMPLE: "stream_call",
}
"""Functions of the firmware around the model's own."""

UNUSED = 40
"""Bytes that a run may leave of the bound: the deepest path need not be taken by these inputs."""
LOOSEST = 1.5
"""How often a bound may hold what was seen, of any model and call; what is left is such a path."""
SAMPLES = 64
"""Raw samples that a model with a sensor takes."""


def painted(target: TargetModel, x: Any, steps: int | None) -> dict[What, int]:
    """Return the most bytes that each kind of call took of a painted stack."""
    used = target.stack(x, steps)
    if target.model.sensor is not None:
        used[What.SAMPLE] = max(_by_samples(target))
    return used


def _by_samples(target: TargetModel) -> Iterator[int]:
    for i, sample in enumerate(made_samples(target.model)[:SAMPLES]):
        target.device.sample(sample[None], restart=i == 0, keep=True)
        yield target.device.stack(What.SAMPLE)


def bounds_of(target: TargetModel, calls: Iterable[What]) -> dict[What, int]:
    """Return the bound of each call, from the machine code."""
    architecture = target.board.architecture
    functions = disassemble(target.elf, architecture)
    return {what: deepest(functions, CALLS[what], architecture) for what in calls}


MODELS = {model.name: model for model in (*GOLDEN, small_model())}


@pytest.mark.parametrize(
    ("name", "board"), crossed(MODELS, load_boards() | further_boards(), apart=ALIKE)
)
def test_the_bound_holds_and_is_close(name: str, board: str) -> None:
    model = MODELS[name]
    with emulated(model, board, around="exact") as target:
        used = painted(target, inputs_for(model, 4, seed=2), steps_for(model))
        bounds = bounds_of(target, used)
    assert What.STEP in used
    assert (What.SAMPLE in used) == (model.sensor is not None)
    for what, found in used.items():
        assert found <= bounds[what] <= found + UNUSED


@pytest.mark.proof
@pytest.mark.parametrize("board", load_boards() | further_boards())
def test_the_bound_holds_for_every_kind_of_model(board: str) -> None:
    loosest = []
    for name, hunter in HUNTERS.items():
        x, steps = few_inputs(hunter.model)
        with emulated(hunter.model, board, files=hunter.files(), around="exact") as target:
            used = painted(target, x, steps)
            bounds = bounds_of(target, used)
        for what, found in used.items():
            assert found <= bounds[what], f"{name}, {what.name}: {found} of {bounds[what]} bytes"
            loosest.append((bounds[what] / max(found, 1), name, what.name, found, bounds[what]))
    ratio, *which = max(loosest)
    exact = sum(found == bound for *_, found, bound in loosest)
    print(f"stack: {board}: {len(loosest)} calls of {len(HUNTERS)} models, {exact} bounds attained")
    print(f"stack: {board}: loosest {ratio:.2f}: {which}")
    assert ratio <= LOOSEST


def few_inputs(model: Model) -> tuple[Any, int | None]:
    """Return the extremes of a model's inputs: lowest, highest, mixed; of spikes the last steps."""
    x, steps = inputs_of(model)
    return (x[:2, -24:], None) if isinstance(model.input, Spikes) else (x[:4], steps)


# ------------------------------------------------------- what has no bound is refused

PLANTED = {
    "recursion": ("small_step(state, out);\n    out[0] ^= 1u;", "calls itself"),
    "a call through a pointer": (
        "void (*volatile reset)(small_state *) = small_reset;\n    reset(state);",
        "not in the program",
    ),
    "an array of variable length": (
        "volatile uint32_t words[state->spikes1[0] & 7u];\n    words[0] = 0u;",
        "cannot follow",
    ),
}
"""{what the C of the small model must not have: (a piece of a step that has it, the error)}."""


def with_planted(piece: str) -> dict[str, str]:
    """Return the small model's files with a piece of code at the end of a step."""
    files = render(small_model())
    place = "    (void)memcpy(out, state->spikes1"
    assert files["small.c"].count(place) == 1
    files["small.c"] = files["small.c"].replace(place, f"    {{ {piece} }}\n{place}")
    return files


@pytest.mark.parametrize(
    ("name", "board"), crossed(PLANTED, ["qemu-m0", "qemu-rv32imc", "qemu-m4", "qemu-rv32ec"], 2)
)
def test_code_without_a_bound_is_refused(name: str, board: str) -> None:
    piece, reason = PLANTED[name]
    with pytest.raises(BuildError, match=reason):
        stack_of(with_planted(piece), board)


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_an_array_of_variable_length_is_a_warning_and_so_an_error(compiler: str) -> None:
    piece, _ = PLANTED["an array of variable length"]
    with pytest.raises(CompilerError, match=r"-Wvla|variable length array"):
        HostModel(small_model(), compiler, files=with_planted(piece))


# --------------------------------------------------------------------------- frames


@pytest.mark.parametrize("board", load_boards() | further_boards())
def test_frames_are_those_that_the_compiler_reports(board: str, tmp_path: Path) -> None:
    model = next(model for model in GOLDEN if model.name == "frames")  # no inline assembly
    for name, text in render(model).items():
        (tmp_path / name).write_text(text)
    flags = [*model_flags(), "-fstack-usage", "-c"]
    command = [*compiling(find_board(board)), *flags, "frames.c", "-o", "frames.o"]
    subprocess.run(command, cwd=tmp_path, check=True)
    architecture = find_board(board).architecture
    usage = [line.split("\t") for line in (tmp_path / "frames.su").read_text().splitlines()]
    functions = disassemble(tmp_path / "frames.o", architecture)
    reported = {place.rsplit(":", 1)[1]: int(size) for place, size, _ in usage}
    reported = {name: size for name, size in reported.items() if name in functions}
    assert reported
    assert {name: frame_of(functions[name], architecture).own for name in reported} == reported


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

00000048 <ping>:
  48:\tpush\t{lr}
  4a:\tbl\t4c <pong>

0000004c <pong>:
  4c:\tpush\t{lr}
  4e:\tb.n\t48 <ping>

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

00000090 <far>:
  90:\tpush\t{r4, lr}
  92:\tbl\t98 <far+0x8>
  96:\tpop\t{r4, pc}
  98:\tpush\t{r0}
  9a:\tpop\t{r0}
  9c:\tbl\t96 <far+0x6>
"""


def test_depth_follows_every_path() -> None:
    functions = ARM.parse(CODE)
    assert deepest(functions, "leaf", ARM) == 20
    assert deepest(functions, "pair", ARM) == max(12 + 16, 12 + 20)
    assert deepest(functions, "large", ARM) == 552 + 20
    assert deepest(functions, "far", ARM) == 8 + 4  # on ARMv6-M far jumps of GCC look like calls


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("again", "calls itself"),
        ("ping", "ping -> pong -> ping: it calls itself"),
        ("pointer", "not in the program"),
        ("loop", "pushes in a loop"),
        ("moved", "cannot follow"),
        ("nowhere", "not in the program"),
    ],
)
def test_what_has_no_bound_is_an_error(name: str, reason: str) -> None:
    with pytest.raises(BuildError, match=reason):
        deepest(ARM.parse(CODE), name, ARM)
