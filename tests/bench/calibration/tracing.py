"""Cycles per instruction of every kind of part: one call of some models, traced on a board."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from typing import Any

from numpy.typing import NDArray

from calibration.cycles import Executed, executed
from calibration.samples import PLANS
from calibration.subjects import Subject, small
from codegen.kernels.encoders import ENCODERS, PLAIN
from codegen.plan import cost
from codegen.plan.build import part_names
from codegen.target.boards import Board
from codegen.target.device import Device
from codegen.target.emulated import TIMEOUT, TargetModel
from codegen.target.protocol import Client
from codegen.target.qemu import Qemu
from codegen.target.recorder import bytes_of
from codegen.target.runner import MARKS
from qat.model import Activity, Model

WHOLE = (0, 5, 9, 10, 11, 24, 25, 28)
"""Models with one whole inference in which every kind of part occurs, but for encoders."""

RARE = next(i for i, row in enumerate(PLANS) if row.zeros > 0.9)
"""A model of sparse layers, traced for the kinds that no model of WHOLE has."""

TRACED = (*WHOLE, RARE, next(i for i, row in enumerate(PLANS) if row.stop), *(
    next(i for i, row in enumerate(PLANS) if (row.input, row.plain) == (kind, way == PLAIN))
    for kind, encoder in ENCODERS.items() for way in encoder.ways
))  # fmt: skip
"""These, one that may stop early, and one for each way of each encoder."""

MIDDLE = 8
"""The sample of a middle density."""


def measure_cycles(board: Board, wanted: Collection[str]) -> dict[str, float]:
    """Return the estimated cycles per instruction of kinds of parts on a board's core.

    The models of TRACED count for all their parts, others for the kinds that those have not.
    """
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for number, subject in enumerate(small(TRACED)):
        if set(sums) >= set(wanted):
            break
        first = number < len(TRACED) and TRACED[number] != RARE
        new = {kind for kind in subject.kinds() & set(wanted) if first or kind not in sums}
        if not new:
            continue
        for kind, part in _traced(subject, board):
            if kind in new:
                sums[kind][0] += part.cycles
                sums[kind][1] += part.instructions
    return {kind: round(c / n, 3) for kind, (c, n) in sorted(sums.items()) if n}


def _traced(subject: Subject, board: Board) -> Iterator[tuple[str, Executed]]:
    """Yield what each part of a call executed, with its kind."""
    model, made = subject.model, subject.made()
    x = subject.x[min(MIDDLE, len(subject.x) - 1)].astype(model.input.dtype)
    activity = Activity.measure(model, x[None], subject.steps)
    with TargetModel(made, board, flags=MARKS) as target:
        found = executed(board, target.elf, *_call(model, x, subject.steps))
    for work in cost.works(made.program, model.input, activity, board.core):
        part = found.get(part_names(made.program).index(work.part))
        if part is not None:
            yield work.kind, part


def _call(model: Model, x: NDArray[Any], steps: int | None) -> tuple[str, Callable[[Qemu], object]]:
    """Return the function to trace, and what asks a firmware for it: an inference, or steps."""
    ((held, vectors),) = bytes_of(model, x[None], steps or model.steps or len(x))

    def infer(qemu: Qemu) -> None:
        Device(Client(qemu, TIMEOUT)).infer(model.outputs, held)

    def each_step(qemu: Qemu) -> None:
        device = Device(Client(qemu, TIMEOUT))
        device.reset(held)
        for vector in vectors:
            device.step(vector)

    if model.input.held and model.steps is not None:
        return f"{model.name}_classify", infer
    return f"{model.name}_step", each_step
