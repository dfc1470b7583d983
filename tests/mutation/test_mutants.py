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
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support import attack
from support.attack import Verdict
from support.hunters import HUNTERS
from support.mutants import PACKAGE, Mutant, all_mutants

pytestmark = pytest.mark.target

SAMPLE, ALL = 20, 320
"""Mutants that are hunted in the ordinary run, and in the proof."""
LEAST = 200
"""Mutants that must have changed the C of some model, in the proof."""
SECONDS = 300

EQUIVALENT = Path(__file__).with_name("equivalent.json")
"""{key: [mutant, reason]} of those that change no result."""

CHANGING = (Verdict.KILLED, Verdict.SURVIVED)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mutants") / "known.json"
    path.write_text(json.dumps(attack.baseline()))
    return path


def judge(mutant: Mutant, known: Path) -> tuple[Verdict, str]:
    """Hunt a mutant in a process of its own."""
    given = {
        "path": mutant.path, "text": mutant.text(), "package": str(PACKAGE), "known": str(known)
    }  # fmt: skip
    tests, root = Path(attack.__file__).parents[1], PACKAGE.parent
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(root), str(tests)))}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "support.attack"],
            input=json.dumps(given),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Verdict.KILLED, f"no end within {SECONDS} s"
    if done.returncode < 0:
        return Verdict.KILLED, f"signal {-done.returncode}"
    assert done.returncode == 0, f"{mutant}\n{done.stderr}"
    said = json.loads(done.stdout)
    return Verdict(said["verdict"]), said["why"]


def line(mutant: Mutant) -> str:
    return f"{mutant.path}:{mutant.number + 1}: {mutant.before.strip()} -> {mutant.after.strip()}"


def judged(mutants: list[Mutant], known: Path, workers: int) -> dict[Mutant, tuple[Verdict, str]]:
    with ThreadPoolExecutor(workers) as pool:
        return dict(zip(mutants, pool.map(lambda m: judge(m, known), mutants), strict=True))


def unexplained(found: dict[Mutant, tuple[Verdict, str]]) -> list[str]:
    """Return the survivors that nobody has shown to be equivalent."""
    reasons = json.loads(EQUIVALENT.read_text())
    return [
        f"{mutant.key} {line(mutant)}"
        for mutant, (verdict, _) in found.items()
        if verdict is Verdict.SURVIVED and mutant.key not in reasons
    ]


@pytest.mark.parametrize("name", HUNTERS)
def test_without_a_fault_nothing_is_noticed(name: str) -> None:
    hunter = HUNTERS[name]
    assert attack.differs(hunter.model, hunter.files(), attack.here, False) is None


def test_a_sample_of_mutants_is_killed(known: Path) -> None:
    found = judged(all_mutants()[:SAMPLE], known, 1)
    assert not unexplained(found)
    assert sum(verdict is Verdict.KILLED for verdict, _ in found.values()) >= SAMPLE // 2


@pytest.mark.proof
def test_every_mutant_that_changes_a_result_is_killed(known: Path) -> None:
    found = judged(all_mutants()[:ALL], known, os.cpu_count() or 1)
    for mutant, (verdict, why) in found.items():
        print(f"{verdict:9} {mutant.key} {line(mutant)}  [{why}]")
    count = {v: sum(verdict is v for verdict, _ in found.values()) for v in Verdict}
    print(", ".join(f"{n} {verdict}" for verdict, n in count.items()))
    assert sum(count[verdict] for verdict in CHANGING) >= LEAST
    assert not unexplained(found)


def test_what_is_called_equivalent_is_a_mutant() -> None:
    reasons = json.loads(EQUIVALENT.read_text())
    keys = {mutant.key for mutant in all_mutants()}
    assert not set(reasons) - keys
    assert all(reason for _, reason in reasons.values())
