"""The verbs that build firmware and run it: build, run, and doctor, which looks for their tools."""

from __future__ import annotations

import shutil
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from codegen.checks.comparison import Comparison
from codegen.checks.equivalence import compare_host, compare_on, compare_raw
from codegen.checks.host import CompilerError, find_compiler
from codegen.cli.before import require_folder
from codegen.cli.data import Inputs, inputs_of
from codegen.cli.output import Output
from codegen.render.generated import Generated, generated
from codegen.target.boards import Board, find_boards
from codegen.target.build import build as build_firmware
from codegen.target.compiler import size_of
from codegen.target.counting import COUNTED_BY
from codegen.target.doctor import doctor as look_for_tools
from codegen.target.emulated import TargetModel
from codegen.target.fit import require_fit
from codegen.target.hardware import BoardModel
from codegen.target.lean import LeanModel, footprint_on
from codegen.target.qemu import require_qemu
from codegen.target.runner import Runner
from qat.model import Model

HOST = "host"
"""What this machine is called beside the boards."""

BENCH_SAMPLES = 20
"""Samples over which a model's instructions are averaged, unless --limit says otherwise."""


def prepare(
    given: Model | Generated, boards: tuple[Board, ...], out: Output, flags: Sequence[str] = ()
) -> dict[str, Path]:
    """Refuse a model too large for a board, then build all boards at once."""
    made = generated(given)
    for board in boards:
        require_fit(board, made, footprint_on(board))
    out.progress(f"building firmware for {', '.join(board.name for board in boards)}")
    return build_firmware(made.files, boards, flags=flags)


def build(arguments: Namespace) -> int:
    """Build firmware."""
    out = Output(arguments)
    model = Model.load(arguments.model)
    boards = find_boards(arguments.board)
    require_folder(arguments.output)
    made = generated(model)
    elves = prepare(made, boards, out)
    if arguments.output:
        elves = _copies(model, elves, Path(arguments.output))
    rows, results = [], []
    for board in boards:
        ram = footprint_on(board)(made)[1]
        out.progress(f"counting bytes for {board.name}")
        sizes = size_of(made.files, board)
        rows.append((board.name, board.core, sizes.flash, ram, elves[board.name]))
        results.append(
            {
                "board": board.name,
                "flash": sizes.flash,
                "ram": ram,
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


def compare_target(made: Generated, board: Board, inputs: Inputs, out: Output) -> Comparison:
    """Run the inputs on a board and compare every value."""
    if board.lean:
        with LeanModel(made, board) as chip:
            compared = compare_pieces(made.model, chip, inputs, out)
            _say_lean(chip, out)
            return compared
    with TargetModel(made, board) as target:
        return compare_pieces(made.model, target, inputs, out)


def _say_lean(chip: LeanModel, out: Output) -> None:
    """Say what a firmware without a link had of its flash and its stack."""
    out.say(
        f"{chip.board.name:9} test vectors from flash, {chip.at_once} at a time beside the "
        f"program, which leaves {chip.free[1]:,} bytes; {chip.stack_used} bytes of stack used"
    )


def compare_pieces(
    model: Model, target: Runner | LeanModel, inputs: Inputs, out: Output
) -> Comparison:
    """Run the inputs on a target, piece by piece, and compare every value that it tells."""
    total, name = len(inputs.x), target.board.name
    pieces = compare_on(
        model,
        target,
        inputs.x,
        inputs.steps,
        lambda done: out.progress(f"{name}: {done:,} of {total:,} samples"),
    )
    compared = sum(pieces, Comparison())
    if model.sensor is None or not isinstance(target, Runner):
        return compared
    return compared.beside(compare_raw(model, target, inputs.samples))


def compare_here(made: Generated, inputs: Inputs, out: Output) -> Comparison | None:
    """Compare the C compiled for this machine; None, said in a line, without a C compiler."""
    try:
        find_compiler()
    except CompilerError as error:
        out.say(f"{HOST:9} left out: {error}")
        return None
    out.progress(f"{HOST}: {len(inputs.x):,} samples")
    return compare_host(made, inputs.x, samples=inputs.samples)


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
            require_answer(model, board, arguments.port, out)
    require_qemu(emulated)
    out.progress("reading the inputs")
    inputs, made = inputs_of(model, arguments, out), generated(model)
    if emulated:
        prepare(made, emulated, out)
    out.say(f"{model.name} on {inputs.text}")
    results = []
    here = compare_here(made, inputs, out)
    if here is not None:
        results.append(report_line(HOST, HOST, here, out))
    for board in boards:
        if board.hardware:
            results.append(run_on_hardware(model, board, inputs, arguments, out))
        else:
            comparison = compare_target(made, board, inputs, out)
            results.append(report_line(board.name, board.core, comparison, out))
    totals = _totals(results)
    out.result({"model": model.name, "digest": model.digest(), "results": results, **totals})
    return 0 if totals["differing"] == 0 else 1


def require_answer(model: Model, board: Board, port: str | None, out: Output) -> None:
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


def doctor(arguments: Namespace) -> int:
    """Say what is missing."""
    out = Output(arguments)
    out.progress("looking for tools")
    tools = look_for_tools()
    missing = [tool for tool in tools if tool.missing]
    words = [tool.found or ("not here" if tool.extra else "MISSING") for tool in tools]
    out.table(("tool", "found"), [(t.name, word) for t, word in zip(tools, words, strict=True)])
    for tool in tools:
        if tool.extra is not None:
            out.say(f"{tool.name} is for {tool.extra}" + ("" if tool.found else f": {tool.how}"))
    for tool in missing:
        out.say(f"{tool.name}: {tool.how}")
    out.say("all that everybody needs is here" if not missing else f"{len(missing)} missing")
    out.result({"tools": {t.name: t.found for t in tools}, "missing": [t.name for t in missing]})
    return 1 if missing else 0
