"""Builds and runs what we write with the real sources of others, and prints a table.

    python tests/hardware/others.py --sources DIR [--only esp-idf] [--model MODEL.npz]

DIR holds checkouts under these names, those that are there:

    esp-idf              github.com/espressif/esp-idf
    zephyr               github.com/zephyrproject-rtos/zephyr; beside it modules/, as west lays them
    platform-ststm32     github.com/platformio/platform-ststm32, of the version in platformio.ini
    Arduino_Core_STM32   github.com/stm32duino/Arduino_Core_STM32
    CMSIS_5              github.com/ARM-software/CMSIS_5
    CMSIS-DSP            github.com/ARM-software/CMSIS-DSP
    platform-nordicnrf52 github.com/platformio/platform-nordicnrf52, likewise
    arduino-nRF5         github.com/sandeepmistry/arduino-nRF5
    platform-raspberrypi github.com/platformio/platform-raspberrypi, likewise
    ArduinoCore-mbed     github.com/arduino/ArduinoCore-mbed

with their submodules. Debian's libstdc++-arm-none-eabi-newlib has the headers of C++.

A package of a model is built as its README says, with the tools of this machine, and run where an
emulator or this machine can; the firmware is linked for boards of hardware by PlatformIO, from its
platforms and the Arduino cores, without its registry. What cannot be built is a row that says why.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import places  # first: it finds what comes next

# isort: split
from support.streaming import model_of

from codegen.base.paths import assets
from codegen.package.write import generate
from codegen.render import render
from codegen.target.boards import Board, hardware_boards
from codegen.target.registry import QUIET
from qat.model import Model

SECONDS = 1800.0
"""After which a build or a run counts as hanging."""

EXAMPLE = places.TESTS / "examples" / "mnist-256.npz"


@dataclass(frozen=True)
class Row:
    """What was tried: with which sources and their version, for what, and how it went."""

    sources: str
    version: str
    target: str
    what: str
    result: str


def run(*command: str | Path, folder: Path, **environment: str) -> str:
    """Run a command and return what it says; ValueError with its last lines if it fails."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode:
        raise ValueError(_last(done.stdout))
    return done.stdout


def _last(text: str) -> str:
    """Return the line that says what is wrong, else the last one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["it said nothing"]
    wrong = [line for line in lines if re.search(r"\berror\b|undefined ref|Error:", line)]
    return (wrong or lines[-1:])[0][:160]


def tried(work: Callable[[], str]) -> str:
    """Return what an attempt gives, or why it failed."""
    try:
        return work()
    except (ValueError, OSError, subprocess.TimeoutExpired) as error:
        return f"FAILS: {error}"


def version_of(folder: Path) -> str:
    """Return what git tells of a checkout, else its files of a version."""
    try:
        return run("git", "describe", "--tags", "--always", folder=folder).strip()
    except ValueError:
        return _told_version(folder)


def _told_version(folder: Path) -> str:
    """Return the version that a core's platform.txt tells."""
    text = folder / "platform.txt"
    found = re.search(r"^version=(\S+)", text.read_text(), re.MULTILINE) if text.exists() else None
    return found[1] if found else "not told"


# --------------------------------------------------------------------------- ESP-IDF


LINUX_TIMER = "components/esp_timer/src/esp_timer_impl_linux.c"
"""Part of versions from 6.2 on; chips have esp_timer in every one."""


def esp_idf(folder: Path, model: Model, place: Path) -> Iterator[Row]:
    """Build the projects for ESP-IDF's target linux, and run them here.

    It needs libbsd-dev, and ESP-IDF's own requirements in the environment that runs this script.
    A component whose submodule is not there must not be there either.
    """
    settings = {
        "IDF_PATH": str(folder),
        "IDF_TARGET": "linux",
        "IDF_COMPONENT_MANAGER": "0",
        "IDF_PYTHON_ENV_PATH": sys.prefix,
    }
    version = _idf_version(folder)
    for name, made, project in (
        ("vectors", model, "classify"),
        ("stream", model_of("held"), "stream"),
    ):
        package = place / f"network_{name}"
        generate(made, package, form="esp-idf")
        build = place / f"build-{name}"

        def attempt(source: Path = package / "examples" / project, build: Path = build) -> str:
            python = [f"-DPYTHON={sys.executable}", "-DPYTHON_DEPS_CHECKED=1", "-DCOMPONENTS=main"]
            where = ["-G", "Ninja", "-S", source, "-B", build]
            run("cmake", *where, *python, folder=source, **settings)
            run("cmake", "--build", build, folder=source, **settings)
            return _said(next(build.glob("*.elf")), ("vectors equal", "answers wrong 0"))

        timed = project == "classify" or (folder / LINUX_TIMER).exists()
        result = tried(attempt) if timed else "not tried: this version has no esp_timer for linux"
        yield Row("ESP-IDF", version, "linux", f"{made.name}, {name}", result)


def _idf_version(folder: Path) -> str:
    """Return the version that ESP-IDF's own file tells."""
    text = (folder / "tools" / "cmake" / "version.cmake").read_text()
    return ".".join(re.findall(r"IDF_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", text)[:3])


def _said(program: Path, wanted: tuple[str, ...]) -> str:
    """Run a program that may not end by itself; return its line that has what is wanted."""
    with subprocess.Popen(
        [str(program)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if any(piece in line for piece in wanted):
                    return f"runs: {line.strip()}"
        finally:
            process.kill()
    raise ValueError(f"{program.name} ended without {' or '.join(wanted)}")


# ---------------------------------------------------------------------------- Zephyr

EMULATED = (
    "qemu_cortex_m0",
    "qemu_cortex_m3",
    "mps2/an385",
    "mps2/an521/cpu0",
    "mps3/corstone300/an547",
)
"""Boards of Zephyr that QEMU emulates; older ones are called mps2_an385 and so on."""
OLDER = {
    "mps2/an385": "mps2_an385",
    "mps2/an521/cpu0": "mps2_an521",
    "mps3/corstone300/an547": "mps3_an547",
}


def zephyr(folder: Path, model: Model, place: Path) -> Iterator[Row]:
    """Build the sample for the boards that QEMU emulates, and run it there."""
    package = place / "zephyr"
    generate(model, package, form="zephyr")
    version = _zephyr_version(folder)
    modules = ";".join(
        str(path.parent.parent) for path in folder.parent.glob("modules/**/zephyr/module.yml")
    )
    settings = {
        "ZEPHYR_BASE": str(folder),
        "ZEPHYR_TOOLCHAIN_VARIANT": "cross-compile",
        "CROSS_COMPILE": str(
            Path(shutil.which("arm-none-eabi-gcc") or "").parent / "arm-none-eabi-"
        ),
    }
    new = tuple(map(int, version.split(".")[:2])) >= (3, 7)
    for name in EMULATED:
        board = name if new else OLDER.get(name, name)
        build = place / f"build-{board.replace('/', '-')}"

        def attempt(board: str = board, build: Path = build) -> str:
            source = package / "samples" / "classify"
            run("cmake", "-G", "Ninja", "-S", source, "-B", build, f"-DBOARD={board}",
                f"-DZEPHYR_MODULES={modules}", folder=source, **settings)  # fmt: skip
            run("cmake", "--build", build, folder=source, **settings)
            return _until(build, "vectors equal", settings)

        yield Row("Zephyr", version, board, f"{model.name}, vectors", tried(attempt))


def _zephyr_version(folder: Path) -> str:
    fields = dict(re.findall(r"(\w+) = (\S*)", (folder / "VERSION").read_text()))
    return ".".join(
        fields.get(name, "0") for name in ("VERSION_MAJOR", "VERSION_MINOR", "PATCHLEVEL")
    )


def _until(build: Path, wanted: str, settings: Mapping[str, str]) -> str:
    """Start the emulator by the build's own target, which does not end, up to a line."""
    command = ["cmake", "--build", str(build), "--target", "run"]
    with subprocess.Popen(
        command, env=os.environ | dict(settings), stdin=subprocess.DEVNULL, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if wanted in line:
                    return f"runs: {line.strip()}"
        finally:
            os.killpg(process.pid, 9)
    raise ValueError(f"the emulator ended without {wanted}")


# --------------------------------------------------------------------- Arduino cores

CORES: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "ststm32": (
        ("Arduino_Core_STM32", "framework-arduinoststm32", "4.21200.0"),
        ("CMSIS_5", "framework-cmsis", "2.60300.0"),
        ("CMSIS-DSP", "framework-cmsis-dsp", "1.16.2"),
    ),
    "nordicnrf52": (
        ("arduino-nRF5", "framework-arduinonordicnrf5", "1.800.0"),
        ("CMSIS_5", "framework-cmsis", "2.50700.0"),
    ),
    "raspberrypi": (("ArduinoCore-mbed", "framework-arduino-mbed", "4.5.0"),),
}
"""For each of PlatformIO's platforms: folder, its package's name, and a version that it takes."""

UNUSED = {
    "nordicnrf52": (("tool-sreccat", "1.164.0"), ("tool-nrfjprog", "1.90702.0")),
    "raspberrypi": (("tool-rp2040tools", "1.0.2"),),
}
"""Packages that a platform wants and a link does not use: they stay empty."""

COMPILERS = {"ststm32": "1.120301.0", "nordicnrf52": "1.70201.0", "raspberrypi": "1.90201.0"}
"""Versions of PlatformIO's compiler that platforms ask for; this machine's stands in for any."""


def arduino(sources: Path, model: Model, place: Path) -> Iterator[Row]:
    """Link the firmware for every board whose platform and core are there."""
    model_folder = place / "lib" / "model"
    firmware = assets() / "firmware"
    shutil.copytree(firmware / "lib" / "model", model_folder, ignore=shutil.ignore_patterns("src"))
    (model_folder / "src").mkdir()
    for name, text in render(model).items():
        (model_folder / "src" / name).write_text(text)
    for platform, packages in CORES.items():
        needed = [f"platform-{platform}", *(folder for folder, *_ in packages)]
        missing = [name for name in needed if not (sources / name).is_dir()]
        if missing:
            yield Row(
                f"Arduino, {platform}", "", "", "firmware", f"not tried: no {', '.join(missing)}"
            )
            continue
        core = place / f"core-{platform}"
        _core(core, sources, platform, packages)
        version = version_of(sources / packages[0][0])
        for board in hardware_boards().values():
            if board.platform == platform:
                result = tried(lambda board=board, core=core: _linked(board, core, place))
                yield Row(packages[0][0], version, board.name, f"{model.name}, firmware", result)


def _core(
    core: Path, sources: Path, platform: str, packages: tuple[tuple[str, str, str], ...]
) -> None:
    """Lay PlatformIO's folder: the platform, packages made of checkouts, this machine's tools."""
    _package(core / "platforms" / platform, sources / f"platform-{platform}", platform, None)
    for folder, name, version in packages:
        _package(core / "packages" / name, sources / folder, name, version)
    tools = core / "packages" / "toolchain-gccarmnoneeabi"
    (tools / "bin").mkdir(parents=True)
    for tool in Path("/usr/bin").glob("arm-none-eabi-*"):
        (tools / "bin" / tool.name).symlink_to(tool)
    _manifest(tools, "toolchain-gccarmnoneeabi", COMPILERS[platform])
    for name, wanted in UNUSED.get(platform, ()):
        (core / "packages" / name).mkdir()
        _manifest(core / "packages" / name, name, wanted)
    shim = assets() / "firmware" / "platform" / "tool-scons"
    _package(core / "packages" / "tool-scons", shim, "tool-scons", "4.41101.0")


def _package(target: Path, source: Path, name: str, version: str | None) -> None:
    """Make a package of PlatformIO of a checkout: links to what it holds, and a manifest."""
    target.mkdir(parents=True)
    for entry in source.iterdir():
        if entry.name not in ("package.json", ".git", ".piopm"):
            (target / entry.name).symlink_to(entry)
    known = version or json.loads((source / "platform.json").read_text())["version"]
    _manifest(target, name, known, "tool" if version else "platform")


def _manifest(target: Path, name: str, version: str, kind: str = "tool") -> None:
    spec = {"owner": "platformio", "id": None, "name": name, "requirements": None, "uri": None}
    told = {"type": kind, "name": name, "version": version, "spec": spec}
    (target / ".piopm").write_text(json.dumps(told))
    if kind == "tool":
        (target / "package.json").write_text(json.dumps({"name": name, "version": version}))


def _linked(board: Board, core: Path, place: Path) -> str:
    """Link the firmware for a board; return its size as PlatformIO tells it."""
    settings = QUIET | {
        "PLATFORMIO_CORE_DIR": str(core),
        "PLATFORMIO_WORKSPACE_DIR": str(place / "work"),
        "PLATFORMIO_LIB_DIR": str(place / "lib"),
    }
    command = [
        sys.executable,
        "-m",
        "platformio",
        "run",
        "-d",
        assets() / "firmware",
        "-e",
        board.name,
    ]
    said = run(*command, folder=place, **settings)
    sizes = re.findall(r"(RAM|Flash): .*?used (\d+) bytes from (\d+) bytes", said)
    return "links: " + ", ".join(f"{what} {used} of {most}" for what, used, most in sizes)


# ------------------------------------------------------------------------------ all


def rows(sources: Path, model: Model, only: str | None) -> Iterator[Row]:
    """Try everything that the folder has."""
    with tempfile.TemporaryDirectory(prefix="others-") as name:
        place = Path(name)
        for kind, work in (("esp-idf", esp_idf), ("zephyr", zephyr)):
            if only in (None, kind):
                folder = sources / kind
                if folder.is_dir():
                    yield from work(folder, model, place)
                else:
                    yield Row(kind, "", "", "", f"not tried: no {kind}")
        if only in (None, "arduino"):
            yield from arduino(sources, model, place)


def main() -> None:
    """Try, and print a table of Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sources", type=Path, required=True, metavar="DIR")
    parser.add_argument("--only", choices=("esp-idf", "zephyr", "arduino"))
    parser.add_argument("--model", default=str(EXAMPLE), metavar="MODEL.npz")
    arguments = parser.parse_args()
    print("| sources | version | target | what | result |\n|---|---|---|---|---|", flush=True)
    for row in rows(arguments.sources.resolve(), Model.load(arguments.model), arguments.only):
        line = f"| {row.sources} | {row.version} | {row.target} | {row.what} | {row.result} |"
        print(line, flush=True)


if __name__ == "__main__":
    main()
