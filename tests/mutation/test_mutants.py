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
from support.hunters import HUNTERS
from support.mutants import PACKAGE, SOURCES, Mutant, all_mutants

from codegen.render import environment

pytestmark = pytest.mark.target

SAMPLE, ALL = 1, 320
"""Mutants that are hunted in the ordinary run, and in the proof."""
LEAST = 200
"""Mutants that must have changed the C of some model, in the proof."""

QUICK = "flag"
"""The reason of one that changes no result and is soon hunted."""

EQUIVALENT = Path(__file__).with_name("equivalent.json")
"""{"reasons": {name: why no result changes}, "mutants": {key: [mutant, name of its reason]}}."""

CHANGING = (Verdict.KILLED, Verdict.SURVIVED)

Judged = dict[Mutant, Said]


def judge(mutants: list[Mutant]) -> Iterator[tuple[Mutant, Said]]:
    """Yield what is said about each mutant, by one process of models."""
    given = [{"path": m.path, "text": m.text(), "package": str(PACKAGE)} for m in mutants]
    tests = Path(attack.__file__).parents[1]
    path = os.pathsep.join(map(str, (PACKAGE.parent, tests, tests / "bench")))
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


def change(mutant: Mutant) -> str:
    return f"{mutant.path}: {mutant.before.strip()} -> {mutant.after.strip()}"


def shown(judged: Iterable[tuple[Mutant, Said]]) -> Judged:
    """Print what is said as it is said, and return it."""
    found = {}
    for mutant, said in judged:
        found[mutant] = said
        by = ": ".join(filter(None, (said.hunter, said.place, said.why)))
        print(f"{said.verdict:9} {mutant.key} {change(mutant)}  [{by}]", flush=True)
    return found


def judged(mutants: list[Mutant], workers: int) -> Judged:
    """Return what is said about each mutant."""
    with ThreadPoolExecutor(workers) as pool:
        parts = pool.map(lambda i: shown(judge(mutants[i::workers])), range(workers))
    return {mutant: said for part in parts for mutant, said in part.items()}


def unexplained(found: Judged, known: Iterable[str]) -> list[str]:
    """Return those that nothing notices, or nothing has judged, and nobody has shown equivalent."""
    noticed = (Verdict.KILLED, Verdict.REFUSED)
    return [
        f"{said.verdict} {mutant.key} {change(mutant)}"
        for mutant, said in found.items()
        if said.verdict not in noticed and mutant.key not in known
    ]


def equivalent() -> dict[str, list[str]]:
    """Return {key: [mutant, name of its reason]} of those that change no result."""
    return json.loads(EQUIVALENT.read_text())["mutants"]


def test_a_sample_of_mutants_is_killed() -> None:
    """Of the first that are not called equivalent."""
    known = equivalent()
    unlisted = [mutant for mutant in all_mutants() if mutant.key not in known][:SAMPLE]
    found = judged(unlisted, 1)
    assert not unexplained(found, known)
    assert [said.verdict for said in found.values()] == [Verdict.KILLED] * SAMPLE


@pytest.mark.proof
def test_one_that_survives_is_told() -> None:
    known = equivalent()
    (quick,) = (key for key, (_, reason) in known.items() if reason == QUICK)
    (listed,) = (mutant for mutant in all_mutants() if mutant.key == quick)
    found = judged([listed], 1)
    assert not unexplained(found, known)
    assert unexplained(found, ()) == [f"survived {quick} {change(listed)}"]


@pytest.mark.parametrize("verdict", Verdict)
def test_what_is_not_noticed_is_told_unless_it_is_called_equivalent(verdict: Verdict) -> None:
    mutant = all_mutants()[0]
    found = {mutant: Said(verdict)}
    noticed = verdict in (Verdict.KILLED, Verdict.REFUSED)
    assert (unexplained(found, ()) == []) == noticed
    assert unexplained(found, [mutant.key]) == []


@pytest.mark.proof
def test_every_mutant_that_changes_a_result_is_killed() -> None:
    known, found = equivalent(), judged(all_mutants()[:ALL], os.cpu_count() or 1)
    count = {v: sum(said.verdict is v for said in found.values()) for v in Verdict}
    print(", ".join(f"{n} {verdict}" for verdict, n in count.items()))
    assert sum(count[verdict] for verdict in CHANGING) >= LEAST
    assert not unexplained(found, known)
    noticed = [m.key for m, said in found.items() if said.verdict is Verdict.KILLED]
    assert not set(noticed) & set(known), "called equivalent, but killed"


def test_what_is_called_equivalent_is_a_mutant_with_a_reason() -> None:
    reasons = json.loads(EQUIVALENT.read_text())["reasons"]
    changes = {mutant.key: change(mutant) for mutant in all_mutants()}
    for key, (text, _) in equivalent().items():
        assert changes.get(key) == text
    assert {reason for _, reason in equivalent().values()} == set(reasons)


def test_every_template_is_in_the_c_of_a_hunter(monkeypatch: pytest.MonkeyPatch) -> None:
    used = {"render/model.c.j2"}
    join = environment().join_path

    def noting(template: str, parent: str) -> str:
        used.add(template)
        return join(template, parent)

    monkeypatch.setattr(environment(), "join_path", noting)
    for hunter in HUNTERS.values():
        hunter.files()
    templates = {p.relative_to(PACKAGE).as_posix() for p in SOURCES if p.suffix == ".j2"}
    assert not templates - used
