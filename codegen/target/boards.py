"""The boards: one JSON file each.

Emulated boards lie in boards/, in PlatformIO's format and with what we need beside it: one for each
core, with as much memory as any model needs, and some with the memory map of a real chip. Boards of
hardware lie in boards/hardware/, where PlatformIO does not look: it has files of its own for them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codegen import isa
from codegen.base.errors import UnknownBoardError
from codegen.base.paths import assets
from codegen.isa import Architecture
from qat.model import did_you_mean

STACK_BYTES = 4096
FRAME_BYTES = 1024
"""What an emulated board has unless its JSON says otherwise."""

LINKED, LEAN = "link", "lean"
"""The firmware that a board takes: with a link to the host, or without."""


@dataclass(frozen=True)
class Uart:
    """A serial port that QEMU emulates, and where it lies.

    kind:      "cmsdk", "nrf51", "ns16550" or "stm32"
    interrupt: line to the core of a byte that came; None if it has none, and the firmware has to
        ask again and again
    """

    kind: str
    base: int
    interrupt: int | None = None


@dataclass(frozen=True)
class Hardware:
    """What only a board of hardware has.

    wait_states: of its flash at its clock, by data sheet; conditions, source: where that holds and
        stands
    baud, via:   its serial line, and what serves it
    uploads:     True if the firmware is uploaded over that line, not through a debug probe
    protocol:    what PlatformIO uploads with, unless it is told otherwise
    usb:         ids "vendor:product" under which that shows up; none if it cannot be told
    bootloader:  ids under which the board shows up while it waits for an upload
    leave:       how to leave the bootloader
    """

    wait_states: int
    conditions: str
    source: str
    baud: int
    via: str
    uploads: bool
    protocol: str
    usb: tuple[str, ...]
    bootloader: tuple[str, ...]
    leave: str


@dataclass(frozen=True)
class Board:
    """A board that firmware is built for.

    name:       its id, the name of its JSON and of its PlatformIO environment
    title:      one line for people
    core:       such as "cortex-m4"
    core_flags: compiler options that choose core, FPU and ABI
    clock_hz:   core clock
    flash, ram: bytes
    platform:   the PlatformIO platform that builds for it
    machine:    QEMU's name of the machine; "" for hardware
    cpu:        QEMU's name of the machine's core, and its options; "" for the machine's own
    cpuid_part: part number that the core's CPUID register gives; of RISC-V bits 4 to 15 of misa
    uart:       the serial port of an emulated board
    hardware:   None for an emulated board
    chip:       whose memory map the board has; "" for a core with all memory of its machine
    lean:       True if its firmware has no link and runs test vectors from flash (target/lean.py)
    origin:     address of the flash of an emulated board
    stack:      bytes of the stack of an emulated board
    frame:      bytes of the longest frame that its firmware takes and sends
    sources:    (figure, the file or document that it was taken from); those of hardware and chips
    """

    name: str
    title: str
    core: str
    core_flags: tuple[str, ...]
    clock_hz: int
    flash: int
    ram: int
    platform: str
    machine: str
    cpuid_part: int
    uart: Uart | None = None
    hardware: Hardware | None = None
    chip: str = ""
    cpu: str = ""
    lean: bool = False
    origin: int = 0
    stack: int = STACK_BYTES
    frame: int = FRAME_BYTES
    sources: tuple[tuple[str, str], ...] = ()

    @property
    def family(self) -> str:
        """The core whose instruction counts hold: the Cortex-M0+ executes the Cortex-M0's."""
        return self.core.removesuffix("plus")

    @property
    def architecture(self) -> Architecture:
        """What builds for it, emulates it and reads its machine code."""
        return isa.find(self.core).architecture


def board_from_json(name: str, data: dict[str, Any]) -> Board:
    """Return the emulated Board of a parsed file, or raise ValueError naming what is missing."""
    return _parsed(name, _emulated, data)


def hardware_from_json(name: str, data: dict[str, Any]) -> Board:
    """Return the Board of a parsed file of boards/hardware, or raise ValueError."""
    return _parsed(name, _hardware, data)


def _parsed(
    name: str, parse: Callable[[str, dict[str, Any]], Board], data: dict[str, Any]
) -> Board:
    try:
        return parse(name, data)
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"board {name}: its JSON lacks or breaks a field ({error!r})") from None


def _emulated(name: str, data: dict[str, Any]) -> Board:
    build, upload, qemu = data["build"], data["upload"], data["qemu"]
    uart = qemu["uart"]
    return Board(
        name=name,
        title=data["name"],
        core=build["cpu"],
        core_flags=tuple(build["core_flags"].split()),
        clock_hz=int(build["f_cpu"].rstrip("L")),
        flash=int(upload["maximum_size"]),
        ram=int(upload["maximum_ram_size"]),
        platform=data["platforms"][0],
        machine=qemu["machine"],
        cpu=qemu.get("cpu", ""),
        lean=build.get("firmware", LINKED) == LEAN,
        origin=int(build["flash_origin"], 16),
        cpuid_part=int(qemu["cpuid_part"], 16),
        uart=Uart(uart["kind"], int(uart["base"], 16), uart.get("interrupt")),
        chip=qemu.get("chip", ""),
        stack=int(build.get("stack_size", STACK_BYTES)),
        frame=int(build.get("frame_bytes", FRAME_BYTES)),
        sources=tuple(data.get("sources", {}).items()),
    )


def _hardware(name: str, data: dict[str, Any]) -> Board:
    waits, serial, bootloader = data["wait_states"], data["serial"], data["bootloader"]
    return Board(
        name=name,
        title=data["name"],
        core=data["core"],
        core_flags=tuple(data["core_flags"].split()),
        clock_hz=int(data["clock_hz"]),
        flash=int(data["flash"]),
        ram=int(data["ram"]),
        platform=data["platform"],
        machine="",
        chip=data["mcu"],
        cpuid_part=int(data["cpuid_part"], 16),
        hardware=Hardware(
            wait_states=int(waits["flash"]),
            conditions=waits["conditions"],
            source=waits["source"],
            baud=int(serial["baud"]),
            via=serial["via"],
            uploads=bool(serial["uploads"]),
            protocol=data["upload"],
            usb=tuple(serial["usb"]),
            bootloader=tuple(bootloader["usb"]),
            leave=bootloader["leave"],
        ),
        sources=tuple(data["sources"].items()),
    )


def _load(folder: Path, parse: Callable[[str, dict[str, Any]], Board]) -> dict[str, Board]:
    boards = []
    for path in folder.glob("*.json"):
        try:
            data = json.loads(path.read_text("utf-8"))
        except ValueError as error:
            raise ValueError(f"board {path.stem}: its JSON cannot be read ({error})") from None
        boards.append(parse(path.stem, data))
    boards.sort(key=lambda board: (*_place(board.family), board.core, board.name))
    return {board.name: board for board in boards}


def _place(core: str) -> tuple[str, int]:
    """Return where a core stands in the order of all: by the number that its name ends in."""
    name, number = re.fullmatch(r"(.*?)(\d*)", core).groups()  # type: ignore[union-attr]  # any does
    return name, int(number or 0)


def load_boards(folder: Path | None = None) -> dict[str, Board]:
    """Return an emulated board for each core of ARM by name; by default those of this package.

    More exactly, of the architecture for whose core kernels are chosen where none is named.
    """
    return {name: board for name, board in _cores(folder).items() if _usual(board)}


def further_boards(folder: Path | None = None) -> dict[str, Board]:
    """Return an emulated board for each core of other architectures, by name."""
    return {name: board for name, board in _cores(folder).items() if not _usual(board)}


def _usual(board: Board) -> bool:
    return board.architecture is isa.find(isa.DEFAULT_CORE).architecture


def _cores(folder: Path | None) -> dict[str, Board]:
    return {name: board for name, board in _emulated_boards(folder).items() if not board.chip}


def chip_boards(folder: Path | None = None) -> dict[str, Board]:
    """Return every emulated board that has the memory map of a real chip, by name."""
    found = _emulated_boards(folder).items()
    return {name: board for name, board in found if board.chip and not board.lean}


def lean_boards(folder: Path | None = None) -> dict[str, Board]:
    """Return every emulated board whose firmware has no link, by name."""
    return {name: board for name, board in _emulated_boards(folder).items() if board.lean}


def _emulated_boards(folder: Path | None) -> dict[str, Board]:
    return _load(assets() / "boards" if folder is None else folder, board_from_json)


def hardware_boards(folder: Path | None = None) -> dict[str, Board]:
    """Return every board of hardware by name, ordered by core; by default those of this package."""
    folder = assets() / "boards" / "hardware" if folder is None else folder
    return _load(folder, hardware_from_json)


def emulated_boards() -> dict[str, Board]:
    """Return every emulated board by name: the cores of ARM, chips, further cores."""
    return load_boards() | chip_boards() | lean_boards() | further_boards()


def all_boards() -> dict[str, Board]:
    """Return every board by name, in the order in which they are listed."""
    return emulated_boards() | hardware_boards()


def find_board(name: str | Board) -> Board:
    """Return the board called `name`, or raise UnknownBoardError naming the near ones."""
    if isinstance(name, Board):
        return name
    boards = all_boards()
    if name in boards:
        return boards[name]
    hint = did_you_mean(name, boards) or f"; there are {', '.join(boards)}"
    raise UnknownBoardError(f"board: found {name!r}{hint}")


def find_boards(names: str | Board | Iterable[str | Board]) -> tuple[Board, ...]:
    """Return the boards called by a name, by several, or by "all": one for each core of ARM."""
    if names == "all":
        return tuple(load_boards().values())
    if isinstance(names, str | Board):
        return (find_board(names),)
    return tuple(find_board(name) for name in names)
