"""The figures of the board files: each names its source, and PlatformIO's own files agree."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from codegen.base.paths import assets
from codegen.target.boards import (
    Board,
    chip_boards,
    emulated_boards,
    find_boards,
    hardware_boards,
    load_boards,
)
from codegen.target.registry import user_core

FIGURES = {
    "mcu",
    "flash",
    "ram",
    "clock_hz",
    "core_flags",
    "cpuid_part",
    "upload",
    "usb",
    "bootloader",
}
"""What a board of hardware says, beside the wait states, which have a source of their own."""

OF_THE_CORES = {
    "nucleo_l476rg": {"ram": 98_304},
    "bbcmicrobit_v2": {"ram": 131_072},
    "nucleo_u575zi_q": {"ram": 786_432},
    "nucleo_h743zi": {"clock_hz": 480_000_000},
    "nucleo_l552ze_q": {"clock_hz": 110_000_000},
    "pico": {"clock_hz": 125_000_000},
}
"""Where PlatformIO's board file, the chip and the Arduino core are easily confused: the core's."""

FASTER = {"nucleo_h743zi": 400_000_000, "nucleo_l552ze_q": 80_000_000, "pico": 133_000_000}
"""The clocks of PlatformIO's board files that the cores change."""

OTHER_SCRIPT = {"nrf52840_dk"}
"""Boards whose board file names a linker script that gives less than it says itself."""


def data(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        (assets() / "boards" / "hardware" / f"{name}.json").read_text()
    )
    return found


# ------------------------------------------------------------------- sources


@pytest.mark.parametrize("name", hardware_boards())
def test_every_figure_names_its_source(name: str) -> None:
    sources = dict(hardware_boards()[name].sources)
    assert set(sources) == FIGURES
    assert all(re.search(r"[A-Za-z].{8}", source) for source in sources.values())


@pytest.mark.parametrize("name", hardware_boards())
def test_a_source_of_the_platform_is_of_the_version_that_is_built_with(name: str) -> None:
    board, text = hardware_boards()[name], (assets() / "firmware" / "platformio.ini").read_text()
    pinned = re.search(rf"^platform = {board.platform}@(\S+)$", text, re.MULTILINE)
    assert pinned
    named = f"platform-{board.platform} {pinned[1]}, boards/{name}.json"
    assert data(name)["sources"]["flash"].startswith(named)
    assert data(name)["sources"]["mcu"].startswith(named)


@pytest.mark.parametrize("name", chip_boards())
def test_an_emulated_chip_names_its_sources(name: str) -> None:
    found = json.loads((assets() / "boards" / f"{name}.json").read_text())
    assert set(dict(chip_boards()[name].sources)) == {"flash", "ram", "clock_hz", "uart"}
    assert all("QEMU" in found["sources"][key] for key in ("flash", "ram", "clock_hz"))
    assert chip_boards()[name].chip == found["build"]["mcu"]


@pytest.mark.parametrize("name", OF_THE_CORES)
def test_the_figures_are_those_that_the_core_builds_with(name: str) -> None:
    board = hardware_boards()[name]
    assert {key: getattr(board, key) for key in OF_THE_CORES[name]} == OF_THE_CORES[name]


def test_flags_are_those_of_the_cores() -> None:
    """The STM32 core has one FPU for all its chips; two of three nRF52 cores pass floats in r0."""
    for name, board in hardware_boards().items():
        flags = set(board.core_flags)
        if board.platform == "ststm32" and board.core in ("cortex-m4", "cortex-m7", "cortex-m33"):
            assert {"-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"} <= flags, name
        if board.platform == "nordicnrf52":
            assert {"-mfpu=fpv4-sp-d16", "-mfloat-abi=softfp"} <= flags, name


def test_only_chips_with_usb_in_their_rom_wait_as_dfu() -> None:
    with_dfu = {
        name for name in hardware_boards() if "0483:df11" in data(name)["bootloader"]["usb"]
    }
    assert with_dfu == {name for name in hardware_boards() if name.startswith("nucleo_")}


# ------------------------------------------------------- what PlatformIO knows


def differences(board: Board, known: dict[str, Any]) -> list[str]:
    """Return in what a board differs from PlatformIO's own file of it, but for what is meant to."""
    upload, build = known["upload"], known["build"]
    ours: dict[str, Any] = {"mcu": board.chip, "cpu": board.core}
    theirs = {key: build[key] for key in ours}
    ours["f_cpu"] = FASTER.get(board.name, board.clock_hz)
    theirs["f_cpu"] = int(build["f_cpu"].rstrip("L"))
    if board.name not in OTHER_SCRIPT:
        ours |= {"flash": board.flash, "ram": board.ram}
        theirs |= {"flash": upload["maximum_size"], "ram": upload["maximum_ram_size"]}
    assert board.hardware is not None
    ours["upload"], theirs["upload"] = board.hardware.protocol, upload["protocol"]
    return [f"{key}: {ours[key]}, not {theirs[key]}" for key in ours if ours[key] != theirs[key]]


def board_files(core: Path) -> dict[str, dict[str, Any]]:
    """Return what the platforms in a PlatformIO folder say of our boards, {name: parsed file}."""
    paths = core.glob("platforms/*/boards/*.json")
    return {p.stem: json.loads(p.read_text()) for p in paths if p.stem in hardware_boards()}


def installed(folder: Path, board: Board) -> Path:
    """Make a PlatformIO folder whose platform knows a board as we do."""
    path = folder / "platforms" / board.platform / "boards" / f"{board.name}.json"
    path.parent.mkdir(parents=True)
    assert board.hardware is not None
    hz = FASTER.get(board.name, board.clock_hz)
    build = {"mcu": board.chip, "cpu": board.core, "f_cpu": f"{hz}L"}
    upload = {"maximum_size": board.flash, "maximum_ram_size": board.ram,
              "protocol": board.hardware.protocol}  # fmt: skip
    path.write_text(json.dumps({"build": build, "upload": upload}))
    return folder


@pytest.mark.parametrize("name", hardware_boards())
def test_a_difference_from_platformio_is_found(name: str, tmp_path: Path) -> None:
    board = hardware_boards()[name]
    known = board_files(installed(tmp_path, board))
    assert differences(board, known[name]) == []
    other = replace(board, ram=board.ram + 1, chip="another", clock_hz=1)
    found = {line.partition(":")[0] for line in differences(other, known[name])}
    seen = {"mcu", "f_cpu", "ram"} - ({"f_cpu"} if name in FASTER else set())
    assert found == seen - ({"ram"} if name in OTHER_SCRIPT else set())


def test_the_boards_are_as_the_installed_platforms_know_them() -> None:
    """Of those that this machine has: it may have none, and then the test above speaks."""
    known = board_files(user_core())
    found = {name: differences(hardware_boards()[name], file) for name, file in known.items()}
    assert not any(found.values()), found


# ---------------------------------------------------------- chips in an emulator


def test_the_emulated_chips_stand_beside_the_six_cores() -> None:
    chips = chip_boards()
    assert {
        name: (board.core, board.machine, board.flash, board.ram) for name, board in chips.items()
    } == {
        "qemu-f100": ("cortex-m3", "stm32vldiscovery", 128 * 1024, 8 * 1024),
        "qemu-f405": ("cortex-m4", "netduinoplus2", 1024 * 1024, 128 * 1024),
    }
    assert not set(chips) & set(load_boards())
    assert find_boards("all") == tuple(load_boards().values())
    assert find_boards("qemu-f100") == (chips["qemu-f100"],)


def test_a_chip_with_little_ram_has_short_frames() -> None:
    boards = emulated_boards()
    sizes = {name: (board.stack, board.frame) for name, board in boards.items()}
    assert sizes.pop("qemu-f100") == (2048, 256)
    assert sizes.pop("qemu-m0-16k-4k")[0] == 1024  # and it has no frames
    assert set(sizes.values()) == {(4096, 1024)}
