"""Whether PlatformIO's registry answers in time."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from codegen.target import registry

STAND_IN = "import time\n\ntime.sleep({loading})\n\n\ndef main():\n    time.sleep({asking})\n"
"""A PlatformIO that takes so long to load, and so long for an answer."""


@pytest.mark.parametrize(("loading", "asking", "in_time"), [(4, 0, True), (0, 600, False)])
def test_time_counts_from_when_platformio_is_loaded(
    loading: int,
    asking: int,
    in_time: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    package = tmp_path / "platformio"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(STAND_IN.format(loading=loading, asking=asking))
    monkeypatch.setattr(registry, "REGISTRY_SECONDS", 3.0)
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    assert registry.answers("ststm32", environment) is in_time
