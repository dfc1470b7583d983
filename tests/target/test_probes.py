"""A build with all probes tells u of every neuron as the model has it, also by vectors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.core_program import CoreProgram
from support.crossed import crossed
from support.zoo import byte_maps, counting, depthwise
from support.zoo.depthwise import WHOLE, random_words
from support.zoo.sized import inputs_of
from support.zoo.windows import KERNELS, inputs_for, random_windows

from codegen.kernels.pack import pack_bits
from codegen.render import render
from qat.model import Model, Spikes

pytestmark = pytest.mark.target

PROGRAM = """
#include "{name}.c"
#include "binding.h"
#include "semihosting.h"

static const {ctype} inputs[{rows}][{values}] = {inputs};
static const int32_t wanted[{steps}][{neurons}] = {wanted};
static const uint32_t sizes[MODEL_LAYERS] = MODEL_LAYER_SIZES;
static model_state state;

int main(void)
{
    static int32_t found[{neurons}];
    uint32_t out[MODEL_SPIKE_WORDS];
    uint32_t differing = 0u;

    model_reset(&state);
    model_input(&state, inputs[0]);
    for (uint32_t step = 0u; step < {steps}u; step++) {
        const int32_t *u = wanted[step];

        model_step(&state, inputs[step % {rows}u], out);
        for (uint32_t layer = 0u; layer < MODEL_LAYERS; layer++) {
            model_before_reset(&state, layer, 0u, sizes[layer], found);
            for (uint32_t j = 0u; j < sizes[layer]; j++) {
                differing += found[j] != u[j];
            }
            u += sizes[layer];
        }
    }
    semihosting_exit(differing != 0u);
}
"""
"""One sample, step by step: it ends with 1 where any u differs."""

WINDOWS = {f"windows {seed}": random_windows(seed) for seed in (2, 5, 11)}
ON_BYTES = {
    f"bytes, {name}": byte_maps.MODELS[name]
    for name in (
        "16 channels", "32 channels, pooled", "5x5, over a byte", "8 bits", "pooled, 16 bits",
        "signed, 16 channels", "48 channels",
    )
}  # fmt: skip
"""Sums of bytes and of halves, some taken away last, of values of both signs, behind a shift."""
DEPTHWISE = {f"depthwise {seed}": random_words(seed, True, whole=True) for seed in WHOLE}
MODELS = {**WINDOWS, **counting.MODELS, **ON_BYTES, **DEPTHWISE}


def c_rows(values: NDArray[Any]) -> str:
    """Return a table of numbers as C."""
    return "{" + ", ".join("{" + ", ".join(map(str, row)) + "}" for row in values.tolist()) + "}"


def sample_of(model: Model) -> tuple[NDArray[Any], int | None]:
    """Return one sample of which a part is active, (1, ...), and the steps of a free model."""
    if isinstance(model.input, Spikes) and model.input.grid is not None:
        x, steps = inputs_for(model, 4)
    else:
        x, steps = inputs_of(model)
    chosen = min(3, len(x) - 1)
    return x[chosen : chosen + 1], steps


def program(model: Model) -> str:
    """Return the C of the test."""
    x, steps = sample_of(model)
    made = None if model.input.held else x.shape[1]
    u = model.run(x, trace=True, steps=steps or made).u
    assert u is not None
    wanted = np.concatenate([layer[0] for layer in u], axis=-1)
    spikes = isinstance(model.input, Spikes)
    rows = pack_bits(x[0]) if spikes else np.atleast_2d(x[0])
    kind = "uint32_t" if spikes else "int8_t" if model.input.low < 0 else "uint8_t"
    text = PROGRAM
    for key, value in {
        "name": model.name, "ctype": kind, "inputs": c_rows(rows), "wanted": c_rows(wanted),
        "rows": len(rows), "values": rows.shape[1], "steps": len(wanted),
        "neurons": wanted.shape[1],
    }.items():  # fmt: skip
        text = text.replace("{" + key + "}", str(value))
    return text


BOARDS = ("qemu-m4", "qemu-m55")


@pytest.fixture(scope="module")
def cores() -> Iterator[dict[str, CoreProgram]]:
    with ExitStack() as stack:
        yield {board: stack.enter_context(CoreProgram(board)) for board in BOARDS}


def ends(core: CoreProgram, name: str, folder: Path, old: str = "", new: str = "") -> int:
    """Return with what the program of a model ended; old, new: a change of its C."""
    model = MODELS[name]
    asked = {**dict.fromkeys(WINDOWS, KERNELS), **dict.fromkeys(ON_BYTES, byte_maps.BYTES)}
    asked |= dict.fromkeys(DEPTHWISE, depthwise.KERNELS)
    kernels = {k: v for k, v in asked.get(name, {}).items() if k < len(model.layers)}
    for file, text in render(model, kernels=kernels or None).items():
        assert not file.endswith(".c") or old in text
        (folder / file).write_text(text.replace(old, new) if old else text)
    return core.run(program(model), folder, "-DMODEL_PROBE=2").returncode


@pytest.mark.parametrize(("name", "board"), crossed(MODELS, BOARDS))
def test_every_u_is_told(
    name: str, board: str, cores: dict[str, CoreProgram], tmp_path: Path
) -> None:
    assert ends(cores[board], name, tmp_path) == 0


def test_a_planted_fault_shows(cores: dict[str, CoreProgram], tmp_path: Path) -> None:
    old = "start + sums[k / 16u * 16u"
    assert ends(cores["qemu-m55"], "windows 5", tmp_path, old, "1u + " + old) == 1
