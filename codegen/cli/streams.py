"""Standard streams that may be closed, full, read by nobody, or of an encoding without our letters.

A service may start us without any of them. A stream that is closed becomes the null device, so
that no file that is opened later takes its number, and no text lands in it. Work goes on when
nobody reads its output any more; only an output that cannot be written although somebody wants it
(a full disk) ends it, in one line. What is said on standard error is never worth an end.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO


class OutputError(OSError):
    """Standard output cannot be written."""


class Surviving:
    """A text stream that outlives its reader; everything else is that of the stream itself.

    needed:  whether a failure to write is an error, OutputError, if there is a reader
    failure: that error, once it was raised; whoever prints may have swallowed it
    """

    def __init__(self, stream: TextIO, needed: bool) -> None:
        self._stream = stream
        self._needed = needed
        self._gone = False
        self.failure: OutputError | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write text, unless the stream has failed before."""
        with self._forgiving():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Have what was written arrive."""
        with self._forgiving():
            self._stream.flush()

    @contextlib.contextmanager
    def _forgiving(self) -> Iterator[None]:
        """Ignore what goes wrong, but for the first failure of a stream that is needed."""
        try:
            yield
        except (OSError, ValueError) as error:  # ValueError: it was closed meanwhile
            first, self._gone = not self._gone, True
            self._discard()
            if first and self._needed and not isinstance(error, BrokenPipeError | ValueError):
                reason = error.strerror or error
                self.failure = OutputError(f"standard output: cannot be written ({reason})")
                raise self.failure from None

    def _discard(self) -> None:
        """Let the null device take what the stream still holds: Python writes it at the end."""
        with contextlib.suppress(OSError, ValueError):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self._stream.fileno())
            os.close(null)


def _open_what_is_closed() -> None:
    """Open the null device for each of the three standard streams that is closed."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, this one


@contextlib.contextmanager
def surviving_streams() -> Iterator[None]:
    """Replace the standard streams meanwhile by ones that survive; flush them at the end.

    Characters that their encoding lacks are written as escapes.
    """
    before = sys.stdout, sys.stderr
    _open_what_is_closed()
    try:
        for name, needed in (("stdout", True), ("stderr", False)):
            stream = getattr(sys, name)
            if stream is None:
                stream = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - for the process
            with contextlib.suppress(AttributeError, OSError, ValueError):
                stream.reconfigure(errors="backslashreplace")
            setattr(sys, name, Surviving(stream, needed))
        yield
    except SystemExit:  # of argparse, which swallows what is wrong with its output
        failure = getattr(sys.stdout, "failure", None)
        if failure is not None:
            raise failure from None
        raise
    finally:
        _restore(before)


def _restore(before: tuple[TextIO, TextIO]) -> None:
    """Flush the streams and put the former ones back; OutputError where the output is lost."""
    try:
        sys.stderr.flush()
        sys.stdout.flush()
    finally:
        sys.stdout, sys.stderr = before
