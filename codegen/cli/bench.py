"""The verb bench: exact instruction counts of models and of layers."""

from __future__ import annotations

from argparse import Namespace

from codegen.cli.data import inputs_of
from codegen.cli.output import Output
from codegen.cli.targets import BENCH_SAMPLES, prepare
from codegen.kernels.encoders import ENCODERS
from codegen.measure.benchmark import (
    Measurement,
    encoded_layer,
    measure_encoder,
    measure_layer,
    measure_model,
    measure_stream,
)
from codegen.measure.shapes import ZEROS, random_layer
from codegen.target.boards import Board, find_boards
from codegen.target.emulated import require_emulated
from codegen.target.qemu import find_qemu
from codegen.target.runner import MARKS
from qat.model import Model

PORTABLE = ("-DMODEL_PORTABLE=1",)
"""Compiler options that leave the assembly out."""


def bench(arguments: Namespace) -> int:
    """Count instructions."""
    out = Output(arguments)
    if (arguments.model is None) == (arguments.layer is None):
        raise ValueError("give either a MODEL or --layer NxM")
    for option in ("portable", "bits", "zeros", "input", "input_bits"):
        if getattr(arguments, option) not in (None, False) and arguments.model:
            raise ValueError(f"--{option.replace('_', '-')}: goes with --layer")
    if arguments.input_bits and not arguments.input:
        raise ValueError("--input-bits: goes with --input")
    boards = find_boards(arguments.board)
    for board in boards:
        require_emulated(board)
    find_qemu()
    measurements = (
        _bench_layer(arguments, boards, out)
        if arguments.layer
        else _bench_model(arguments, boards, out)
    )
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
    out.result({"results": [m.to_json() for m in measurements]})
    return 0


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
    measurements = []
    for board in boards:
        out.progress(f"counting on {board.name}")
        for way in ENCODERS[type(model.input)].ways:
            for density in arguments.density:
                measurements += measure_encoder(model, board, way, density, flags=flags)
    return measurements


def _bench_layer(arguments: Namespace, boards: tuple[Board, ...], out: Output) -> list[Measurement]:
    if arguments.input:
        return _bench_encoder(arguments, boards, out)
    inputs, neurons = arguments.layer
    bits, flags = arguments.bits or 2, PORTABLE if arguments.portable else ()
    zeros = ZEROS if arguments.zeros is None else arguments.zeros
    model = random_layer(inputs, neurons, bits=bits, zeros=zeros)
    prepare(model, boards, out, flags)
    measurements = []
    for board in boards:
        out.progress(f"counting on {board.name}")
        measurements += measure_layer(
            inputs, neurons, arguments.density, board, bits=bits, zeros=zeros, flags=flags
        )
    out.say(
        f"whole time step of a random LIF layer {inputs} -> {neurons}, weights of {bits} bits, "
        f"one threshold, membranes of {model.bounds().layers[0].u_raw.width} bits"
    )
    return measurements


def _bench_model(arguments: Namespace, boards: tuple[Board, ...], out: Output) -> list[Measurement]:
    model = Model.load(arguments.model)
    arguments.limit = arguments.limit or BENCH_SAMPLES
    out.progress("reading the inputs")
    inputs = inputs_of(model, arguments, out)
    prepare(model, boards, out)
    prepare(model, boards, out, MARKS)
    measurements = []
    for board in boards:
        out.progress(f"counting on {board.name}")
        measurements += measure_model(model, inputs.x, board, inputs.steps)
        if model.sensor is not None:
            measurements += measure_stream(model, board)
    out.say(f"{model.name}, mean over {inputs.origin}")
    return measurements
