"""What the verbs print: text for people, one JSON object for programs."""

from __future__ import annotations

import json
import sys
import threading
import time
import weakref
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from codegen.cli.printable import printable
from qat.model import write_atomically

SECONDS_OF_SILENCE = 2.0
"""After so long a verb that has printed nothing says what it is doing."""
SECONDS_BETWEEN_LINES = 5.0
"""Least time between two lines of progress where it cannot be shown in place."""
SECONDS_BETWEEN_LOOKS = 0.25


class Output:
    """Prints to stdout, or, with --json, nothing there but the result; progress goes to stderr.

    All text passes through `printable`: words of files reach no terminal as control codes.

    Whatever a verb does, silence ends after SECONDS_OF_SILENCE: what it last said that it is
    doing is printed then, by a thread that ends with the Output.
    """

    def __init__(self, arguments: Namespace) -> None:
        self.json = bool(arguments.json)
        self._lock = threading.RLock()
        self._open = False  # a progress line stands on the terminal
        self._idle = f"spikemcu {getattr(arguments, 'verb', '')}: working"
        self._fell_silent()
        watch = threading.Thread(target=_watch, args=(weakref.ref(self),), daemon=True)
        watch.start()

    def _fell_silent(self) -> None:
        """Begin to wait anew, after a line that is no progress, or at the start."""
        self._doing, self._told = self._idle, ""
        self._heard = time.monotonic()  # when something was last printed

    def say(self, text: str = "") -> None:
        """Print a line for people."""
        with self._lock:
            self.end_progress()
            if not self.json:
                print(printable(text, "\n"), flush=True)

    def warn(self, text: str) -> None:
        """Print a line to stderr."""
        with self._lock:
            self.end_progress()
            print(printable(text, "\n"), file=sys.stderr, flush=True)

    def progress(self, text: str, last: bool = False) -> None:
        """Show progress in place on a terminal; elsewhere as a line, now and then and at last."""
        text = printable(text)
        with self._lock:
            self._doing = text
            since = time.monotonic() - self._heard
            if last or _in_place() or (self._told and since > SECONDS_BETWEEN_LINES):
                self._show(text)
            if last:
                self.end_progress()

    def _show(self, text: str) -> None:
        self._told, self._heard = text, time.monotonic()
        if _in_place():
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
            self._open = True
        else:
            print(text, file=sys.stderr, flush=True)

    def end_silence(self) -> None:
        """Print what is being done, if nothing was printed for too long."""
        with self._lock:
            least = SECONDS_BETWEEN_LINES if self._told else SECONDS_OF_SILENCE
            if self._doing != self._told and time.monotonic() - self._heard > least:
                self._show(self._doing)

    def end_progress(self) -> None:
        """End the progress line."""
        with self._lock:
            if self._open:
                print(file=sys.stderr, flush=True)
                self._open = False
            self._fell_silent()

    def table(self, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Print a table: text to the left, numbers to the right."""
        self.say(table(header, rows))

    def result(self, values: dict[str, Any]) -> None:
        """Print the JSON object, if that was asked for."""
        if self.json:
            with self._lock:
                self.end_progress()
                print(json.dumps(values, indent=2), flush=True)


def _in_place() -> bool:
    """Return True if a line of progress can be written over the one before."""
    return sys.stderr is not None and sys.stderr.isatty()


def _watch(output: weakref.ref[Output]) -> None:
    """End silences until the Output is gone."""
    while (alive := output()) is not None:
        try:
            alive.end_silence()
        except (OSError, ValueError):  # nobody reads it
            return
        del alive
        time.sleep(SECONDS_BETWEEN_LOOKS)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return a table as text, as wide as its cells are when they are shown."""
    header = [printable(name) for name in header]
    cells = [[printable(_cell(value)) for value in row] for row in rows]
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
