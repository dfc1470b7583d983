"""The tools of this machine: which ones are there, and how to get those that are missing."""

from __future__ import annotations

import importlib.util
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from codegen import isa
from codegen.base.paths import DISTRIBUTION
from codegen.checks.host import CompilerError, find_compiler
from codegen.isa import Architecture
from qat.machine.programs import run as run_program

PACKAGES = ("qat", "codegen")
ANSWER_SECONDS = 120.0
"""In which a program tells its version, on a busy machine too; one that hangs counts as missing."""


@dataclass(frozen=True)
class Tool:
    """A thing that spikemcu needs: its name, the version found or None, and how to get it.

    extra: what it is needed for alone; None for what everybody needs
    """

    name: str
    found: str | None
    how: str
    extra: str | None = None

    @property
    def missing(self) -> bool:
        """True if it is not here and everybody needs it."""
        return self.found is None and self.extra is None


def doctor() -> list[Tool]:
    """Return every tool, whether it is there, and how to get it."""
    return [
        Tool("Python", platform.python_version(), "python.org, 3.11 or newer"),
        Tool("C compiler", _host_compiler(), "apt-get install gcc"),
        *(tool for architecture in isa.architectures() for tool in _cross_tools(architecture)),
        Tool("PlatformIO", _distribution("platformio"), "pip install 'platformio>=6.2,<7'"),
        Tool("SCons", _distribution("scons"), "pip install scons==4.11.1"),
        Tool("pySerial", _distribution("pyserial"), "pip install 'pyserial>=3.5,<4'"),
        Tool(
            "h5py",
            _distribution("h5py"),
            "pip install 'h5py>=3.10,<4'",
            "networks of other frameworks: .pt, .pth, .onnx, .h5 become NIR where they were "
            "trained, and a model by `spikemcu import`",
        ),
        Tool(
            "torch",
            _distribution("torch"),
            "pip install 'torch>=2.4,<3'",
            "training in a loop of one's own, with qat.torch",
        ),
        *(_package(name) for name in PACKAGES),
    ]


def _cross_tools(architecture: Architecture) -> tuple[Tool, ...]:
    """Return what builds for an architecture, and what emulates it."""
    name, tools = architecture.name, architecture.tools
    ours = architecture is isa.find(isa.DEFAULT_CORE).architecture
    found = {f"{name} compiler": version_of(tools.compiler)}
    if not architecture.firmware.library:
        found[f"{name} C library"] = _newlib(tools.compiler)
    found["QEMU" if ours else f"QEMU for {name}"] = version_of(tools.emulator)
    extra = None if ours else f"boards of {name}"
    return tuple(Tool(what, version, tools.install, extra) for what, version in found.items())


def version_of(name: str) -> str | None:
    """Return the version that a program prints, None if it is not on PATH or does not run."""
    path = shutil.which(name)
    if path is None:
        return None
    try:
        done = run_program([path, "--version"], seconds=ANSWER_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = re.search(r"\d+\.\d+[.\d]*", re.sub(r"\(.*?\)", "", done.stdout))
    if done.returncode or version is None:
        return None
    return version[0]


def _host_compiler() -> str | None:
    """Return name and version of the compiler that the host check uses."""
    try:
        path = find_compiler()
    except CompilerError:
        return None
    version = version_of(path)
    return None if version is None else f"{Path(path).name} {version}"


def _newlib(compiler: str) -> str | None:
    """Return the version of newlib, the C library that comes apart from Debian's compiler."""
    path = shutil.which(compiler)
    if path is None:
        return None
    command = [path, "-x", "c", "-E", "-dM", "-include", "_newlib_version.h", "/dev/null"]
    done = run_program(command)
    version = re.search(r'_NEWLIB_VERSION "([^"]+)"', done.stdout)
    return version[1] if version else None


def _distribution(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


# ------------------------------------------------------ packages of our names


def _package(name: str) -> Tool:
    """Say whether `import name` gives our package; others on PyPI have the same names."""
    foreign = foreign_package(name)
    if foreign is None:
        return Tool(f"package {name}", "ours", "")
    return Tool(
        f"package {name}",
        None,
        f"{foreign}; uninstall it, or install {DISTRIBUTION} in a virtual environment of its own",
    )


def foreign_package(name: str) -> str | None:
    """Return what stands in the way of our package `name`, or None.

    Two signs: the package is found elsewhere than beside this one, or a distribution other
    than ours has installed files of that name.
    """
    home = Path(__file__).resolve().parents[2]
    spec = importlib.util.find_spec(name)
    places = list(spec.submodule_search_locations or ()) if spec else []
    if not places:
        return f"there is no package {name} here"
    if Path(places[0]).resolve() != home / name:
        return f"another package {name} at {places[0]} hides ours"
    owners = set(metadata.packages_distributions().get(name, [])) - {DISTRIBUTION}
    if owners:
        return f"the distribution {', '.join(sorted(owners))} also installs {name}"
    return None
