"""What is tested here needs torch (`pip install -e '.[test,torch]'`, `pytest -m torch`)."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).parent

WITHOUT = ("test_without_torch.py", "test_frameworks.py")
"""What needs no torch in this environment; the rest is not even collected without it."""

if find_spec("torch") is None:
    collect_ignore = [path.name for path in HERE.glob("test_*.py") if path.name not in WITHOUT]


def pytest_configure(config: pytest.Config) -> None:
    if find_spec("torch") is None and config.getoption("markexpr") == "torch":
        raise pytest.UsageError("torch is missing: pip install -e '.[test,torch]'")
