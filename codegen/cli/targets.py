"""The verbs that need a target: build, run, bench, boards, doctor."""

from __future__ import annotations

import shutil
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from codegen.benchmark import (
    ZEROS,
    Measurement,
    encoded_layer,
    measure_encoder,
    measure_layer,
    measure_model,
    measure_stream,
    random_layer,
)
from codegen.boards import Board, find_boards
from codegen.cli.before import require_folder
from codegen.cli.data import Inputs, inputs_of
from codegen.cli.output import Output
from codegen.comparison import Comparison
from codegen.device import Counter
from codegen.equivalence import compare_host, compare_on, compare_raw
from codegen.fit import require_fit
from codegen.hardware import BoardModel
from codegen.host import CompilerError, find_compiler
from codegen.project import build as build_firmware
from codegen.qemu import find_qemu
from codegen.render import render
from codegen.runner import MARKS, Runner
from codegen.sizes import size_of
from codegen.stages.encoders import ENCODERS
from codegen.target import TargetModel, footprint, require_emulated
from codegen.tools import doctor as look_for_tools
from qat.model import Model

PORTABLE = ("-DMODEL_PORTABLE=1",)
"""Compiler options that leave the assembly out."""

HOST = "host"
"""What this machine is called beside the boards."""

COUNTED_BY = {
    Counter.CYCLES: "its cycle counter",
    Counter.SYSTICK: "its system timer",
    Counter.MICROSECONDS: "its microseconds",
    Counter.INSTRUCTIONS: "the emulator, which counts no cycles",
}

BENCH_SAMPLES = 20
"""Samples over which a model's instructions are averaged, unless --limit says otherwise."""


def prepare(
    model: Model, boards: tuple[Board, ...], out: Output, flags: Sequence[str] = ()
) -> dict[str, Path]:
    """Refuse a model too large for a board, then build all boards at once."""
    for board in boards:
        require_fit(board, model, footprint)
    out.progress(f"building firmware for {', '.join(board.name for board in boards)}")
    return build_firmware(render(model), boards, flags=flags)


def build(arguments: Namespace) -> int:
    """Build firmware."""
    out = Output(arguments)
    model = Model.load(arguments.model)
    boards = find_boards(arguments.board)
    require_folder(arguments.output)
    elves = prepare(model, boards, out)
    if arguments.output:
        elves = _copies(model, elves, Path(arguments.output))
    files = render(model)
    rows, results = [], []
    for board in boards:
        out.progress(f"counting bytes for {board.name}")
        sizes = size_of(files, board)
        rows.append((board.name, board.core, sizes.flash, footprint(model)[1], elves[board.name]))
        results.append(
            {
                "board": board.name,
                "flash": sizes.flash,
                "ram": footprint(model)[1],
                "elf": str(elves[board.name]),
            }
        )
    out.table(("board", "core", "model flash", "model RAM", "firmware"), rows)
    out.result({"model": model.name, "digest": model.digest(), "results": results})
    return 0


def _copies(model: Model, elves: dict[str, Path], folder: Path) -> dict[str, Path]:
    copies = {}
    for board, elf in elves.items():
        copies[board] = folder / f"{model.name}-{board}.elf"
        shutil.copyfile(elf, copies[board])
    return copies


def compare_target(model: Model, board: Board, inputs: Inputs, out: Output) -> Comparison:
    """Run the inputs on a board and compare every value."""
    with TargetModel(model, board) as target:
        return compare_pieces(model, target, inputs, out)


def compare_pieces(model: Model, target: Runner, inputs: Inputs, out: Output) -> Comparison:
    """Run the inputs on a target, piece by piece, and compare every value."""
    total, name = len(inputs.x), target.board.name
    pieces = compare_on(
        model,
        target,
        inputs.x,
        inputs.steps,
        lambda done: out.progress(f"{name}: {done:,} of {total:,} samples"),
    )
    compared = sum(pieces, Comparison())
    if model.sensor is None:
        return compared
    return compared.beside(compare_raw(model, target, inputs.samples))


def compare_here(model: Model, inputs: Inputs, out: Output) -> Comparison | None:
    """Compare the C compiled for this machine; None, said in a line, without a C compiler."""
    try:
        find_compiler()
    except CompilerError as error:
        out.say(f"{HOST:9} left out: {error}")
        return None
    out.progress(f"{HOST}: {len(inputs.x):,} samples")
    return compare_host(model, inputs.x, samples=inputs.samples)


def run(arguments: Namespace) -> int:
    """Compare the model with its C on this machine and with its firmware on boards."""
    out = Output(arguments)
    model = Model.load(arguments.model)
    boards = find_boards(arguments.board)
    emulated = tuple(board for board in boards if board.hardware is None)
    if emulated and arguments.port:
        raise ValueError(f"--port: {emulated[0].name} is emulated and has no serial port")
    for board in boards:
        if board.hardware is not None:
            _require_answer(model, board, arguments.port, out)
    if emulated:
        find_qemu()
    out.progress("reading the inputs")
    inputs = inputs_of(model, arguments, out)
    if emulated:
        prepare(model, emulated, out)
    out.say(f"{model.name} on {inputs.text}")
    results = []
    here = compare_here(model, inputs, out)
    if here is not None:
        results.append(report_line(HOST, HOST, here, out))
    for board in boards:
        if board.hardware:
            results.append(run_on_hardware(model, board, inputs, arguments, out))
        else:
            comparison = compare_target(model, board, inputs, out)
            results.append(report_line(board.name, board.core, comparison, out))
    totals = _totals(results)
    out.result({"model": model.name, "digest": model.digest(), "results": results, **totals})
    return 0 if totals["differing"] == 0 else 1


def _require_answer(model: Model, board: Board, port: str | None, out: Output) -> None:
    """Ask a connected board for its model: what is wrong there is said before this machine runs."""
    out.progress(f"asking {board.name}")
    with BoardModel(model, board, port) as target:
        target.info()


def report_line(name: str, core: str, comparison: Comparison, out: Output) -> dict[str, Any]:
    """Print the line of a place where the model ran; return it as JSON values."""
    out.say(f"{name:9} {comparison.line}")
    if comparison.first:
        out.say(f"{name:9} first difference: {comparison.first}")
    return {"board": name, "core": core, **comparison.to_json()}


def run_on_hardware(
    model: Model, board: Board, inputs: Inputs, arguments: Namespace, out: Output
) -> dict[str, Any]:
    """Run the inputs on a connected board, then count cycles; return it as JSON values."""
    with BoardModel(model, board, arguments.port, trace_membranes=arguments.probe) as target:
        info = target.info()
        comparison = compare_pieces(model, target, inputs, out)
        result = report_line(board.name, board.core, comparison, out)
        if target.restarts:
            out.say(f"{board.name:9} restarted {target.restarts} times; those samples ran anew")
        out.progress(f"{board.name}: counting cycles")
        cycles = cycles_of(target, inputs)
    call = "inference" if model.steps is not None else "step"
    milliseconds = 1e3 * cycles / info.clock_hz
    out.say(
        f"{board.name:9} {cycles:,.0f} cycles per {call}, {milliseconds:.3f} ms at "
        f"{info.clock_hz / 1e6:g} MHz, counted by {COUNTED_BY[info.counter]}"
    )
    counted = {"call": call, "cycles": cycles, "counter": info.counter.name.lower()}
    return result | counted | {"clock_hz": info.clock_hz, "restarts": target.restarts}


def cycles_of(target: BoardModel, inputs: Inputs) -> float:
    """Return the mean cycles of an inference, or of a step of a model that runs free."""
    counts = target.benchmark(inputs.x[:BENCH_SAMPLES], inputs.steps)
    if counts.infer is not None:
        return float(counts.infer.mean())
    if counts.scores is None:
        return float(counts.step.mean())
    return float((counts.step.sum(axis=1) + counts.scores).mean())


def _totals(results: list[dict[str, Any]]) -> dict[str, Any]:
    """Return `compared`, `differing` and `first_difference` over this machine and all boards."""
    kinds = results[0]["compared"]
    firsts = [{"board": r["board"], **r["first_difference"]} for r in results if r["differing"]]
    return {
        "compared": {kind: sum(r["compared"][kind] for r in results) for kind in kinds},
        "differing": sum(r["differing"] for r in results),
        "first_difference": firsts[0] if firsts else None,
    }


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


def doctor(arguments: Namespace) -> int:
    """Say what is missing."""
    out = Output(arguments)
    out.progress("looking for tools")
    tools = look_for_tools()
    missing = [tool for tool in tools if tool.found is None]
    out.table(("tool", "found"), [(tool.name, tool.found or "MISSING") for tool in tools])
    for tool in missing:
        out.say(f"{tool.name}: {tool.how}")
    out.say("everything is here" if not missing else f"{len(missing)} missing")
    out.result({"tools": {t.name: t.found for t in tools}, "missing": [t.name for t in missing]})
    return 1 if missing else 0
