"""The doctor: what is there, what lacks, and packages of our names that are not ours."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from codegen.base.paths import assets
from codegen.target.doctor import doctor, foreign_package

NAMES = [
    "Python",
    "C compiler",
    "ARM compiler",
    "ARM C library",
    "QEMU",
    "RISC-V compiler",
    "QEMU for RISC-V",
    "PlatformIO",
    "SCons",
    "pySerial",
    "h5py",
    "torch",
    "package qat",
    "package codegen",
]


@pytest.mark.target
def test_everything_is_there() -> None:
    tools = {tool.name: tool for tool in doctor()}
    assert list(tools) == NAMES
    missing = [tool.name for tool in tools.values() if tool.found is None]
    assert set(missing) <= {"torch"}  # an extra that ordinary tests do without
    assert int(str(tools["QEMU"].found).split(".", maxsplit=1)[0]) >= 5
    assert int(str(tools["ARM compiler"].found).split(".", maxsplit=1)[0]) >= 7


def test_nothing_is_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    tools = {tool.name: tool for tool in doctor()}
    for name in ("C compiler", "ARM compiler", "ARM C library", "QEMU"):
        assert tools[name].missing
        assert "apt-get install" in tools[name].how
    for name in ("RISC-V compiler", "QEMU for RISC-V"):  # nobody has to have these boards
        assert tools[name].found is None
        assert not tools[name].missing
        assert "apt-get install" in tools[name].how


def test_a_program_that_does_not_run_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "qemu-system-arm"
    program.write_text("#!/nowhere/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert {tool.name: tool for tool in doctor()}["QEMU"].found is None


def test_our_packages_are_ours() -> None:
    assert foreign_package("qat") is None
    assert foreign_package("codegen") is None


def test_a_package_that_hides_ours(tmp_path: Path) -> None:
    """A real one: a folder qat that comes first on the path of another Python."""
    (tmp_path / "qat").mkdir()
    (tmp_path / "qat" / "__init__.py").write_text("")
    code = f"""
import sys
sys.path.insert(0, {str(assets())!r})
import codegen.target.doctor
sys.path.insert(0, {str(tmp_path)!r})
for name in [n for n in sys.modules if n.split('.')[0] == 'qat']:
    del sys.modules[name]
print(codegen.target.doctor.foreign_package('qat'))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"another package qat at {tmp_path}/qat hides ours"


def test_a_distribution_that_installs_our_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Distribution metadata as pip writes it; the later install overwrote files of the earlier."""
    info = tmp_path / "stranger-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    (info / "top_level.txt").write_text("qat\n")
    (info / "RECORD").write_text("qat/__init__.py,,\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    assert foreign_package("qat") == "the distribution stranger also installs qat"
    assert foreign_package("codegen") is None
