"""Whatever is killed while it writes leaves the old file or the new one, never a broken one.

At random moments, by SIGKILL; and at each single system call of a write, by strace, which also lets
each of them fail. A folder of which `generate` has written only a part is noticed by the check.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest
from support import interrupted
from support.interrupted import BEGUN, CHECKS, DEEDS, EPOCHS, MODEL, leftovers, material

from codegen.package.write import write_files

SAMPLE = {"save": 8, "generate": 6, "train": 6}
ALL = {"save": 120, "generate": 100, "train": 60}
LONGEST = {"save": 0.2, "save_plainly": 0.2, "generate": 0.2, "train": 0.3}
"""Seconds until the kill: the deed is done more than once meanwhile."""

CALLS = ("openat", "write", "fchmod", "fsync", "linkat", "rename")
"""System calls of a write, in their order."""


@pytest.fixture(scope="module")
def nursery() -> ForkServerContext:
    """Return what starts processes quickly: they fork from one that has imported everything."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["support.interrupted"])
    return context


def kill_at(nursery: ForkServerContext, deed: str, folder: Path, seconds: float) -> None:
    """Start a deed and kill it some time after it has begun."""
    begun = folder / BEGUN
    begun.unlink(missing_ok=True)
    arguments = (deed, str(folder), material())
    process = nursery.Process(target=interrupted.again_and_again, args=arguments)
    process.start()
    while not begun.exists():
        time.sleep(0.001)
    time.sleep(seconds)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL


def kill_often(nursery: ForkServerContext, deed: str, folder: Path, kills: int) -> int:
    """Kill a deed at random moments, check what is there each time; return temporary files left."""
    rng, left = random.Random(deed), 0
    interrupted.once(deed, str(folder), material())
    for _ in range(kills):
        if deed == "train":
            shutil.rmtree(folder / "run", ignore_errors=True)
        kill_at(nursery, deed, folder, LONGEST[deed] * rng.random())
        CHECKS[deed](folder, material())
        assert len(leftovers(folder)) <= 1  # what is written has one temporary file at a time
        left += len(leftovers(folder))
        for path in leftovers(folder):
            path.unlink()
    return left


def check_kills(nursery: ForkServerContext, deed: str, folder: Path, kills: int) -> None:
    left = kill_often(nursery, deed, folder, kills)
    print(f"{deed}: {kills} kills, {left} temporary files left behind")
    # Who is killed amid a write cannot take its file away; how many of few are is chance.
    assert left <= max(4, 1 + kills // 10)


@pytest.mark.parametrize("deed", SAMPLE)
def test_kills_break_nothing(nursery: ForkServerContext, deed: str, tmp_path: Path) -> None:
    check_kills(nursery, deed, tmp_path, SAMPLE[deed])


@pytest.mark.proof
@pytest.mark.parametrize("deed", ALL)
def test_many_kills_break_nothing(nursery: ForkServerContext, deed: str, tmp_path: Path) -> None:
    check_kills(nursery, deed, tmp_path, ALL[deed])


def test_kills_of_a_plain_write_are_noticed(nursery: ForkServerContext, tmp_path: Path) -> None:
    with pytest.raises((ValueError, AssertionError)):
        kill_often(nursery, "save_plainly", tmp_path, 200)


def test_a_killed_training_goes_on_to_the_same_bytes(
    nursery: ForkServerContext, tmp_path: Path
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    interrupted.once("train", str(whole), material())
    for seconds in (0.1, 0.15, 0.2):
        process = nursery.Process(target=interrupted.once, args=("train", str(parts), material()))
        process.start()
        process.join(seconds)
        process.kill()
        process.join()
        CHECKS["train"](parts, material())
    interrupted.once("train", str(parts), material())
    assert (parts / MODEL).read_bytes() == (whole / MODEL).read_bytes()
    history = (parts / "run" / "history.json").read_text()
    assert history.count('"number"') == EPOCHS


# ------------------------------------------------------------------------------- strace


@dataclass(frozen=True)
class Call:
    """A system call of a deed: its name, and the how manieth of this name it is in the process."""

    name: str
    number: int


@cache
def find_strace() -> str:
    found = shutil.which("strace")
    assert found, "strace is missing: apt-get install strace"
    return found


def traced(deed: str, folder: Path, *inject: str) -> tuple[subprocess.CompletedProcess[str], str]:
    """Do a deed under strace; return how it ended, and the log."""
    log, made = folder.with_suffix(".log"), folder.with_suffix(".pickle")
    made.write_bytes(pickle.dumps(material()))
    command = [find_strace(), "-o", str(log), "-e", f"trace=chdir,{','.join(CALLS)}"]
    tests = Path(interrupted.__file__).parents[1]
    done = subprocess.run(
        [
            *command,
            *inject,
            sys.executable,
            "-m",
            "support.interrupted",
            deed,
            str(folder),
            str(made),
        ],
        capture_output=True,
        text=True,
        env=os.environ
        | {"PYTHONPATH": os.pathsep.join((str(tests.parent), str(tests)))}
        | {"PYTHONDONTWRITEBYTECODE": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert "PTRACE" not in done.stderr, f"strace may not trace here: {done.stderr}"
    return done, log.read_text()


def calls_of(log: str, folder: Path) -> Iterator[Call]:
    """Yield the calls of a log behind the chdir by which the deed begins."""
    counts, begun = dict.fromkeys(CALLS, 0), False
    for line in log.splitlines():
        found = re.match(r"(\w+)\((.*)", line)
        if found is None:
            continue
        name, rest = found.groups()
        begun |= name == "chdir" and rest.startswith(f'"{folder}"')
        if name in counts:
            counts[name] += 1
            if begun and not (name == "openat" and "O_TMPFILE" not in rest):
                yield Call(name, counts[name])


def ready(deed: str, folder: Path) -> Path:
    """Return a folder in which a deed was done before."""
    folder.mkdir()
    interrupted.once(deed, str(folder), material())
    if deed == "train":
        shutil.rmtree(folder / "run")
    return folder


def calls(deed: str, folder: Path) -> list[Call]:
    """Return the system calls with which a deed writes."""
    done, log = traced(deed, ready(deed, folder))
    assert done.returncode == 0, done.stderr
    found = list(calls_of(log, folder))
    assert {call.name for call in found} >= {"openat", "write", "fsync", "linkat", "rename"}
    return found


def kill_in(deed: str, folder: Path, call: Call) -> None:
    """Kill a deed when it begins a call, and check what is there."""
    ready(deed, folder)
    inject = f"inject={call.name}:signal=KILL:when={call.number}"
    done, _ = traced(deed, folder, "-e", inject)
    assert done.returncode != 0, f"{call} was not reached"
    CHECKS[deed](folder, material())
    assert len(leftovers(folder)) <= (call.name == "rename")


def fail_in(deed: str, folder: Path, call: Call, error: str = "ENOSPC") -> None:
    """Let a call fail: the deed says so, and leaves nothing behind."""
    ready(deed, folder)
    inject = f"inject={call.name}:error={error}:when={call.number}"
    done, log = traced(deed, folder, "-e", inject)
    assert "(INJECTED)" in log
    CHECKS[deed](folder, material())
    assert not leftovers(folder)
    if call.name != "openat":  # without O_TMPFILE the file has a name from the start
        assert done.returncode != 0
        assert "cannot be written (No space left on device)" in done.stderr


def one_of_each(found: list[Call]) -> list[Call]:
    """Return the last call of every name: those of the second of two writes."""
    return list({call.name: call for call in found}.values())


def test_a_kill_in_a_call_breaks_nothing(tmp_path: Path) -> None:
    found = one_of_each(calls("save", tmp_path / "all"))
    for call in found:
        if call.name in ("write", "linkat", "rename"):
            kill_in("save", tmp_path / f"kill-{call.name}", call)
    write = next(call for call in found if call.name == "write")
    fail_in("save", tmp_path / "fail", write)


@pytest.mark.proof
@pytest.mark.parametrize("deed", ["save", "generate", "train"])
def test_a_kill_in_any_call_breaks_nothing(deed: str, tmp_path: Path) -> None:
    found = calls(deed, tmp_path / "all")
    print(f"{deed}: {len(found)} system calls")
    for call in found:
        kill_in(deed, tmp_path / f"{call.name}-{call.number}", call)


@pytest.mark.proof
@pytest.mark.parametrize("deed", ["save", "generate"])
def test_any_call_that_fails_breaks_nothing(deed: str, tmp_path: Path) -> None:
    for call in calls(deed, tmp_path / "all"):
        fail_in(deed, tmp_path / f"{call.name}-{call.number}", call)


def test_a_kill_in_a_plain_write_is_noticed(tmp_path: Path) -> None:
    ready("save_plainly", tmp_path / "all")
    _, log = traced("save_plainly", tmp_path / "all")
    last = [call for call in calls_of(log, tmp_path / "all") if call.name == "write"][-1]
    with pytest.raises((ValueError, AssertionError)):
        kill_in("save_plainly", tmp_path / "kill", last)


def test_the_deeds_are_known() -> None:
    assert DEEDS.keys() == CHECKS.keys()


def test_two_kills_leave_no_manifest_beside_files_of_two_sets(tmp_path: Path) -> None:
    """One behind the README of the second set, one before that of the first is there again."""
    first, second = material().packages
    write_files(tmp_path, first)
    for files, last in ((second, "README.md"), (first, "net.c")):
        names = list(files)
        part = {name: files[name] for name in names[: names.index(last) + 1]}
        write_files(tmp_path, part)
        interrupted.check_package(tmp_path, material())
    write_files(tmp_path, first)
    assert (tmp_path / "manifest.json").read_text() == first["manifest.json"]
