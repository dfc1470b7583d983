"""Run a firmware in QEMU: the process, its console as a link, and why it ended."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from codegen.boards import Board
from codegen.closing import Closing
from codegen.errors import INSTALL, EmulatorError, MissingQemuError
from codegen.faults import EXIT_FAULT, crash

QEMU = "qemu-system-arm"
FLAGS = (
    "-display none -monitor none -serial null -semihosting-config enable=on,target=native".split()
)
COUNTING = ("-icount", "shift=8")
"""One instruction takes 2**8 ns of the machine's time: makes instruction counts exact."""


def uart_flags(board: Board) -> tuple[str, ...]:
    """Return the compiler options of a firmware that talks over the board's emulated serial port.

    QEMU then needs `-serial pty`, or another of its character devices, in place of a console.
    """
    if board.uart is None:
        raise ValueError(f"{board.name}: its JSON names no emulated serial port")
    flags = ("-DLINK_UART=1", f"-DUART_BASE={board.uart.base:#x}u")
    return (*flags, f"-DUART_{board.uart.kind.upper()}=1")


def find_qemu() -> str:
    """Return the path of QEMU, or raise MissingQemuError."""
    path = shutil.which(QEMU)
    if path is None:
        raise MissingQemuError(f"no {QEMU} on PATH; install it with: {INSTALL}")
    return path


def qemu_command(board: Board, elf: Path, counting: bool = False) -> list[str]:
    """Return the command line that runs `elf` on the machine of `board`."""
    counted = COUNTING if counting else ()
    return [find_qemu(), *FLAGS, *counted, "-M", board.machine, "-kernel", str(elf)]


class Qemu(Closing):
    """A running emulator; its stdin and stdout are the link, its stderr the log.

    Raises MissingQemuError if there is none. Reading and writing raise CrashError after a fault of
    the firmware and EmulatorError if the emulator is gone for another reason.
    """

    def __init__(
        self, board: Board, elf: Path, counting: bool = False, options: Sequence[str] = ()
    ) -> None:
        self.board = board
        self.elf = elf
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
        try:
            self._process = subprocess.Popen(
                [*qemu_command(board, elf, counting), *options],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                bufsize=0,
            )
        except BaseException:
            self._log.close()
            raise
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in = self._process.stdin
        self._out = self._process.stdout
        self._poll = select.poll()
        self._poll.register(self._out, select.POLLIN | select.POLLHUP)

    def read(self, timeout: float) -> bytes:
        """Wait for bytes of the firmware, at most `timeout` seconds; return b"" if none came."""
        if not self._poll.poll(timeout * 1000):
            return b""
        data = os.read(self._out.fileno(), 1 << 16)
        if not data:
            self._explain()
        return data

    def write(self, data: bytes) -> None:
        """Send all of `data` to the firmware."""
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._in.fileno(), view) :]
        except BrokenPipeError:
            self._explain()

    def log(self) -> str:
        """Return what the firmware and the emulator have said so far."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def _explain(self) -> None:
        """Raise the reason for which the emulator ended."""
        try:
            status = self._process.wait(10)
        except subprocess.TimeoutExpired:
            raise EmulatorError(f"{self.board.name}: the firmware closed the link") from None
        log = self.log()
        if status == EXIT_FAULT or "Lockup" in log:
            raise crash(self.board.name, self.elf, log)
        last = (log.strip().splitlines() or ["it said nothing"])[-1]
        raise EmulatorError(f"{self.board.name}: {QEMU} ended with status {status}: {last}")

    def close(self) -> None:
        """End the emulator, whatever it does."""
        self._in.close()
        try:
            self._process.wait(0.5)  # the end of its input ends the firmware
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._out.close()
        self._log.close()
