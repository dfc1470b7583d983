"""Settings of the whole suite."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from support import recorded

from codegen.checks.host import SANITIZE, HostModel

quiet = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
settings.register_profile("default", max_examples=25, deadline=None, suppress_health_check=quiet)
settings.register_profile("nightly", max_examples=2500, deadline=None, suppress_health_check=quiet)
settings.load_profile(os.environ.get("SPIKEMCU_TEST_PROFILE", "default"))

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell starts what it puts behind it
    signal.signal(signal.SIGINT, signal.default_int_handler)  # else no child could be interrupted


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite the generated C in tests/golden"
    )
    parser.addoption(
        "--update-budgets", action="store_true", help="rewrite the sizes in tests/budgets.json"
    )


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


@pytest.fixture(scope="module")
def unoptimised() -> Iterator[None]:
    """Let HostModel compile at -O0 where no level is named, in a third of the time.

    The sanitizers and warnings stay. tests/compilers runs every kernel at every level.
    """
    usual = HostModel.__init__.__defaults__
    assert usual is not None
    assert ("-O2", *SANITIZE) in usual
    changed = tuple(("-O0", *SANITIZE) if v == ("-O2", *SANITIZE) else v for v in usual)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HostModel.__init__, "__defaults__", changed)
        yield
