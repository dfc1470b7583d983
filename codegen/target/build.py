"""Build firmware with PlatformIO, in the user's cache.

    cache/projects/<version>-<hash of the assets>/    firmware, boards, and PlatformIO's core
    cache/models/<hash of all that decides>/          lib/model, and one <board>.elf each

The project is copied once per version and never written to by a build; a model has a library
folder and a build folder of its own. What is there is whole: files appear by renaming, what is
copied is compared with its source, and what is built has its hash beside it; damaged, it is made
again. Where the path of the cache is not plain, a build happens elsewhere (codegen.target.shelter).
Builds of one project take turns, because PlatformIO's core folder is theirs in common.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from codegen import isa
from codegen.base.errors import (
    BuildError,
    MissingRegistryError,
    TooLargeError,
    UploadError,
)
from codegen.base.kept import files_below, is_sealed, keep, move_sealed
from codegen.base.paths import assets, cache_dir, locked
from codegen.base.version import __version__
from codegen.isa import Architecture
from codegen.target.boards import Board, find_board, find_boards
from codegen.target.registry import QUIET, needs_registry, require_packages, user_core
from codegen.target.shelter import Places, require_plain, sheltered
from qat.machine.cache import CHOOSE
from qat.machine.programs import python
from qat.machine.programs import run as run_program
from qat.model import unwritable

BUILD_SECONDS = 3600.0
"""One firmware takes some seconds; a busy machine and a download of tools may take their time."""
MODEL = Path("lib") / "model"
TOPS = ("firmware", "boards")

NO_REGISTRY = re.compile(
    r"HTTPClientError|InternetConnectionError|UnknownPackageError|Could not (find|install) the"
)
TOO_LARGE = re.compile(
    r"The (program|data) size \((\d+) bytes\) is greater than maximum allowed \((\d+) bytes\)"
)
UPLOAD = "*** [upload]"
"""What SCons says when the uploader fails."""
UPLOAD_LINES = 3
OVERFLOW = re.compile(r"region `(\w+)' overflowed by (\d+) bytes")


# ------------------------------------------------------------------- hashing


def _hash(parts: Iterable[bytes]) -> str:
    """Return 24 hex digits over parts, each counted with its length."""
    h = hashlib.sha256()
    for part in parts:
        h.update(len(part).to_bytes(8, "little") + part)
    return h.hexdigest()[:24]


def _asset_files(folder: Path) -> dict[str, bytes]:
    """Return {name: content} of firmware and boards, but for the example model."""
    example = Path("firmware") / MODEL / "src"
    names = [name for name in files_below(folder, TOPS) if not name.is_relative_to(example)]
    return {str(name): (folder / name).read_bytes() for name in names}


def _compiler_mark(architecture: Architecture) -> bytes:
    """Return what tells one system compiler from another; nothing if there is none."""
    path = shutil.which(architecture.tools.compiler)
    if path is None:
        return b"registry"
    status = os.stat(path)
    return f"{os.path.realpath(path)} {status.st_size} {status.st_mtime_ns}".encode()


# ------------------------------------------------------------------- project


def _lock(project: Path) -> Path:
    """Return the file that whoever builds with a project holds."""
    return project.with_name(f"{project.name}.lock")


def _project() -> Path:
    """Return the cached copy of firmware and boards, made now if it is not there and whole."""
    files = _asset_files(assets())
    parts = [part for name, data in files.items() for part in (os.fsencode(name), data)]
    target = cache_dir() / "projects" / f"{__version__}-{_hash(parts)}"
    keep(target, files, _lock(target))
    return target


def _model(project: Path, files: Mapping[str, str], flags: Sequence[str]) -> Path:
    """Return the folder of a model's library and ELF files, made now if it is not there."""
    content = {name: text.encode() for name, text in sorted(files.items())}
    pairs = [part for name, text in content.items() for part in (name.encode(), text)]
    marks = [_compiler_mark(architecture) for architecture in isa.architectures()]
    key = _hash([project.name.encode(), *marks, *(flag.encode() for flag in flags), b"", *pairs])
    target = cache_dir() / "models" / key
    library = (project / "firmware" / MODEL / "library.json").read_bytes()
    sources = {str(MODEL / "src" / name): text for name, text in content.items()}
    keep(target, {str(MODEL / "library.json"): library, **sources}, _lock(project))
    return target


# --------------------------------------------------------------------- build


def build(
    files: Mapping[str, str],
    boards: str | Board | Iterable[str | Board] = "all",
    *,
    flags: Sequence[str] = (),
) -> dict[str, Path]:
    """Build firmware around generated files and return the ELF file of each board by name.

    files: the generated pair and binding.h, {file name: text}
    flags: compiler options on top of the project's own

    What was built before, by the same version from the same files, and is whole, is returned at
    once. Raises NoCacheError, UnknownBoardError, MissingCompilerError, MissingRegistryError,
    TooLargeError or BuildError.
    """
    chosen = find_boards(boards)
    project, model = _folders(files, flags)
    elves = {board.name: model / f"{board.name}.elf" for board in chosen}
    if all(map(is_sealed, elves.values())):
        return elves
    with locked(_lock(project)):
        missing = [board for board in chosen if not is_sealed(elves[board.name])]
        for remote in (False, True):  # the two kinds have PlatformIO folders of their own
            group = [board for board in missing if needs_registry(board) == remote]
            if group:
                _run_platformio(project, model, group, flags)
    return elves


def upload(
    files: Mapping[str, str],
    board: str | Board,
    port: str | None = None,
    *,
    flags: Sequence[str] = (),
) -> Path:
    """Build firmware, write it to the board through PlatformIO, and return its ELF file.

    port: for boards whose uploads go over their serial line; a debug probe is found without

    Raises what `build` raises, and UploadError.
    """
    board = find_board(board)
    project, model = _folders(files, flags)
    options = ["-t", "upload", *(("--upload-port", port) if port else ())]
    with locked(_lock(project)):
        _run_platformio(project, model, [board], flags, options)
    return model / f"{board.name}.elf"


def _folders(files: Mapping[str, str], flags: Sequence[str]) -> tuple[Path, Path]:
    """Return the folders of the project and of the model, made now if they are not there yet."""
    try:
        project = _project()
        return project, _model(project, files, flags)
    except OSError as error:
        raise BuildError(f"{unwritable(cache_dir(), error)}; {CHOOSE}") from None


OF_THE_USER = re.compile(r"PLATFORMIO_|SCONSFLAGS$")
"""Settings that the user has for builds of his own."""
USER_NAMES = ("LOGNAME", "USER", "LNAME", "USERNAME")


def _environment(core: Path, places: Places, flags: Sequence[str]) -> dict[str, str]:
    """Return the environment of PlatformIO: ours, and no setting that the user has for his own."""
    kept = {k: v for k, v in os.environ.items() if not OF_THE_USER.match(k)}
    folders = {
        "PLATFORMIO_CORE_DIR": str(core),
        "PLATFORMIO_WORKSPACE_DIR": str(places.model / "work"),
        "PLATFORMIO_LIB_DIR": str(places.model / "lib"),
        "TMPDIR": str(places.temporary),
    }
    flags_set = {"PLATFORMIO_BUILD_FLAGS": " ".join(flags)}
    return _who(core) | kept | QUIET | folders | flags_set


def _who(core: Path) -> dict[str, str]:
    """Return a home and a name for a user who has none, which PlatformIO asks for."""
    try:
        getpass.getuser()
    except (KeyError, OSError):  # no such variable, and no entry in the password database
        return {"HOME": str(core), USER_NAMES[0]: "spikemcu"}
    return {"HOME": str(core)}


def _run_platformio(
    project: Path,
    model: Path,
    boards: Sequence[Board],
    flags: Sequence[str],
    options: Sequence[str] = (),
) -> None:
    """Run `pio run` for these boards and move what it made to its place."""
    with sheltered(project, model, MODEL.parent) as places:
        remote = needs_registry(boards[0])
        core = user_core() if remote else places.project / "core"
        require_plain(core, "PlatformIO's own folder", "PLATFORMIO_CORE_DIR")
        environment = _environment(core, places, flags)
        require_packages(core, boards, environment)
        work = places.model / "work"
        shutil.rmtree(work, ignore_errors=True)  # of a build that was interrupted
        names = [board.name for board in boards]
        output, failed = _platformio(places.project, names, environment, options)
        for name in names:
            built = work / "build" / name / "firmware.elf"
            if built.is_file():
                move_sealed(built, model / f"{name}.elf")
        shutil.rmtree(work, ignore_errors=True)
    if failed:
        raise _failure(output.replace(f"{places.model / MODEL / 'src'}{os.sep}", ""), failed)


def _platformio(
    project: Path,
    names: Sequence[str],
    environment: Mapping[str, str],
    options: Sequence[str],
) -> tuple[str, Sequence[str]]:
    """Run `pio run` for these environments; return what it said and the names that failed."""
    command = python("-m", "platformio", "run", "-s", "-d", str(project / "firmware"), *options)
    for name in names:
        command += ["-e", name]
    try:
        done = run_program(
            command, folder=project, environment=environment, seconds=BUILD_SECONDS, merged=True
        )
    except subprocess.TimeoutExpired:
        raise BuildError(f"PlatformIO did not end within {BUILD_SECONDS:g} s") from None
    if not done.returncode:
        return done.stdout, ()
    return done.stdout, re.findall(r"^(\S+) +FAILED ", done.stdout, re.MULTILINE) or names


def _failure(output: str, boards: Sequence[str]) -> Exception:
    """Return the error that PlatformIO's output describes."""
    where = ", ".join(boards)
    overflow, too_large = OVERFLOW.search(output), TOO_LARGE.search(output)
    if overflow:
        region, over = overflow[1], overflow[2]
        return TooLargeError(f"{where}: model and firmware exceed the {region} by {over} bytes")
    if too_large:
        what, size, most = too_large.groups()
        over = str(int(size) - int(most))
        return TooLargeError(f"{where}: model and firmware exceed the {what} by {over} bytes")
    errors = [line for line in output.splitlines() if re.search(r"\berror\b|undefined ref", line)]
    if not errors and NO_REGISTRY.search(output):
        architectures = dict.fromkeys(find_board(name).architecture for name in boards)
        install = "; ".join(each.tools.install for each in architectures)
        return MissingRegistryError(
            "PlatformIO needs a package from its registry and cannot get it; the emulated boards "
            f"need none once these are there: {install}; pip install scons==4.11.1"
        )
    if not errors and UPLOAD in output:
        return UploadError(_upload_failure(where, output))
    lines = errors[:5] or [line for line in output.splitlines() if line.strip()][-10:]
    return BuildError(f"{where}: the firmware does not build\n" + "\n".join(lines))


def _upload_failure(where: str, output: str) -> str:
    """Return the last lines of the uploader that say something, in one line, and what to do."""
    said = [line.strip() for line in output.partition(UPLOAD)[0].splitlines() if line.strip()]
    reason = " / ".join(said[-UPLOAD_LINES:]) or "the uploader says nothing"
    return (
        f"{where}: the firmware was built but not written: {reason}. Is the board connected, its "
        "debug probe free, and --port right?"
    )
