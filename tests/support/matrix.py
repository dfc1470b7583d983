"""What the models of the matrix must give, and the comparison with what they gave."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Protocol

from codegen.checks.comparison import Comparison, compare
from codegen.checks.equivalence import Runnable, Streams
from codegen.checks.streams import Stream, compare_streams, expected, made_samples
from qat.model import Result
from support.compilers import Row
from support.hunters import HUNTERS, Hunter
from support.zoo.sized import inputs_of


class Compiled(Runnable, Streams, Protocol):
    """A compiled model: takes inputs, and raw samples if it has a sensor."""


@dataclass(frozen=True, eq=False)
class Case:
    """Inputs of a model, and what Model.run gives for them; raw samples if it has a sensor."""

    x: Any
    steps: int | None
    result: Result
    samples: Any = None
    stream: Stream | None = None


@cache
def case(name: str) -> Case:
    """Return the case of one of the hunters."""
    model = HUNTERS[name].model
    x, steps = inputs_of(model)
    result = model.run(x, trace=True, steps=steps)
    if model.sensor is None:
        return Case(x, steps, result)
    samples = made_samples(model)
    return Case(x, steps, result, samples, expected(model, samples))


def compared(name: str, running: Compiled, keeps_u: bool = True) -> Comparison:
    """Compare all that a compiled model gives: every spike, u, v, score, and result of a stream."""
    wanted = case(name)
    result = wanted.result if keeps_u else replace(wanted.result, u=None)
    found = compare(result, running.run(wanted.x, trace=True, steps=wanted.steps))
    if wanted.stream is None:
        return found
    return found.beside(compare_streams(wanted.stream, running.stream(wanted.samples)))


def values(comparison: Comparison) -> int:
    """Return how many values were compared."""
    return comparison.spikes + comparison.membranes + comparison.scores


def run_row(
    row: Row,
    turns: Iterable[tuple[str, str]],
    one: Callable[[Hunter, str, str], Comparison | None],
) -> None:
    """Compare all of a row's models, print what that was, fail with all that differ.

    one: compares (hunter, its name, level); None if the machine has no room for it
    """
    count, total, wrong, without = 0, 0, [], []
    for name, level in turns:
        found = one(HUNTERS[name], name, level)
        if found is None:
            without.append(f"{name} {level}")
            continue
        assert values(found), name
        count, total = count + 1, total + values(found)
        if found.differing:
            wrong.append(f"{name}, {level}: {found.line}; {found.first}")
    print(f"matrix: {row}: {count} programs, {total:,} values compared")
    if without:
        print(f"matrix: {row}: no room for {', '.join(without)}")
    assert count > len(without)
    assert not wrong, "\n".join(wrong)
