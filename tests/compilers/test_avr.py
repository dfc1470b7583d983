"""Where int has 16 bits and constants lie in RAM: an ATmega2560, as the Arduino Mega has it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.avr import RAM, ROOM, VECTORS, answer, refused
from support.hunters import HUNTERS, Hunter
from support.zoo import counting, depthwise, windows
from support.zoo.depthwise import random_words
from support.zoo.readouts import EDGES, PAIRS
from support.zoo.sized import inputs_of
from support.zoo.small import small_model
from support.zoo.windows import random_windows

from codegen.checks.streams import made_samples
from codegen.kernels import KERNELS
from codegen.package.examples import Recording, Vectors, recording_of, vectors_of
from codegen.package.packages import package
from codegen.plan.choose import plan
from codegen.plan.program import Program
from codegen.render import environment, render, template_context
from qat.model import LI, LIF, Count, Dense, Frames, Layer, Model, Spikes

MODELS = (
    "4 bits, own constants",
    "8 bits, own constants",
    "delta of few",
    "frames, far biases",
    "free",
    "latency of few",
    "latency, signed",
    "long leak",
    "maps",
    "pixels",
    "plan 1",
    "plan 2",
    "plan 6",
    "plan 7",
    "plan 8",
    "plan 9",
    "rate of few",
    "sparse",
    "stop by counts",
    "stop",
    "ten scores",
    "wide to zero",
)
"""Every kernel, every input and encoder, both readouts, both resets, an early stop."""

OWN = {
    "plain counts": Hunter(counting.MODELS["several spikes of a held input"], {0: "plain_counts"}),
    "windows": Hunter(random_windows(3), windows.KERNELS),
    "frames that echo": HUNTERS["frames that echo"],
    "integrator": next(h for h in HUNTERS.values() if isinstance(h.model.readout, LI)),
    "depthwise": Hunter(random_words(15), depthwise.KERNELS),
    "packed": Hunter(EDGES["10 of 128"], {1: "packed"}),
    "pairs": Hunter(PAIRS["10 of 128"], {1: "pairs"}),
}
"""Kernels that the costs choose for none of those that fit."""

TABLE = {name: HUNTERS[name] for name in MODELS} | OWN

STREAMS = ("sensor, free", "sensor, held", "sensor, gaps", "sensor, overlapping, stop")


def program_of(hunter: Hunter) -> Program:
    return plan(hunter.model, None, None, hunter.kernels)


def pair(hunter: Hunter) -> dict[str, str]:
    return {name: text for name, text in hunter.files().items() if name != "binding.h"}


def beside(hunter: Hunter, template: str, **examples: Vectors | Recording) -> str:
    context = template_context(program_of(hunter)) | examples
    return environment().get_template(f"package/formats/{template}").render(context)


def fitting(hunter: Hunter) -> Vectors:
    """Return as many vectors as the chip has room for."""
    model, program = hunter.model, program_of(hunter)
    x: Any = inputs_of(model)[0]
    if not model.input.held:
        x = x[:, -(model.steps or 12) :]
    for count in range(len(x), 0, -1):
        vectors = vectors_of(model, x[:count])
        if program.flash_bytes + program.ram_bytes + sum(t.bytes for t in vectors.tables) < ROOM:
            return vectors
    raise AssertionError(f"{model.name}: not one vector fits")


def compared(name: str, folder: Path, change: Mapping[str, str] | None = None) -> int:
    """Return the number of the first vector that differs, 0 if none does."""
    hunter = TABLE[name]
    files = pair(hunter) | {"vectors.h": beside(hunter, "vectors.h.j2", v=fitting(hunter))}
    for before, after in (change or {}).items():
        assert any(before in text for text in files.values())
        files = {file: text.replace(before, after) for file, text in files.items()}
    return answer(files, VECTORS.replace("NAME", hunter.model.name), folder)


@pytest.mark.parametrize("name", TABLE)
def test_an_int_of_16_bits_gives_the_model(name: str, tmp_path: Path) -> None:
    assert compared(name, tmp_path) == 0


def test_the_table_has_every_kernel_and_every_input() -> None:
    programs = [program_of(hunter) for hunter in TABLE.values()]
    kernels = {stage.kernel for program in programs for stage in program.stages}
    assert kernels >= {kernel.name for kernel in KERNELS} | {"count"}
    kinds = {"analog", "frames", "spikes", "rate", "latency", "delta"}
    assert {program.input_kind for program in programs} == kinds
    encoders = {(p.encoder.kernel) for p in programs if p.encoder}
    assert len(encoders) >= len({p.encoder.template for p in programs if p.encoder})


FAULTS = {
    "a bit of an int": ("wide to zero", {"|= (uint32_t)1u <<": "|= 1u <<"}),
    "zeros of an int": ("free", {"__builtin_ctzl(word)": "__builtin_ctz((unsigned int)word)"}),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_of_the_width_shows(fault: str, tmp_path: Path) -> None:
    name, change = FAULTS[fault]
    assert compared(name, tmp_path, change) > 0


# ------------------------------------------------------------------------ raw samples

SAMPLES = """
#include "recording.h"

static NAME_stream stream;

static uint32_t found(void)
{
    uint32_t answered = 0u;

    NAME_stream_reset(&stream);
    for (uint32_t i = 0u; i < UPPER_RECORDED; i++) {
        VALUES
        const int32_t winner = NAME_sample(&stream, NAME_recording[i], values);

        if (NONE) {
            continue;
        }
        if (answered == UPPER_ANSWERS || NAME_answer_when[answered][0] != i || (WRONG)) {
            return i + 1u;
        }
        answered++;
    }
    return answered == UPPER_ANSWERS ? 0u : UPPER_RECORDED + 1u;
}
"""

FREE = {
    "VALUES": "uint32_t values[UPPER_SPIKE_WORDS];",
    "NONE": "winner == 0",
    "WRONG": "values[0] != NAME_answer_spikes[answered][0]",
}
CLASSES = {
    "VALUES": "int32_t values[UPPER_OUTPUTS];",
    "NONE": "winner < 0",
    "WRONG": "winner != NAME_answer_classes[answered][0]",
}


@pytest.mark.parametrize("name", STREAMS)
def test_raw_samples_give_the_answers_of_the_model(name: str, tmp_path: Path) -> None:
    """0, or the number of the sample that gave another answer."""
    hunter = HUNTERS[name]
    made = made_samples(hunter.model)
    recording = recording_of(hunter.model, made[np.linspace(0, len(made) - 1, 70).astype(int)])
    text = SAMPLES
    for word, value in (CLASSES if hunter.model.readout else FREE).items():
        text = text.replace(word, value)
    text = text.replace("NAME", hunter.model.name).replace("UPPER", hunter.model.name.upper())
    files = pair(hunter) | {"recording.h": beside(hunter, "recording.h.j2", s=recording)}
    assert answer(files, text, tmp_path) == 0


# -------------------------------------------------------------------------- its memory


def of_bytes(inputs: int) -> Model:
    """Return a model of 32 neurons whose constants take 8 bytes an input."""
    codes = np.random.default_rng(1).integers(-1, 2, (32, inputs))
    return Model(Spikes(inputs), (Layer(Dense(codes), LIF(5, (2,))),), name="large")


def test_a_model_that_exceeds_the_ram_of_the_chip_is_refused_in_one_line(tmp_path: Path) -> None:
    model = of_bytes(1000)
    program = plan(model)
    assert program.flash_bytes < RAM < program.flash_bytes + program.ram_bytes
    errors = refused("large", package(model), tmp_path)
    assert len(errors) == 1
    words = f"large needs {program.ram_bytes} bytes of RAM, and {program.flash_bytes} for its"
    assert words in errors[0]


def test_one_that_just_fits_is_not_refused(tmp_path: Path) -> None:
    inputs = max(n for n in range(600, 1000) if needed(of_bytes(n)) <= RAM)
    assert refused("large", render(of_bytes(inputs)), tmp_path) == []
    assert len(refused("large", render(of_bytes(inputs + 1)), tmp_path)) == 1


def needed(model: Model) -> int:
    program = plan(model)
    return program.flash_bytes + program.ram_bytes


def test_an_inference_of_more_values_than_an_int_counts_is_refused(tmp_path: Path) -> None:
    """The product of the two macros would wrap, and a buffer of that size be too small."""
    layer = Layer(Dense(np.ones((3, 40), np.int64)), LIF(5, (2,)))
    for steps, errors in ((819, 0), (1639, 1)):
        model = Model(Frames(40), (layer,), Count(), steps, name="long_one")
        found = refused("long_one", render(model), tmp_path)
        assert len(found) == errors
        assert all(f"takes {40 * steps} values" in line for line in found)


def test_the_readme_says_how_much_ram_a_chip_needs() -> None:
    text = package(small_model(), "arduino")["README.md"]
    assert f"{needed(small_model()):,} bytes of RAM" in text
    assert "ATmega2560" in text
