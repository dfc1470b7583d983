"""A fault that changes a result is noticed: mutants of the templates and of the packing.

Every mutant is hunted by the models of support/hunters.py, compared with Model.run in every bit:
here if the fault is in portable C, on the emulated core that sees it elsewhere. One that survives
must stand in equivalent.json with the reason why it changes no result.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support import attack
from support.attack import Said, Verdict
from support.mutants import PACKAGE, Mutant, all_mutants

pytestmark = pytest.mark.target

SAMPLE, ALL = 20, 320
"""Mutants that are hunted in the ordinary run, and in the proof."""
LEAST = 200
"""Mutants that must have changed the C of some model, in the proof."""

EQUIVALENT = Path(__file__).with_name("equivalent.json")
"""{"reasons": {name: why no result changes}, "mutants": {key: [mutant, name of its reason]}}."""

CHANGING = (Verdict.KILLED, Verdict.SURVIVED)

Judged = dict[Mutant, Said]


def judge(mutants: list[Mutant]) -> Iterator[tuple[Mutant, Said]]:
    """Yield what is said about each mutant, by one process of models."""
    given = [{"path": m.path, "text": m.text(), "package": str(PACKAGE)} for m in mutants]
    path = os.pathsep.join((str(PACKAGE.parent), str(Path(attack.__file__).parents[1])))
    with subprocess.Popen(
        [sys.executable, "-m", "support.attack"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": path} | attack.address_sanitizer(),
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        json.dump(given, process.stdin)
        process.stdin.close()
        for mutant, text in zip(mutants, process.stdout, strict=True):
            values = json.loads(text)
            yield mutant, Said(**values | {"verdict": Verdict(values["verdict"])})
    assert process.returncode == 0


def line(mutant: Mutant) -> str:
    return f"{mutant.path}:{mutant.number + 1}: {mutant.before.strip()} -> {mutant.after.strip()}"


def shown(judged: Iterable[tuple[Mutant, Said]]) -> Judged:
    """Print what is said as it is said, and return it."""
    found = {}
    for mutant, said in judged:
        found[mutant] = said
        by = ": ".join(filter(None, (said.hunter, said.place, said.why)))
        print(f"{said.verdict:9} {mutant.key} {line(mutant)}  [{by}]", flush=True)
    return found


def judged(mutants: list[Mutant], workers: int) -> Judged:
    """Return what is said about each mutant."""
    with ThreadPoolExecutor(workers) as pool:
        parts = pool.map(lambda i: shown(judge(mutants[i::workers])), range(workers))
    return {mutant: said for part in parts for mutant, said in part.items()}


def unexplained(found: Judged, known: Iterable[str]) -> list[str]:
    """Return those that are not noticed, or not judged, and that nobody has shown equivalent."""
    open_ = (Verdict.SURVIVED, Verdict.UNDECIDED)
    return [
        f"{said.verdict} {mutant.key} {line(mutant)}"
        for mutant, said in found.items()
        if said.verdict in open_ and mutant.key not in known
    ]


def equivalent() -> dict[str, list[str]]:
    """Return {key: [mutant, name of its reason]} of those that change no result."""
    return json.loads(EQUIVALENT.read_text())["mutants"]


def test_a_sample_of_mutants_is_killed() -> None:
    found = judged(all_mutants()[:SAMPLE], 1)
    assert not unexplained(found, equivalent())
    assert sum(said.verdict is Verdict.KILLED for said in found.values()) >= SAMPLE // 2


@pytest.mark.proof
def test_every_mutant_that_changes_a_result_is_killed() -> None:
    found = judged(all_mutants()[:ALL], os.cpu_count() or 1)
    count = {v: sum(said.verdict is v for said in found.values()) for v in Verdict}
    print(", ".join(f"{n} {verdict}" for verdict, n in count.items()))
    assert sum(count[verdict] for verdict in CHANGING) >= LEAST
    assert not unexplained(found, equivalent())
