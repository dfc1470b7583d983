"""The boards on which costs are measured: an emulated one for each core of every architecture."""

from __future__ import annotations

from codegen import isa
from codegen.target.boards import Board, find_board, further_boards, load_boards


def boards(name: str = "all") -> tuple[Board, ...]:
    """Return a board by its name, or all."""
    every = (*load_boards().values(), *further_boards().values())
    return every if name == "all" else (find_board(name),)


def first_of_sets(name: str = "all") -> tuple[Board, ...]:
    """Return of these one for each instruction set: the others' costs are the same."""
    return tuple(b for b in boards(name) if isa.find(b.core).cores[0] == b.core)
