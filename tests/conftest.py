"""Settings of the whole suite."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy: a second thread waits, busily

import pytest
from hypothesis import HealthCheck, settings
from support import recorded
from support.compiler import QUICK
from support.kept import joining, keeping

from codegen.checks.host import SANITIZE, HostModel
from qat.machine.programs import Done

quiet = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
settings.register_profile("default", max_examples=12, deadline=None, suppress_health_check=quiet)
settings.register_profile("nightly", max_examples=2000, deadline=None, suppress_health_check=quiet)
settings.load_profile(os.environ.get("SPIKEMCU_TEST_PROFILE", "default"))

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else every child compiles all modules anew
sys.dont_write_bytecode = False

gc.set_threshold(50_000, 20, 20)  # some thousand tests and models are always there

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell starts what it puts behind it
    signal.signal(signal.SIGINT, signal.default_int_handler)  # else no child could be interrupted


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite the generated C in tests/golden"
    )
    parser.addoption(
        "--update-budgets", action="store_true", help="rewrite the sizes in tests/budgets.json"
    )


def spent() -> float:
    """Return seconds of processor time of this process and of all that it waited for."""
    return sum(os.times()[:4])


OF_WORKERS: list[float] = []
"""What each worker of xdist has spent, in the process that prints."""


def pytest_sessionfinish(session: pytest.Session) -> None:
    if (told := getattr(session.config, "workeroutput", None)) is not None:
        told["spent"] = spent()


def pytest_collection_finish() -> None:
    gc.freeze()  # what stays to the end is not looked through again and again


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    OF_WORKERS.append(getattr(node, "workeroutput", {}).get("spent", 0.0))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what the run took: README and CONTRIBUTING have the figure of a whole one."""
    own = sum(os.times()[:2]) if OF_WORKERS else spent()  # workers are children, waited for later
    minutes = (own + sum(OF_WORKERS)) / 60
    terminalreporter.write_line(f"{minutes:.1f} minutes of processor time, of all processes")


@pytest.fixture(scope="session", autouse=True)
def no_line_because_the_machine_is_busy() -> Iterator[None]:
    """Keep verbs from saying that they are still at work: what they print is compared."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("codegen.cli.output.SECONDS_OF_SILENCE", float("inf"))
        yield


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the root of the checkout."""
    return Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Path]:
    """Give the suite a cache, one for all workers, and leave the user's alone."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "cache"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPIKEMCU_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="module")
def recorded_builds(cache: Path) -> Iterator[None]:
    """Build firmware with PlatformIO's recorded commands, where PlatformIO is not the point.

    tests/target/test_build.py shows that the program is the same, to the byte.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("codegen.target.emulated.build", recorded.build)
        patch.setattr("codegen.cli.targets.build_firmware", recorded.build)
        yield


OPTIMISED = ("-O2", *SANITIZE)
"""How HostModel compiles where no level is named."""


@contextmanager
def _level(flags: tuple[str, ...]) -> Iterator[None]:
    """Let HostModel compile with these flags where none are named."""
    given = HostModel.__init__.__defaults__
    assert given is not None
    assert any(value in (OPTIMISED, QUICK) for value in given)
    changed = tuple(flags if v in (OPTIMISED, QUICK) else v for v in given)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HostModel.__init__, "__defaults__", changed)
        yield


@pytest.fixture(scope="session", autouse=True)
def unoptimised() -> Iterator[None]:
    """Let HostModel compile at -O0 where no level is named, in a third of the time.

    The sanitizers and warnings stay. tests/compilers runs every kernel at every level.
    """
    with _level(QUICK):
        yield


@pytest.fixture(scope="module")
def optimised() -> Iterator[None]:
    """Let HostModel compile as it does for a user."""
    with _level(OPTIMISED):
        yield


@pytest.fixture(scope="session", autouse=True)
def kept_compilations(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[None]:
    """Compile the same files with the same command once for all workers."""
    base = tmp_path_factory.getbasetemp()
    run = keeping((base if worker_id == "master" else base.parent) / "kept")

    def checked(command: Sequence[str], folder: Path, _: float) -> Done:
        done = run(command, folder=folder)
        done.check_returncode()
        return done

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("codegen.checks.host.run_program", joining(run))
        patch.setattr("codegen.target.compiler.run_program", run)
        patch.setattr("qat.machine.native.checked", checked)  # also into caches that are new
        yield
