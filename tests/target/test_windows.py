"""Convolutions in windows on every core: spikes, counts, membranes and scores are the model's."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.crossed import ALIKE, crossed, some
from support.recorded import emulated
from support.zoo.windows import (
    KERNELS,
    extreme_bytes,
    extreme_windows,
    inputs_for,
    keeping_more,
    random_together,
    random_windows,
)

from codegen.checks.comparison import compare
from codegen.plan.choose import plan
from codegen.render import render
from qat.model import Model

pytestmark = pytest.mark.target

CORES = ("qemu-m0", "qemu-m3", "qemu-m4", "qemu-m33", "qemu-m55")
PORTABLE = ("-DMODEL_PORTABLE=1",)


EXTREME = -1
"""In place of a seed: the model of which all weights of a channel are alike."""


def differing(seed: int, board: str, flags: tuple[str, ...] = (), **fault: str) -> int:
    """Return how many values of a model are others on a core; fault: {old=, new=} of its C."""
    model = extreme_windows() if seed < 0 else random_windows(seed)
    return of_model(model, board, flags, **fault)


def of_model(model: Model, board: str, flags: tuple[str, ...] = (), **fault: str) -> int:
    """Return how many values of a model are others on a core."""
    x, steps = inputs_for(model, 6)
    expected = replace(model.run(x, trace=True, steps=steps), u=None)
    chosen = dict.fromkeys(range(len(model.layers)), "windows")
    files, name = render(model, kernels=chosen), f"{model.name}.c"
    if fault:
        assert fault["old"] in files[name]
        files = files | {name: files[name].replace(fault["old"], fault["new"])}
    with emulated(model, board, flags=flags, files=files) as running:
        return compare(expected, running.run(x, trace=True, steps=steps)).differing


@pytest.mark.parametrize(("board", "seed"), crossed(CORES, ("0", "7", "11"), each=1))
def test_windows_on_a_core(board: str, seed: str) -> None:
    assert differing(int(seed), board) == 0


@pytest.mark.parametrize(("board", "which"), [("qemu-m0", 0), ("qemu-m4", 1), ("qemu-m55", 0)])
def test_windows_of_neurons_that_keep_more(board: str, which: int) -> None:
    assert of_model(keeping_more(random_windows(8), which), board) == 0


@pytest.mark.parametrize(("seed", "board"), crossed(("0", "7", "11"), CORES, each=1))
def test_windows_in_portable_c(seed: str, board: str) -> None:
    assert differing(int(seed), board, PORTABLE) == 0


NIBBLES = {6: "sum", 10: "max", 17: "", 29: ""}
"""Seeds of models whose first or second layer has nibbles, and what pools that layer: long runs,
pieces of rows, two and three planes."""


@pytest.mark.parametrize("seed", NIBBLES)
def test_nibbles_on_helium(seed: int) -> None:
    made = plan(random_windows(seed), kernels=KERNELS).layers
    assert any(stage.dense and stage.pooled == NIBBLES[seed] for stage in made)
    assert differing(seed, "qemu-m55") == 0


IN_BYTES = (1, 2, 34, 36)
"""Seeds of models whose leaky neurons have membranes in bytes there, with each reset."""


@pytest.mark.parametrize("seed", IN_BYTES)
def test_membranes_in_bytes_on_helium(seed: int) -> None:
    made = plan(random_windows(seed), kernels=KERNELS).layers
    assert any(stage.in_bytes for stage in made)
    assert differing(seed, "qemu-m55") == 0


@pytest.mark.parametrize(
    ("old", "new"), [("", ""), ("vqaddq_s8", "vaddq_s8"), ("vcmpgeq_s8", "vcmpgtq_s8")]
)
def test_membranes_reach_both_ends_of_a_byte(old: str, new: str) -> None:
    model = extreme_bytes()
    fault = {"old": old, "new": new} if old else {}
    assert (of_model(model, "qemu-m55", **fault) > 0) == bool(old)


@pytest.mark.parametrize(("seed", "board"), crossed((5, 14, 33, 39), CORES, each=2, apart=ALIKE))
def test_layers_that_one_function_computes_on_a_core(seed: int, board: str) -> None:
    assert of_model(random_together(seed), board) == 0


@pytest.mark.parametrize("board", some(CORES, ("qemu-m0", "qemu-m4", "qemu-m55")))
def test_extreme_weights_on_a_core(board: str) -> None:
    assert differing(EXTREME, board) == 0


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("n < 126u ? n : 126u", "n < 133u ? n : 133u"),
        ("vshr.u8 %q[some], %q[some], #4", "vshr.u8 %q[some], %q[some], #3"),
        ("vmovltq_u8(high)", "vmovlbq_u8(high)"),
    ],
)
def test_a_planted_fault_shows_on_helium(old: str, new: str) -> None:
    assert differing(EXTREME, "qemu-m55", old=old, new=new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("smlatb", "smlabb"),
        ("ldrh %[pair], [%[list], #12]", "ldrh %[pair], [%[list], #10]"),
    ],
)
def test_an_entry_that_is_taken_for_another_shows_on_helium(old: str, new: str) -> None:
    assert differing(min(NIBBLES), "qemu-m55", old=old, new=new)
