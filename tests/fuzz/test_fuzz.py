"""Whatever comes in gives an answer or one line: all that reads foreign bytes is fuzzed.

The fuzzers are guided by coverage: atheris for Python, libFuzzer with sanitizers for C. The
ordinary run replays the corpus and all that was ever found, then fuzzes for some executions;
`-m proof` goes on for SPIKEMCU_FUZZ_SECONDS each, 600 by default. An input that fails is written
to the test's folder: put it into findings/, a test of what it shows into tests/regression.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from support.fuzzing import FOLDER, Outcome, build_link, fuzz
from support.zoo import ZOO

from codegen.render import render
from qat.model import Analog, Count, EarlyStop, Model

EXECUTIONS = {"model": 15, "data": 25, "protocol": 1000, "link": 1000}
"""Of the ordinary run, beyond what is replayed: a count costs the same on a busy machine."""
PATIENT_SECONDS = 300
"""In which a planted fault must be found; it takes two."""
PROOF_SECONDS = int(os.environ.get("SPIKEMCU_FUZZ_SECONDS", "600"))
LARGEST_CORPUS = 300_000

HARNESSES = ("model", "data", "protocol")


def sensed() -> Model:
    """Return a model of which every request of the protocol is answered."""
    return ZOO["sensor, held, stop"].model


def others() -> dict[str, Model]:
    """Return models whose firmware differs: frames, no end, counts."""
    return {
        "frames": ZOO["sensor, overlapping, stop"].model,
        "free": ZOO["sensor, free"].model,
        "count": replace(sensed(), readout=Count(), input=Analog(20, -8, 7), stop=EarlyStop(2)),
    }


def python(name: str) -> Callable[[Path], Sequence[str | Path]]:
    return lambda _: (sys.executable, FOLDER / f"fuzz_{name}.py")


def link(model: Model) -> Callable[[Path], Sequence[str | Path]]:
    return lambda folder: (build_link(render(model), folder),)


PROGRAMS = {name: python(name) for name in HARNESSES} | {"link": link(sensed())}
MORE = {f"link-{name}": link(model) for name, model in others().items()}


def assert_clean(outcome: Outcome, known: int) -> None:
    figures = f"{outcome.coverage} edges, {outcome.features} features"
    print(f"{outcome.executions:,} executions, {figures}")
    assert outcome.status == 0, outcome.text[-4000:]
    assert outcome.executions > known, outcome.text[-4000:]


def known_inputs(name: str) -> int:
    """Return how many files the corpus and the findings of a harness hold."""
    return sum(1 for part in ("corpus", "findings") for _ in (FOLDER / part / name).glob("*"))


@pytest.mark.parametrize("name", PROGRAMS)
def test_nothing_is_found_at_once(name: str, tmp_path: Path) -> None:
    known = known_inputs(name)
    most = f"-runs={known + EXECUTIONS[name]}"
    assert_clean(fuzz(PROGRAMS[name](tmp_path), name, most, tmp_path), known)


@pytest.mark.proof
@pytest.mark.parametrize("name", [*PROGRAMS, *MORE])
def test_nothing_is_found_in_minutes(name: str, tmp_path: Path) -> None:
    program, corpus = (PROGRAMS | MORE)[name](tmp_path), name.partition("-")[0]
    most = f"-max_total_time={PROOF_SECONDS}"
    assert_clean(fuzz(program, corpus, most, tmp_path), known_inputs(corpus))


FAULTS = {
    "commands.c": ("|| count > MODEL_INPUT_BYTES - offset) {", ") {"),
    "frame.c": ("length > FRAME_PAYLOAD) {", "length > 0xFFF0u) {"),
    "stream.c": ("MODEL_CHANNELS) {\n            take", "99999u) {\n            take"),
}


def find_fault(file: str, folder: Path, root: Path) -> None:
    """Plant a fault in a file of the firmware, and fail unless it is found."""
    before, after = FAULTS[file]
    text = (root / "firmware" / "src" / file).read_text()
    assert text.count(before) == 1
    files = render(sensed()) | {file: text.replace(before, after)}
    most = f"-max_total_time={PATIENT_SECONDS}"
    outcome = fuzz([build_link(files, folder)], "link", most, folder)
    assert outcome.status != 0
    assert "SUMMARY: " in outcome.text


def test_a_fault_in_the_firmware_is_found(tmp_path: Path, root: Path) -> None:
    find_fault("commands.c", tmp_path, root)


@pytest.mark.proof
@pytest.mark.parametrize("file", FAULTS)
def test_every_fault_in_the_firmware_is_found(file: str, tmp_path: Path, root: Path) -> None:
    find_fault(file, tmp_path, root)


def test_the_corpus_is_small() -> None:
    files = [path for part in ("corpus", "findings") for path in (FOLDER / part).rglob("*")]
    assert sum(path.stat().st_size for path in files) < LARGEST_CORPUS
