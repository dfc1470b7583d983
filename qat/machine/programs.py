"""Other programs: they run with a limit on what they may print.

What they print is read as UTF-8 whatever the locale says; bytes that are none are replaced. They
get no standard input. Python as a child never imports what lies in the working folder.
"""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

MOST = 2**28
"""Bytes that a program may print: the disassembly of the largest firmware has a tenth of that."""
PIECE = 2**16

Done = subprocess.CompletedProcess[str]

OWN = "import sys; sys.path.append(sys.argv.pop(1)); "
"""Finds this package in a child, also where it is not installed."""


def python(*arguments: str) -> list[str]:
    """Return the command line of this Python, which leaves the working folder out of its path."""
    return [sys.executable, "-P", *arguments]


def own_python(code: str, *arguments: str) -> list[str]:
    """Return the command line that runs code of this package in another Python."""
    return python("-c", OWN + code, str(Path(__file__).resolve().parents[2]), *arguments)


def run(
    command: Sequence[str],
    *,
    folder: str | Path | None = None,
    environment: Mapping[str, str] | None = None,
    seconds: float | None = None,
    merged: bool = False,
) -> Done:
    """Run a program to its end and return its status and what it printed.

    folder:  where it runs; seconds: after which it is ended
    merged:  its standard error goes to the same text as its output

    Raises OSError if it cannot be started, subprocess.TimeoutExpired, and RuntimeError for one
    that prints more than MOST bytes.
    """
    status, said = run_raw(
        command, folder=folder, environment=environment, seconds=seconds, merged=merged
    )
    texts = [text.decode("utf-8", "replace") for text in said]
    return subprocess.CompletedProcess(command, status, texts[0], "".join(texts[1:]))


def run_raw(
    command: Sequence[str],
    *,
    folder: str | Path | None = None,
    environment: Mapping[str, str] | None = None,
    seconds: float | None = None,
    merged: bool = False,
) -> tuple[int, list[bytes]]:
    """Run a program as `run` does; return its status, and its output and errors in bytes."""
    errors = subprocess.STDOUT if merged else subprocess.PIPE
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=errors,
    ) as process:  # fmt: skip
        try:
            said = _listen(process, command, seconds)
        except BaseException:
            process.kill()
            raise
    return process.returncode, [bytes(text) for text in said]


def checked(command: Sequence[str], folder: str | Path, seconds: float | None = None) -> Done:
    """Run a program as `run` does; subprocess.CalledProcessError if it fails."""
    done = run(command, folder=folder, seconds=seconds)
    done.check_returncode()
    return done


def _listen(
    process: subprocess.Popen[bytes], command: Sequence[str], seconds: float | None
) -> list[bytearray]:
    """Return all that a program prints, output before errors, once it has ended."""
    pipes = [pipe for pipe in (process.stdout, process.stderr) if pipe is not None]
    said = {pipe.fileno(): bytearray() for pipe in pipes}
    end = time.monotonic() + (seconds or 0)
    with selectors.DefaultSelector() as waiting:
        for pipe in said:
            waiting.register(pipe, selectors.EVENT_READ)
        while waiting.get_map():
            ready = waiting.select(None if seconds is None else max(0.0, end - time.monotonic()))
            if not ready:
                raise subprocess.TimeoutExpired(command, seconds or 0)
            for key, _ in ready:
                data = os.read(key.fd, PIECE)
                said[key.fd] += data
                if not data:
                    waiting.unregister(key.fd)
            if sum(map(len, said.values())) > MOST:
                raise RuntimeError(f"{command[0]}: prints more than {MOST:,} bytes; it was ended")
    process.wait(None if seconds is None else max(1.0, end - time.monotonic()))
    return list(said.values())
