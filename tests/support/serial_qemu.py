"""QEMU whose emulated serial port is a pseudo-terminal: a board behind a port."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from codegen.target.boards import Board
from codegen.target.qemu import qemu_command


def serial_command(board: Board, elf: Path, options: Sequence[str] = ()) -> list[str]:
    """Return the command line that runs `elf` with its serial port behind a pseudo-terminal."""
    command = qemu_command(board, elf)
    command[command.index("-serial") + 1] = "pty"
    return [*command, *options]


LOOKS = 20
"""At which no thread ran, for a machine that sleeps."""


def _state(status: Path) -> str:
    """Return the state of a thread as Linux writes it, "S" for one that waits."""
    try:
        return status.read_text().rpartition(") ")[2][:1]
    except (FileNotFoundError, ProcessLookupError):
        return "S"  # it ended meanwhile


class SerialQemu:
    """A running emulator; `port` is the path of its serial port."""

    def __init__(self, board: Board, elf: Path, options: Sequence[str] = ()) -> None:
        self._process = subprocess.Popen(
            serial_command(board, elf, options),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        found = re.search(r"/dev/\S+", said)
        assert found, said
        self.port = found[0]

    def sleeps(self, seconds: float) -> bool:
        """Return True once all its threads wait, looked at often; False if they never do so long.

        A core that asks its port again and again is never seen to wait, however busy this machine.
        """
        end, seen = time.monotonic() + seconds, 0
        threads = Path(f"/proc/{self._process.pid}/task")
        while seen < LOOKS and time.monotonic() < end:
            states = [_state(thread / "stat") for thread in threads.iterdir()]
            seen = seen + 1 if set(states) == {"S"} else 0
            time.sleep(0.005)
        return seen >= LOOKS

    def close(self) -> None:
        """End the emulator."""
        self._process.kill()
        self._process.communicate()

    def __enter__(self) -> SerialQemu:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()
