"""Checks on emulated cores: equality, stack, the worst case of instructions."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable, Iterator

import numpy as np

from codegen.base.errors import BuildError, MissingToolError, TooLargeError
from codegen.checks.comparison import Comparison
from codegen.checks.equivalence import compare_on, compare_raw
from codegen.plan import cost
from codegen.plan.build import part_names
from codegen.target.boards import Board
from codegen.target.counting import What
from codegen.target.emulated import TargetModel
from codegen.target.fit import require_fit
from codegen.target.lean import LeanModel, footprint_on
from codegen.target.runner import MARKS
from codegen.target.stack import deepest, disassemble
from codegen.verify.records import Finding, NotRunError, Subject

CALLS = {
    What.INPUT: "call_input",
    What.STEP: "call_step",
    What.INFER: "call_infer",
    What.SCORES: "call_scores",
}
"""Functions of the firmware around the model's own."""


STREAMED, STREAMED_VECTORS = "samples of a vector", 3
"""What raw samples are counted as, beside the parts of the network; for so many vectors."""


def boards_of(subject: Subject, linked: bool = True) -> tuple[tuple[Board, ...], tuple[str, ...]]:
    """Return the boards that the model fits on, and a line for each other.

    linked: only those whose firmware has a link

    Raises NotRunError without tools or boards.
    """
    for tools in dict.fromkeys(board.architecture.tools for board in subject.boards):
        for tool in (tools.compiler, tools.emulator):
            if not shutil.which(tool):
                raise NotRunError(f"no {tool} on PATH")
    fitting, others = [], []
    for board in subject.boards:
        if linked and board.lean:
            others.append(f"NOT RUN on {board.name} ({board.core}): its firmware has no link")
            continue
        try:
            require_fit(board, subject.generated, footprint_on(board))
            fitting.append(board)
        except TooLargeError as error:
            others.append(f"NOT RUN on {board.name} ({board.core}): {error}")
    if not fitting:
        raise NotRunError("no emulated board is asked for that the model fits on")
    return tuple(fitting), tuple(others)


def _each(
    subject: Subject,
    look: Callable[[Board], tuple[bool, Iterator[str]]],
    what: str,
    command: str,
    linked: bool = True,
) -> Finding:
    """Look at every board; `look` returns (passed, lines); linked: as for boards_of."""
    (boards, others), details, passed = boards_of(subject, linked), [], True
    try:
        for board in boards:
            kept, lines = look(board)
            passed &= kept
            details += [f"{board.name} ({board.core}): {line}" for line in lines]
    except MissingToolError as error:
        raise NotRunError(str(error)) from None
    run = f"{len(boards)} of {len(subject.boards)} cores asked for"
    summary = f"{run}, {_few(subject)}{what}"
    return Finding(passed, summary, (*details, *others), (command,))


def _few(subject: Subject) -> str:
    """Return which inputs run on a board."""
    data = 0 if subject.few_of_data is None else len(subject.few_of_data)
    return f"{len(subject.few) - data} made inputs" + (f" and {data} of the data" if data else "")


def _command(verb: str, subject: Subject) -> str:
    """Return the command of a verb on these boards."""
    board = subject.boards[0].name if len(subject.boards) == 1 else "all"
    return shlex.join(["spikemcu", verb, subject.path, "--board", board])


def equal(subject: Subject) -> Finding:
    """Compare every spike, membrane and score with the model on every emulated core."""

    def look(board: Board) -> tuple[bool, Iterator[str]]:
        found = _compared(subject, board)
        first = [f"first difference: {found.first}"] if found.first else []
        return found.differing == 0, iter([found.line, *first])

    return _each(subject, look, "", _command("run", subject), linked=False)


def _compared(subject: Subject, board: Board) -> Comparison:
    """Compare what the model gives on a board in every value that its firmware tells."""
    if board.lean:
        with LeanModel(subject.generated, board) as chip:
            return sum(compare_on(subject.model, chip, subject.few, subject.steps), Comparison())
    with TargetModel(subject.generated, board) as target:
        pieces = compare_on(subject.model, target, subject.few, subject.steps)
        found = sum(pieces, Comparison())
        if subject.model.sensor is not None:
            found = found.beside(compare_raw(subject.model, target, subject.samples))
    return found


def stack(subject: Subject) -> Finding:
    """Compare the bound of the stack, from the machine code, with a painted stack."""

    def look(board: Board) -> tuple[bool, Iterator[str]]:
        with TargetModel(subject.generated, board) as target:
            used = target.stack(subject.few, subject.steps)
            functions = disassemble(target.elf, board.architecture)
        bounds = {what: deepest(functions, CALLS[what], board.architecture) for what in used}
        lines = (
            f"{what.name.lower()}: {bound} bytes at most, {used[what]} seen"
            for what, bound in bounds.items()
        )
        return all(used[what] <= bound for what, bound in bounds.items()), lines

    command = _command("report", subject)
    try:
        return _each(subject, look, "; no recursion, no call through a pointer", command)
    except BuildError as error:  # a call that the disassembly does not tell
        return Finding(False, str(error), (), (command,))


def worst_case(subject: Subject) -> Finding:
    """Compare what every part of an inference took with its worst case."""

    def look(board: Board) -> tuple[bool, Iterator[str]]:
        program, kept, lines = subject.generated.program, True, []
        works = cost.worst_works(program, subject.model.input, board.family)
        bounds = cost.by_part(works, board.family, "worst")
        seen = counted(subject, board)
        if program.sensor is not None:
            around = cost.around(program, board.family, worst=True, vectors=1)
            of_samples = cost.by_part(around, board.family, "worst")["sensor"]
            bounds[STREAMED] = sum(bounds.values()) + of_samples
            seen[STREAMED] = streamed(subject, board)
        for part, most in seen.items():
            kept &= most <= bounds[part]
            lines.append(f"{part}: {bounds[part]:,.0f} instructions at most, {most:,.0f} seen")
        return kept, iter(lines)

    return _each(subject, look, "", _command("bench", subject))


def streamed(subject: Subject, board: Board) -> float:
    """Return the most instructions that the samples of a vector took, a result included."""
    sensor, samples = subject.model.sensor, subject.samples
    assert sensor is not None, "only models with a sensor are asked"
    assert samples is not None, "which have samples"
    with TargetModel(subject.generated, board) as target:
        counts = target.sample_counts(samples[: sensor.samples_of(STREAMED_VECTORS)])
    ends = np.arange(sensor.samples_of(1), len(counts) + 1, sensor.group)
    return max(float(part.sum()) for part in np.split(counts, ends)[: len(ends)])


def counted(subject: Subject, board: Board) -> dict[str, float]:
    """Return {part: the most instructions that it took}, of an inference or of a step."""
    with TargetModel(subject.generated, board, flags=MARKS) as target:
        counts = target.parts(subject.few, subject.steps)
    names = part_names(subject.generated.program)
    each = counts.infer
    if each is None and counts.scores is not None:
        each = counts.step.sum(axis=1) + counts.scores
    if each is None:
        each = counts.step.reshape(-1, len(names))
    most = each.max(axis=0)
    return {name: float(n) for name, n in zip(names, most, strict=True) if n}
