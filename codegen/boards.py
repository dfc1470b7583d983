"""The boards: one JSON file each, in PlatformIO's format and with what we need beside it."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codegen.errors import UnknownBoardError
from codegen.paths import assets


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
    machine:    QEMU's name of the machine
    cpuid_part: part number that the core's CPUID register gives
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


def board_from_json(name: str, data: dict[str, Any]) -> Board:
    """Return the Board of a parsed JSON file, or raise ValueError naming what is missing."""
    try:
        build, upload, qemu = data["build"], data["upload"], data["qemu"]
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
            cpuid_part=int(qemu["cpuid_part"], 16),
        )
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"board {name}: its JSON lacks or breaks a field ({error!r})") from None


def load_boards(folder: Path | None = None) -> dict[str, Board]:
    """Return every board by name, ordered by core; by default those of this package."""
    folder = assets() / "boards" if folder is None else folder
    boards = []
    for path in folder.glob("*.json"):
        try:
            data = json.loads(path.read_text())
        except ValueError as error:
            raise ValueError(f"board {path.stem}: its JSON cannot be read ({error})") from None
        boards.append(board_from_json(path.stem, data))
    boards.sort(key=lambda board: (int(board.core.rsplit("m", 1)[-1]), board.name))
    return {board.name: board for board in boards}


def find_board(name: str | Board) -> Board:
    """Return the board called `name`, or raise UnknownBoardError naming the near ones."""
    if isinstance(name, Board):
        return name
    boards = load_boards()
    if name in boards:
        return boards[name]
    near = difflib.get_close_matches(name, boards, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(boards)}"
    raise UnknownBoardError(f"board: found {name!r}; {hint}")


def find_boards(names: str | Board | Iterable[str | Board]) -> tuple[Board, ...]:
    """Return the boards called by a name, by several, or by "all"."""
    if names == "all":
        return tuple(load_boards().values())
    if isinstance(names, str | Board):
        return (find_board(names),)
    return tuple(find_board(name) for name in names)
