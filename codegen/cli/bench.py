"""The verb bench: exact instruction counts of models and of layers."""

from __future__ import annotations

from argparse import Namespace

from codegen.cli.data import inputs_of
from codegen.cli.output import Output
from codegen.cli.targets import BENCH_SAMPLES, prepare
from codegen.kernels.encoders import ENCODERS, PLACE
from codegen.measure.benchmark import (
    Measurement,
    encoded_layer,
    measure_densities,
    measure_encoded,
    measure_lean,
    measure_model,
    measure_stream,
)
from codegen.measure.shapes import ZEROS, random_layer
from codegen.render.generated import generated
from codegen.target.boards import Board, find_boards
from codegen.target.emulated import require_emulated
from codegen.target.qemu import require_qemu
from codegen.target.runner import MARKS
from qat.model import Model

PORTABLE = ("-DMODEL_PORTABLE=1",)
"""Compiler options that leave the assembly out."""


def bench(arguments: Namespace) -> int:
    """Count instructions."""
    out = Output(arguments)
    _require_one_subject(arguments)
    boards = find_boards(arguments.board)
    for board in boards:
        require_emulated(board)
    require_qemu(boards)
    measurements = (
        _bench_layer(arguments, boards, out)
        if arguments.layer
        else _bench_model(arguments, boards, out)
    )
    _say(measurements, out)
    out.result({"results": [m.to_json() for m in measurements]})
    return 0


def _say(measurements: list[Measurement], out: Output) -> None:
    header = ("board", "core", "layer", "density", "kernel", "instructions")
    out.table(
        header,
        [
            (
                m.board,
                m.core,
                m.layer,
                "" if m.density is None else f"{100 * m.density:g} %",
                m.kernel,
                m.instructions,
            )
            for m in measurements
        ],
    )


def _require_one_subject(arguments: Namespace) -> None:
    """Raise ValueError unless a model or a layer is named, with the options of that."""
    if (arguments.model is None) == (arguments.layer is None):
        raise ValueError("give either a MODEL or --layer NxM")
    for option in ("portable", "bits", "zeros", "input", "input_bits"):
        if getattr(arguments, option) not in (None, False) and arguments.model:
            raise ValueError(f"--{option.replace('_', '-')}: goes with --layer")
    if arguments.input_bits and not arguments.input:
        raise ValueError("--input-bits: goes with --input")


def _bench_encoder(
    arguments: Namespace, boards: tuple[Board, ...], out: Output
) -> list[Measurement]:
    flags = PORTABLE if arguments.portable else ()
    (inputs, neurons), bits = arguments.layer, arguments.input_bits or 8
    model = encoded_layer(inputs, neurons, arguments.input, bits)
    out.say(
        f"a random LIF layer {inputs} -> {neurons} behind {arguments.input} input of {bits} bits"
        f": what holding a vector takes, the encoder in every step, and the whole step; sliced, 32 "
        "values at a time, and plain, one by one"
    )
    ways = ENCODERS[type(model.input)].ways
    encoded = [generated(model, kernels={PLACE: way}) for way in ways]
    measurements = []
    for board in boards:
        out.progress(f"counting on {board.name}")
        for made in encoded:
            for density in arguments.density:
                measurements += measure_encoded(made, board, density, flags)
    return measurements


def _bench_layer(arguments: Namespace, boards: tuple[Board, ...], out: Output) -> list[Measurement]:
    if arguments.input:
        return _bench_encoder(arguments, boards, out)
    inputs, neurons = arguments.layer
    bits, flags = arguments.bits or 2, PORTABLE if arguments.portable else ()
    zeros = ZEROS if arguments.zeros is None else arguments.zeros
    made = generated(random_layer(inputs, neurons, bits=bits, zeros=zeros))
    prepare(made, boards, out, flags)
    measurements = []
    for board in boards:
        out.progress(f"counting on {board.name}")
        measurements += measure_densities(made, arguments.density, board, flags)
    out.say(
        f"whole time step of a random LIF layer {inputs} -> {neurons}, weights of {bits} bits, "
        f"one threshold, membranes of {made.model.bounds().layers[0].u_raw.width} bits"
    )
    return measurements


def _bench_model(arguments: Namespace, boards: tuple[Board, ...], out: Output) -> list[Measurement]:
    model = Model.load(arguments.model)
    arguments.limit = arguments.limit or BENCH_SAMPLES
    out.progress("reading the inputs")
    inputs = inputs_of(model, arguments, out)
    made = generated(model)
    linked = tuple(board for board in boards if not board.lean)
    if linked:
        prepare(made, linked, out)
        prepare(made, linked, out, MARKS)
    measurements = []
    for board in boards:
        out.progress(f"counting on {board.name}")
        if board.lean:
            measurements.append(measure_lean(made, inputs.x, board, inputs.steps))
            continue
        measurements += measure_model(made, inputs.x, board, inputs.steps)
        if model.sensor is not None:
            measurements += measure_stream(made, board)
    out.say(f"{model.name}, mean over {inputs.origin}")
    return measurements
