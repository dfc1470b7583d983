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
    random_layer,
)
from codegen.boards import Board, find_boards, load_boards
from codegen.cli.data import Inputs, inputs_of
from codegen.cli.output import Output
from codegen.comparison import Comparison
from codegen.equivalence import compare_host, compare_on
from codegen.host import CompilerError, find_compiler
from codegen.project import build as build_firmware
from codegen.project import require_fit
from codegen.render import render
from codegen.sizes import size_of
from codegen.stages.encoders import ENCODERS
from codegen.target import MARKS, TargetModel, footprint
from codegen.tools import doctor as look_for_tools
from qat.model import Model

PORTABLE = ("-DMODEL_PORTABLE=1",)
"""Compiler options that leave the assembly out."""

HOST = "host"
"""What this machine is called beside the boards."""

BENCH_SAMPLES = 20
"""Samples over which a model's instructions are averaged, unless --limit says otherwise."""


def prepare(
    model: Model, boards: tuple[Board, ...], out: Output, flags: Sequence[str] = ()
) -> dict[str, Path]:
    """Refuse a model too large for a board, then build all boards at once."""
    for board in boards:
        require_fit(board, *footprint(model))
    out.progress(f"building firmware for {', '.join(board.name for board in boards)}")
    return build_firmware(render(model), boards, flags=flags)


def build(arguments: Namespace) -> int:
    """Build firmware."""
    out = Output(arguments)
    model = Model.load(arguments.model)
    boards = find_boards(arguments.board)
    elves = prepare(model, boards, out)
    if arguments.output:
        elves = _copies(model, elves, Path(arguments.output))
    files = render(model)
    rows, results = [], []
    for board in boards:
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
    folder.mkdir(parents=True, exist_ok=True)
    copies = {}
    for board, elf in elves.items():
        copies[board] = folder / f"{model.name}-{board}.elf"
        shutil.copyfile(elf, copies[board])
    return copies


def compare_target(model: Model, board: Board, inputs: Inputs, out: Output) -> Comparison:
    """Run the inputs on a board and compare every value."""
    total = len(inputs.x)
    with TargetModel(model, board) as target:
        pieces = compare_on(
            model,
            target,
            inputs.x,
            inputs.steps,
            lambda done: out.progress(f"{board.name}: {done:,} of {total:,} samples"),
        )
        return sum(pieces, Comparison())


def compare_here(model: Model, inputs: Inputs, out: Output) -> Comparison | None:
    """Compare the C compiled for this machine; None, said in a line, without a C compiler."""
    try:
        find_compiler()
    except CompilerError as error:
        out.say(f"{HOST:9} left out: {error}")
        return None
    out.progress(f"{HOST}: {len(inputs.x):,} samples")
    return compare_host(model, inputs.x)


def run(arguments: Namespace) -> int:
    """Compare the model with its C on this machine and with its firmware on boards."""
    out = Output(arguments)
    model = Model.load(arguments.model)
    boards = find_boards(arguments.board)
    inputs = inputs_of(model, arguments)
    prepare(model, boards, out)
    out.say(f"{model.name} on {inputs.origin}")
    results = []
    here = compare_here(model, inputs, out)
    if here is not None:
        results.append(_report(HOST, HOST, here, out))
    for board in boards:
        comparison = compare_target(model, board, inputs, out)
        results.append(_report(board.name, board.core, comparison, out))
    totals = _totals(results)
    out.result({"model": model.name, "digest": model.digest(), "results": results, **totals})
    return 0 if totals["differing"] == 0 else 1


def _report(name: str, core: str, comparison: Comparison, out: Output) -> dict[str, Any]:
    """Print the line of a place where the model ran; return it as JSON values."""
    out.say(f"{name:9} {comparison.line}")
    if comparison.first:
        out.say(f"{name:9} first difference: {comparison.first}")
    return {"board": name, "core": core, **comparison.to_json()}


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
    inputs = inputs_of(model, arguments)
    prepare(model, boards, out)
    prepare(model, boards, out, MARKS)
    measurements = []
    for board in boards:
        out.progress(f"counting on {board.name}")
        measurements += measure_model(model, inputs.x, board, inputs.steps)
    out.say(f"{model.name}, mean over {inputs.origin}")
    return measurements


def boards(arguments: Namespace) -> int:
    """List the boards."""
    out = Output(arguments)
    known = load_boards().values()
    out.table(
        ("board", "core", "clock, MHz", "flash, KB", "RAM, KB", "what it is"),
        [
            (b.name, b.core, b.clock_hz // 10**6, b.flash // 1024, b.ram // 1024, b.title)
            for b in known
        ],
    )
    out.result(
        {
            "boards": [
                {
                    "board": b.name,
                    "core": b.core,
                    "clock_hz": b.clock_hz,
                    "flash": b.flash,
                    "ram": b.ram,
                    "title": b.title,
                }
                for b in known
            ]
        }
    )
    return 0


def doctor(arguments: Namespace) -> int:
    """Say what is missing."""
    out = Output(arguments)
    tools = look_for_tools()
    missing = [tool for tool in tools if tool.found is None]
    out.table(("tool", "found"), [(tool.name, tool.found or "MISSING") for tool in tools])
    for tool in missing:
        out.say(f"{tool.name}: {tool.how}")
    out.say("everything is here" if not missing else f"{len(missing)} missing")
    out.result({"tools": {t.name: t.found for t in tools}, "missing": [t.name for t in missing]})
    return 1 if missing else 0
