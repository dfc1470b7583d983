"""What the verbs print: text for people, one JSON object for programs."""

from __future__ import annotations

import json
import sys
import time
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qat.model import write_atomically

SECONDS_BETWEEN_LINES = 5.0
"""Least time between two lines of progress where it cannot be shown in place."""


class Output:
    """Prints to stdout, or, with --json, nothing there but the result; progress goes to stderr."""

    def __init__(self, arguments: Namespace) -> None:
        self.json = bool(arguments.json)
        self._open = False  # a progress line stands on the terminal
        self._shown = time.monotonic()  # when progress was last printed elsewhere

    def say(self, text: str = "") -> None:
        """Print a line for people."""
        self.end_progress()
        if not self.json:
            print(text, flush=True)

    def warn(self, text: str) -> None:
        """Print a line to stderr."""
        self.end_progress()
        print(text, file=sys.stderr, flush=True)

    def progress(self, text: str, last: bool = False) -> None:
        """Show progress in place on a terminal; elsewhere as a line, now and then and at last."""
        if sys.stderr.isatty():
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
            self._open = True
        elif last or time.monotonic() - self._shown > SECONDS_BETWEEN_LINES:
            print(text, file=sys.stderr, flush=True)
            self._shown = time.monotonic()
        if last:
            self.end_progress()

    def end_progress(self) -> None:
        """End the progress line."""
        if self._open:
            print(file=sys.stderr, flush=True)
            self._open = False

    def table(self, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Print a table: text to the left, numbers to the right."""
        if not self.json:
            self.end_progress()
            print(table(header, rows), flush=True)

    def result(self, values: dict[str, Any]) -> None:
        """Print the JSON object, if that was asked for."""
        if self.json:
            self.end_progress()
            print(json.dumps(values, indent=2), flush=True)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return a table as text."""
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *cells, strict=True)]
    right = [any(isinstance(row[i], int | float) for row in rows) for i in range(len(header))]

    def line(values: Sequence[str]) -> str:
        parts = [
            value.rjust(width) if to_right else value.ljust(width)
            for value, width, to_right in zip(values, widths, right, strict=True)
        ]
        return "  ".join(parts).rstrip()

    rule = "  ".join("-" * width for width in widths)
    return "\n".join([line(list(header)), rule, *(line(row) for row in cells)])


def percent(fraction: float) -> str:
    """Return 0.975 as 97.5 %."""
    return f"{100 * fraction:.1f} %"


def write_file(path: Path, data: bytes) -> None:
    """Write a file, all of it or nothing, or raise ValueError."""
    try:
        write_atomically(path, data)
    except OSError as error:
        raise ValueError(f"{path}: cannot be written ({error.strerror})") from None
