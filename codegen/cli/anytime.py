"""The verb anytime: accuracy when an inference is stopped early, and the rule that does so."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from codegen.cli.before import require_output
from codegen.cli.data import labelled, tell
from codegen.cli.output import Output, percent
from codegen.measure.spend import instructions
from qat.data.dataset import Dataset
from qat.model import EarlyStop, Model
from qat.study.anytime import Stopped, accuracy_by_step, choose_stop, stopped, with_stop

PARTS = ("validation", "test")
MEASURED = 1000
"""Validation samples on which the activity under the rule is measured."""


def anytime(arguments: Namespace) -> int:
    """Print the accuracy after every step, choose a rule on validation data, say what it saves."""
    out = Output(arguments)
    require_output(arguments.output)
    out.progress("reading the data")
    model = Model.load(arguments.model)
    data = labelled(model, arguments)
    tell(out, data)
    out.progress(f"{data.name}: counting what is right after every step")
    whole = replace(model, stop=None)
    out.say(f"{model.name} on {data.name}: {len(data.y_validation):,} validation samples choose "
            f"the rule, {len(data.y_test):,} test samples judge it")  # fmt: skip
    by_step = {part: accuracy_by_step(whole, *_part(data, part)) for part in PARTS}
    _say_steps(out, by_step)
    rule = _rule(arguments, whole, data)
    ruled = with_stop(whole, rule, data.x_validation[:MEASURED])
    plain = with_stop(whole, None, data.x_validation[:MEASURED])
    found = {part: [stopped(m, *_part(data, part)) for m in (plain, ruled)] for part in PARTS}
    cost = [instructions(m, arguments.board) for m in (plain, ruled)]
    if rule is None:
        out.say("no margin saves a step within what may be lost")
    else:
        _say_rule(out, rule, found)
        costs = f"{cost[0]:,} with all steps, {cost[1]:,} stopped"
        out.say(f"instructions on {arguments.board}, predicted: {costs}")
    if arguments.output is not None:
        ruled.save(Path(arguments.output))
        out.say(f"wrote {arguments.output}  (digest {ruled.digest()})")
    out.result(
        {
            "model": model.name,
            "accuracy_by_step": by_step,
            "stop": None if rule is None else asdict(rule),
            **{part: {"all": asdict(a), "stopped": asdict(b)} for part, (a, b) in found.items()},
            "instructions": dict(zip(("all", "stopped"), cost, strict=True)),
            "board": arguments.board,
            "output": arguments.output,
        }
    )
    return 0


def _part(data: Dataset, part: str) -> tuple[Any, Any]:
    return getattr(data, f"x_{part}"), getattr(data, f"y_{part}")


def _rule(arguments: Namespace, model: Model, data: Dataset) -> EarlyStop | None:
    """Return the rule that was given, or the best one on validation data."""
    if arguments.margin is not None:
        return EarlyStop(arguments.margin, arguments.first or 1)
    return choose_stop(model, data.x_validation, data.y_validation, arguments.lose / 100)


def _say_steps(out: Output, by_step: dict[str, tuple[float, ...]]) -> None:
    steps = range(1, len(by_step["test"]) + 1)
    rows = [[t, *(percent(by_step[part][t - 1]) for part in PARTS)] for t in steps]
    out.table(["stopped after step", *PARTS], rows)


def _say_rule(out: Output, rule: EarlyStop, found: dict[str, list[Stopped]]) -> None:
    out.say(f"rule: stop after step {rule.first} or later, when the lead reaches {rule.margin}")
    rows = [
        [part, f"{b.steps:.2f} of {a.steps:.0f}", percent(a.accuracy), percent(b.accuracy)]
        for part, (a, b) in found.items()
    ]
    out.table(["", "steps, mean", "all steps", "stopped"], rows)
