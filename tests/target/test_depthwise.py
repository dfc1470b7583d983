"""Depthwise convolutions in channel words on every core, and where nothing else is compiled."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.crossed import crossed
from support.recorded import emulated
from support.zoo.depthwise import KERNELS, WHOLE, random_words
from support.zoo.windows import inputs_for

from codegen.checks.comparison import compare
from codegen.render import render

pytestmark = pytest.mark.target

CORES = ("qemu-m0", "qemu-m3", "qemu-m4", "qemu-m33", "qemu-m55")
SEEDS = ("0", "1", "7", "15", "20")
"""Neurons of both kinds, both resets, both pools, stride 2, up to three words a position."""
FAULTY = "69"


def differing(seed: str, board: str, whole: bool = False, **fault: str) -> int:
    """Return how many values of a model are others on a core; fault: {old=, new=} of its C."""
    model = random_words(int(seed), whole, whole=whole)
    x, steps = inputs_for(model, 6)
    expected = replace(model.run(x, trace=True, steps=steps), u=None)
    files, name = render(model, kernels=KERNELS), f"{model.name}.c"
    if fault:
        assert fault["old"] in files[name]
        files = files | {name: files[name].replace(fault["old"], fault["new"])}
    with emulated(model, board, files=files) as running:
        return compare(expected, running.run(x, trace=True, steps=steps)).differing


@pytest.mark.parametrize(("seed", "board"), crossed(SEEDS, CORES, each=2))
def test_a_core_gives_the_model(seed: str, board: str) -> None:
    assert differing(seed, board) == 0


@pytest.mark.parametrize("seed", [*map(str, WHOLE)])
def test_vectors_of_four_words_give_the_model(seed: str) -> None:
    assert differing(seed, "qemu-m55", whole=True) == 0


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("_LOAD(masks, 16)", "_LOAD(masks, 0)"),
        ("x & ~differ) | (differ & ~*ones)", "x & ~differ) | (differ & *ones)"),
        ("apart = {0u, 2u, ", "apart = {0u, 1u, "),
    ],
)
def test_a_fault_of_vectors_shows(old: str, new: str) -> None:
    assert differing(FAULTY, "qemu-m55", whole=True, old=old, new=new) > 0


def test_a_tap_that_is_left_out_shows() -> None:
    assert differing("15", "qemu-m0", old="masks[0]", new="0u") > 0
