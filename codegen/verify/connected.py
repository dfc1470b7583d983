"""The check on a connected board: equality there, and cycles by its own counter."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from codegen.checks.comparison import Comparison
from codegen.checks.equivalence import compare_on, compare_raw
from codegen.target.boards import Board
from codegen.target.counting import COUNTED_BY
from codegen.target.device import Info
from codegen.target.hardware import BoardModel
from codegen.target.ports import serial_number
from codegen.target.runner import Counts
from codegen.verify.records import Finding, NotRunError, Subject

MHZ = 10**6


def equal(subject: Subject) -> Finding:
    """Compare every spike, membrane and score with the model on the board, and count its cycles."""
    board = subject.connected
    if board is None:
        raise NotRunError("no connected board was asked for: --board B --port P")
    with BoardModel(subject.model, board, subject.port) as target:
        info = target.info()
        found = sum(compare_on(subject.model, target, subject.few, subject.steps), Comparison())
        if subject.model.sensor is not None:
            found = found.beside(compare_raw(subject.model, target, subject.samples))
        counts = target.benchmark(subject.few, subject.steps)
        port, restarts = target.link_port, target.restarts
    serial = serial_number(port) or "not told by its port"
    lines = [
        f"{board.name} ({board.title}), serial number {serial}, on {port}",
        *_core(board, info),
        found.line,
        *([f"first difference: {found.first}"] if found.first else []),
        *_cycles(counts, info),
        f"restarts meanwhile: {restarts}",
    ]
    summary = f"{board.name}, {len(subject.few)} inputs: {found.line}"
    command = ["spikemcu", "run", subject.path, "--board", board.name, "--port", port, "--probe"]
    return Finding(found.differing == 0, summary, tuple(lines), (shlex.join(command),))


def _core(board: Board, info: Info) -> Iterator[str]:
    """Yield what the firmware says of its core, and what the data sheet says of its flash."""
    yield (
        f"{board.core}, part number {info.cpuid_part:#05x} as its CPUID register tells it, "
        f"{info.clock_hz / MHZ:g} MHz as its firmware tells it"
    )
    if board.hardware is not None:
        waits = board.hardware
        yield (
            f"wait states of its flash: {waits.wait_states} by the data sheet "
            f"({waits.conditions}; {waits.source})"
        )


def _cycles(counts: Counts, info: Info) -> Iterator[str]:
    """Yield what every kind of call took: the mean, the least and the most."""
    calls = {
        "holding an input": counts.input,
        "step": counts.step,
        "scores": counts.scores,
        "inference": counts.infer,
    }
    for call, values in calls.items():
        if values is not None:
            made = values[values > 0]  # an early stop saves some
            yield _line(call, made if made.size else values, info)


def _line(call: str, values: NDArray[np.int64], info: Info) -> str:
    mean = float(values.mean())
    return (
        f"{call}: {mean:,.0f} cycles in the mean, {values.min():,} to {values.max():,}, "
        f"{1e3 * mean / info.clock_hz:.3f} ms, counted by {COUNTED_BY[info.counter]}"
    )
