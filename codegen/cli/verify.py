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
from codegen.target.boards import Board, find_boards
from codegen.target.emulated import require_emulated
from codegen.verify import CHECKS
from codegen.verify import verify as run_checks
from codegen.verify.document import to_json, to_markdown
from codegen.verify.records import Status, Subject
from qat.model import Model, write_file


def verify(arguments: Namespace) -> int:
    """Run every check that applies to a model, and write what was seen."""
    out = Output(arguments)
    require_output(arguments.output)
    out.progress("reading the inputs")
    subject = _subject(arguments, out)
    outcomes = run_checks(
        subject, lambda name, number: out.progress(f"{number} of {len(CHECKS)}: {name}")
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


def _subject(arguments: Namespace, out: Output) -> Subject:
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
        boards=_boards(arguments.board),
    )


def _boards(names: str) -> tuple[Board, ...]:
    boards = find_boards(names)
    for board in boards:
        require_emulated(board)
    return boards
