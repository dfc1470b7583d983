"""Exact instruction counts on emulated cores: of a model's calls, and of single layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from codegen.checks.streams import STREAM_SAMPLES, made_samples, one_result
from codegen.kernels.encoders.plan import PLACE
from codegen.measure.shapes import ZEROS, random_layer
from codegen.plan.build import part_names
from codegen.render.generated import Generated, generated, model_of
from codegen.target.boards import Board, find_board
from codegen.target.emulated import TargetModel
from codegen.target.lean import COUNTS, LeanModel
from codegen.target.runner import MARKS
from qat.model import Delta, Input, Latency, Model, Rate, check_input

STEPS = 8
"""Steps over which a layer's count is averaged: the data path depends on the spikes."""


@dataclass(frozen=True)
class Measurement:
    """Instructions of one call, averaged over its inputs.

    layer:   "784x128"; for a whole model "input", "step" and "inference", then its parts; for an
             encoder what measure_encoder counts
    density: fraction of inputs that spike; None for a whole model
    """

    board: str
    core: str
    layer: str
    density: float | None
    kernel: str
    instructions: int

    def to_json(self) -> dict[str, Any]:
        """Return the measurement as JSON values."""
        return asdict(self)


def spikes_of(inputs: int, density: float, steps: int = STEPS, seed: int = 0) -> Any:
    """Return (1, steps, inputs) random spikes, exactly round(density * inputs) at each step."""
    rng = np.random.default_rng(seed)
    x = np.zeros((1, steps, inputs), np.bool_)
    for t in range(steps):
        x[0, t, rng.permutation(inputs)[: round(density * inputs)]] = True
    return x


def measure_layer(
    inputs: int,
    neurons: int,
    densities: Sequence[float],
    board: str | Board,
    *,
    width: int | None = None,
    bits: int = 2,
    zeros: float = ZEROS,
    flags: Sequence[str] = (),
) -> list[Measurement]:
    """Count a whole time step of a random layer: active list, sum, LIF, packed output.

    width: of the membranes in bits; None for a layer as training leaves it
    bits:  of the weights
    zeros: fraction of zero weights, of ternary ones
    flags: compiler options, such as -DMODEL_PORTABLE=1
    """
    made = generated(random_layer(inputs, neurons, width, bits=bits, zeros=zeros))
    return measure_densities(made, densities, board, flags)


def measure_densities(
    made: Generated, densities: Sequence[float], board: str | Board, flags: Sequence[str] = ()
) -> list[Measurement]:
    """Count a whole time step of a model of one layer, for each density of its inputs."""
    inputs, layer = made.program.inputs, made.program.layers[0]
    with TargetModel(made, board, flags=flags) as target:
        return [
            Measurement(
                target.board.name,
                target.board.core,
                f"{inputs}x{layer.neurons}",
                density,
                layer.kernel,
                round(float(target.benchmark(spikes_of(inputs, density)).step.mean())),
            )
            for density in densities
        ]


ENCODED = {"rate": Rate, "latency": Latency, "delta": Delta}
"""The inputs that become spikes, by name."""


def encoded_layer(inputs: int, neurons: int, kind: str, bits: int = 8) -> Model:
    """Return a random ternary layer behind an encoder of unsigned values of `bits` bits."""
    high = 2**bits - 1
    given: Input = Rate(inputs, 0, high)
    if kind == "latency":
        given = Latency.linear(inputs, 0, high, STEPS)
    elif kind == "delta":
        given = Delta(inputs, 0, high, max(high // 16, 1))
    return replace(random_layer(given.lines, neurons), input=given)


def _values_for(given: Input, density: float, seed: int = 0) -> Any:
    """Return (1, inputs) random values, or a signal of which a fraction changes at every step."""
    rng = np.random.default_rng(seed)
    if not isinstance(given, Delta):
        return rng.integers(given.low, given.high, (1, given.size), endpoint=True)
    x = np.full((1, STEPS + 1, given.size), given.high // 2)
    for t in range(STEPS):
        moved = rng.permutation(given.size)[: round(density * given.size)]
        way = rng.choice([-given.threshold, given.threshold], len(moved))
        x[0, t + 1] = x[0, t]
        x[0, t + 1, moved] += np.where(abs(x[0, t, moved] + way - x[0, 0, 0]) <= x[0, 0, 0], way, 0)
    return x


def measure_encoder(
    model: Model, board: str | Board, way: str, density: float = 0.1, flags: Sequence[str] = ()
) -> list[Measurement]:
    """Count what an encoder takes: "hold", once for a held vector; "encoder" and "step", each step.

    way: how it is computed, of codegen.kernels.encoders.plan.ENCODERS
    density: fraction of the values that change at every step of delta input; others take any
    """
    return measure_encoded(generated(model, kernels={PLACE: way}), board, density, flags)


def measure_encoded(
    made: Generated, board: str | Board, density: float = 0.1, flags: Sequence[str] = ()
) -> list[Measurement]:
    """Count the same of what was generated with an encoder that is chosen already."""
    found, model = find_board(board), made.model
    held = model.input.held
    x = _values_for(model.input, density)
    with TargetModel(made, found, flags=(*MARKS, *flags)) as target:
        counts = target.parts(x, STEPS if held else None)
    each = counts.step[0] if held else counts.step[0, 1:]  # the first vector is the reference
    rows = {"encoder": each[:, 1], "step": each.sum(axis=1)}
    if counts.input is not None:
        rows = {"hold": counts.input.sum(axis=1)} | rows
    kernel = made.program.encoder
    assert kernel is not None
    return [
        Measurement(
            found.name,
            found.core,
            call,
            None if held else density,
            kernel.kernel,
            round(float(values.mean())),
        )
        for call, values in rows.items()
    ]


def measure_model(
    model: Model | Generated, x: ArrayLike, board: str | Board, steps: int | None = None
) -> list[Measurement]:
    """Count a model's calls, then the parts of an inference, averaged over the inputs x.

    The parts are those of a whole inference, or of a step where the model has no such call.
    They come from a firmware with marks, which take a few instructions more.
    """
    found, generation = find_board(board), generated(model)
    return measure_calls(generation, x, found, steps) + [
        Measurement(found.name, found.core, part, None, kernel, round(float(values.mean())))
        for part, kernel, values in part_counts(generation, x, found, steps)
    ]


def measure_calls(
    model: Model | Generated, x: ArrayLike, board: str | Board, steps: int | None = None
) -> list[Measurement]:
    """Count a model's calls alone, averaged over the inputs x: the firmware of `run` serves."""
    found, generation = find_board(board), generated(model)
    kernels = "+".join(dict.fromkeys(stage.kernel for stage in generation.program.stages))
    with TargetModel(generation, found) as target:
        counts = target.benchmark(x, steps)
    made = counts.step[counts.step > 0]  # an early stop saves some
    calls = {"input": counts.input, "step": made, "inference": counts.infer}
    return [
        Measurement(found.name, found.core, call, None, kernels, round(float(values.mean())))
        for call, values in calls.items()
        if values is not None
    ]


def measure_lean(
    model: Model | Generated, x: ArrayLike, board: str | Board, steps: int | None = None
) -> Measurement:
    """Count an inference on a chip without a link, or a mean step of a model that runs free.

    Averaged over the inputs x; with a held input, that step has its part of the holding on top.
    """
    found, made = find_board(board), generated(model)
    with LeanModel(made, found, flags=COUNTS) as chip:
        counts = chip.instructions(x, steps)
    call, calls = "inference", 1
    if made.model.steps is None:
        call, calls = "step", check_input(made.model, x, steps)[1]
    kernels = "+".join(dict.fromkeys(stage.kernel for stage in made.program.stages))
    mean = round(float(counts.mean()) / calls)
    return Measurement(found.name, found.core, call, None, kernels, mean)


def part_counts(
    model: Model | Generated, x: ArrayLike, board: str | Board, steps: int | None = None
) -> list[tuple[str, str, NDArray[np.int64]]]:
    """Return (part, its kernel, instructions of every input) of an inference, or of a step."""
    generation = generated(model)
    program = generation.program
    with TargetModel(generation, board, flags=MARKS) as target:
        counts = target.parts(x, steps)
    values = counts.step.mean(axis=1) if counts.infer is None else counts.infer
    first = program.encoder or program.layers[0]
    kernels = ("", *(stage.kernel for stage in (first, *program.stages)), "")
    there = [(n, k, v) for n, k, v in zip(part_names(program), kernels, values.T, strict=False)]
    return [row for row in there if row[2].any()]


def measure_stream(
    given: Model | Generated, board: str | Board, samples: ArrayLike | None = None
) -> list[Measurement]:
    """Count <name>_sample of a model with a sensor: on average, and the costliest call.

    samples: (samples, channels) of int16; made ones by default
    """
    found, model = find_board(board), model_of(given)
    most = max(STREAM_SAMPLES, one_result(model))
    raw = made_samples(model)[:most] if samples is None else samples
    with TargetModel(given, found) as target:
        counts = target.sample_counts(raw)
    rows = {"sample": float(counts.mean()), "sample, most": float(counts.max())}
    return [Measurement(found.name, found.core, n, None, "", round(v)) for n, v in rows.items()]
