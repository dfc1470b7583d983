"""The verb verify: every check that applies to a model, written into a report."""

from __future__ import annotations

import shlex
from argparse import Namespace
from pathlib import Path

import numpy as np

from codegen.checks.equivalence import made_inputs
from codegen.cli.before import require_output
from codegen.cli.data import MADE, inputs_of
from codegen.cli.output import Output
from codegen.cli.targets import require_answer
from codegen.target.boards import Board, find_boards, further_boards, load_boards
from codegen.verify import checks_of
from codegen.verify import verify as run_checks
from codegen.verify.document import to_json, to_markdown
from codegen.verify.records import Status, Subject
from qat.model import Model, write_file


def verify(arguments: Namespace) -> int:
    """Run every check that applies to a model, and write what was seen."""
    out = Output(arguments)
    require_output(arguments.output)
    board = _connected(arguments)
    if board is not None:
        require_answer(Model.load(arguments.model), board, arguments.port, out)
    out.progress("reading the inputs")
    subject = _subject(arguments, board, out)
    count = len(checks_of(subject))
    outcomes = run_checks(
        subject, lambda name, number: out.progress(f"{number} of {count}: {name}")
    )
    values = to_json(subject, outcomes)
    out.table(
        ("check", "result", "what was seen"), [(o.name, o.status, o.summary) for o in outcomes]
    )
    for outcome in outcomes:
        if outcome.status is Status.FAILED:
            for line in outcome.details:
                out.say(f"{outcome.name}: {line}")
    out.say(values["result"])
    if arguments.output:
        write_file(Path(arguments.output), to_markdown(values).encode("utf-8", "backslashreplace"))
        out.say(f"wrote {arguments.output}")
    out.result(values)
    wrong = {Status.FAILED} | ({Status.NOT_RUN} if arguments.all else set())
    return 1 if any(outcome.status in wrong for outcome in outcomes) else 0


def _subject(arguments: Namespace, connected: Board | None, out: Output) -> Subject:
    model = Model.load(arguments.model)
    inputs = inputs_of(model, arguments, out)
    return Subject(
        model=model,
        path=arguments.model,
        command=shlex.join(["spikemcu", *arguments.argv]),
        made=np.concatenate([made_inputs(model, MADE, seed) for seed in range(arguments.seeds)]),
        seeds=arguments.seeds,
        data=None if inputs.made else inputs.x,
        origin=inputs.origin,
        samples=inputs.samples,
        steps=inputs.steps,
        boards=_emulated(connected) if connected else find_boards(arguments.board),
        connected=connected,
        port=arguments.port,
    )


def _connected(arguments: Namespace) -> Board | None:
    """Return the board of hardware that is asked for; None for emulated ones.

    Raises ValueError for a port without such a board.
    """
    boards = find_boards(arguments.board)
    if boards[0].hardware is not None:
        return boards[0]
    if arguments.port:
        raise ValueError(f"--port: {boards[0].name} is emulated and has no serial port")
    return None


def _emulated(board: Board) -> tuple[Board, ...]:
    """Return the emulated boards that have the core of a board of hardware."""
    cores = load_boards() | further_boards()
    return tuple(one for one in cores.values() if one.core == board.family)
