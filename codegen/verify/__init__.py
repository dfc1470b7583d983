"""Verify one model: run every check that applies to it, and write down what was seen.

A check that could not be run is told as such, with the reason: it never counts as passed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from codegen.verify import connected, emulated, here
from codegen.verify.records import Check, Finding, NotRunError, Outcome, Status, Subject

CHECKS: tuple[Check, ...] = (
    Check(
        "ranges",
        "On the inputs run, no neuron left the range that is proved for it and for every input (by "
        "the argument in qat/model/bounds.py).",
        here.ranges,
    ),
    Check(
        "repeatable",
        "The same model file gives the same C, byte for byte, in processes of several hash seeds.",
        here.repeatable,
    ),
    Check(
        "equality",
        "Compiled for this machine without a warning, the C returns every spike, membrane and "
        "score of the model, on made inputs, extremes and random ones.",
        here.equal,
    ),
    Check(
        "equality on data",
        "The same, on the data that were given.",
        here.equal_on_data,
    ),
    Check(
        "undefined behaviour",
        "No undefined behaviour that the compilers' sanitizers see, on the inputs run.",
        here.trapped,
    ),
    Check(
        "emulated cores",
        "Built with PlatformIO and run in QEMU, the firmware returns every spike, membrane and "
        "score of the model, on the inputs run.",
        emulated.equal,
    ),
    Check(
        "stack",
        "The worst case of the stack, from the machine code, is an upper bound of what was used.",
        emulated.stack,
    ),
    Check(
        "worst case",
        "No part of an inference took more instructions than its worst case, on the inputs run.",
        emulated.worst_case,
    ),
)
"""Every check that needs no board, in the order of the report."""

CONNECTED = Check(
    "connected board",
    "On the board itself, over its serial port, the firmware returns every spike, membrane and "
    "score of the model, on the inputs run.",
    connected.equal,
)
"""The check on a board of hardware, where one was asked for."""


def checks_of(subject: Subject) -> tuple[Check, ...]:
    """Return the checks of a model: that on a connected board where there is one."""
    return (*CHECKS, CONNECTED) if subject.connected is not None else tuple(CHECKS)


Progress = Callable[[str, int], None]
"""Called with (name of a check, its number from 1) before it starts."""


def verify(subject: Subject, progress: Progress | None = None) -> tuple[Outcome, ...]:
    """Run every check on a model, one after the other, and return how each ended."""
    return tuple(_outcomes(subject, progress))


def _outcomes(subject: Subject, progress: Progress | None) -> Iterable[Outcome]:
    for number, check in enumerate(checks_of(subject), 1):
        if progress:
            progress(check.name, number)
        start = time.monotonic()
        try:
            found = check.run(subject)
            status = Status.PASSED if found.passed else Status.FAILED
        except NotRunError as reason:
            found, status = Finding(False, str(reason)), Status.NOT_RUN
        except (RuntimeError, OSError, ValueError) as error:
            found, status = Finding(False, f"{type(error).__name__}: {error}"), Status.FAILED
        seconds = time.monotonic() - start
        yield Outcome(
            check.name,
            check.claim,
            status,
            found.summary,
            found.details,
            found.commands,
            round(seconds, 1),
        )
