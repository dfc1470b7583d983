"""Packages of PlatformIO's registry: which ones a build needs, and whether they can be had.

PlatformIO itself would try for a minute and end with an empty message.
"""

from __future__ import annotations

import configparser
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from codegen.base.errors import MissingCompilerError, MissingRegistryError, TargetError
from codegen.base.paths import assets
from codegen.target.boards import Board
from qat.machine.bounded import read_regular
from qat.machine.cache import NoCacheError, home
from qat.machine.programs import python
from qat.machine.programs import run as run_program

REGISTRY_SECONDS = 3.0
"""Time that the registry has for an answer."""
ASKING = """
import signal, sys
from platformio.__main__ import main
signal.setitimer(signal.ITIMER_REAL, float(sys.argv.pop(1)))
sys.exit(main())
"""
"""PlatformIO, ended after so many seconds: counted from when it is loaded, which takes as long on a
busy machine and says nothing about the registry."""
QUIET = {
    "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "no",
    "PLATFORMIO_DISABLE_UPGRADE_CHECK": "true",
    "PLATFORMIO_DISABLE_COLOR": "true",
}
"""Environment of a PlatformIO that only does what it is asked for."""


def needs_registry(board: Board) -> bool:
    """Return True if the board's platform comes from the registry."""
    return board.platform != board.architecture.firmware.platform


def user_core() -> Path:
    """Return PlatformIO's own folder, where the packages for boards of hardware are kept.

    They are large, and other projects of the user share them. Raises MissingRegistryError for a
    user without a home folder.
    """
    chosen = os.environ.get("PLATFORMIO_CORE_DIR")
    if chosen:
        return Path(chosen).expanduser().absolute()
    try:
        return home() / ".platformio"
    except NoCacheError:
        raise MissingRegistryError(
            "PlatformIO has no folder for its packages: the user has no home folder; set "
            "PLATFORMIO_CORE_DIR to a folder that can be written"
        ) from None


def pinned(board: Board) -> str:
    """Return the version of the board's platform that firmware/platformio.ini asks for."""
    settings = configparser.ConfigParser()
    settings.read(assets() / "firmware" / "platformio.ini")
    section = f"env:{board.name}"
    while "platform" not in settings[section]:
        section = settings[section]["extends"]
    return settings[section]["platform"].partition("@")[2]


MOST_MANIFEST = 2**20
"""Bytes of a platform's manifest that are read; they have a few thousand."""
BUILDING = ("framework-arduino*", "tool-scons*")
"""Packages without which, besides a compiler, a platform of the registry builds nothing."""


def installed(board: Board, core: Path) -> bool:
    """Return True if what builds for a board is there: compiler, framework, and its platform.

    The platform must be of the version that is asked for.
    """
    patterns = (f"{board.architecture.firmware.toolchain}*", *BUILDING)
    if not all(any((core / "packages").glob(pattern)) for pattern in patterns):
        return False
    version = pinned(board)
    for folder in (core / "platforms").glob(f"{board.platform}*"):
        try:
            manifest = json.loads(read_regular(folder / "platform.json", MOST_MANIFEST))
        except (OSError, ValueError):
            continue
        if manifest.get("name") == board.platform and version in ("", manifest.get("version")):
            return True
    return False


def answers(package: str, environment: Mapping[str, str] | None = None) -> bool:
    """Return True if the registry knows of a package, within REGISTRY_SECONDS."""
    environment = os.environ | QUIET if environment is None else environment
    command = python("-c", ASKING, str(REGISTRY_SECONDS), "pkg", "show", f"platformio/{package}")
    return not run_program(command, environment=environment).returncode


def _fetched(core: Path, package: str) -> bool:
    return (core / "packages" / package).is_dir()


def _wanted(core: Path, boards: Sequence[Board]) -> Iterator[tuple[str, TargetError]]:
    """Yield what only PlatformIO's registry can give, and the error if it does not.

    "" for what it has not either.
    """
    silent = "PlatformIO's registry, which has one, does not answer"
    for architecture in dict.fromkeys(b.architecture for b in boards if not needs_registry(b)):
        tools, toolchain = architecture.tools, architecture.firmware.toolchain
        if shutil.which(tools.compiler) or (toolchain and _fetched(core, toolchain)):
            continue
        why = f", and {silent}" if toolchain else ""
        text = f"no {tools.compiler} on PATH{why}; install it with: {tools.install}"
        yield toolchain, MissingCompilerError(text)
    if not find_spec("SCons") and not _fetched(core, "tool-scons"):
        text = f"no SCons in this Python, and {silent}; run: pip install scons==4.11.1"
        yield "tool-scons", MissingRegistryError(text)
    for board in boards:
        if needs_registry(board) and not installed(board, core):
            yield board.platform, MissingRegistryError(no_platform(board))


def no_platform(board: Board) -> str:
    """Return what to do where a board's platform is neither here nor to be had."""
    return (
        f"{board.name}: needs the platform {board.platform} {pinned(board)} and its packages from "
        "PlatformIO's registry, which does not answer. Check the network and HTTPS_PROXY; or run "
        f"`spikemcu build MODEL --board {board.name}` once where there is a network, and copy the "
        "folder that it fills, ~/.platformio, here. The emulated boards need none of it"
    )


def require_packages(core: Path, boards: Sequence[Board], environment: Mapping[str, str]) -> None:
    """Raise the error for the first package that is neither here nor to be had."""
    for package, error in _wanted(core, boards):
        if not package or not answers(package, environment):
            raise error
