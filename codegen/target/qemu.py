"""Run a firmware in QEMU: the process, its console as a link, and why it ended."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from codegen.base.closing import Closing
from codegen.base.errors import EmulatorError, MissingQemuError
from codegen.isa import DEFAULT_CORE, Architecture, find
from codegen.target.boards import Board
from codegen.target.faults import EXIT_FAULT, crash


def find_qemu(architecture: Architecture | None = None) -> str:
    """Return the path of an architecture's QEMU, or raise MissingQemuError.

    None is the architecture of the core for which kernels are chosen where none is named.
    """
    tools = (architecture or find(DEFAULT_CORE).architecture).tools
    path = shutil.which(tools.emulator)
    if path is None:
        raise MissingQemuError(f"no {tools.emulator} on PATH; install it with: {tools.install}")
    return path


def require_qemu(boards: Iterable[Board]) -> None:
    """Raise MissingQemuError if the emulator of one of some emulated boards is not there."""
    for architecture in dict.fromkeys(board.architecture for board in boards):
        find_qemu(architecture)


def qemu_command(board: Board, elf: Path, counting: bool = False) -> list[str]:
    """Return the command line that runs `elf` on the machine of `board`."""
    architecture = board.architecture
    flags = (*architecture.tools.emulating, *(architecture.tools.counting if counting else ()))
    machine = ("-M", board.machine, *(("-cpu", board.cpu) if board.cpu else ()))
    return [find_qemu(architecture), *flags, *machine, "-kernel", str(elf)]


LOG_BYTES = 2**16
"""The end of the log that is kept: a firmware may write without an end."""
PIECE = 2**16
END_SECONDS = 60.0
"""Time that an emulator which has closed its output has for its end, on a busy machine too."""


class Qemu(Closing):
    """A running emulator; its stdin and stdout are the link, the end of its stderr the log.

    Raises MissingQemuError if there is none. Reading and writing raise CrashError after a fault of
    the firmware and EmulatorError if the emulator is gone for another reason.
    """

    def __init__(
        self, board: Board, elf: Path, counting: bool = False, options: Sequence[str] = ()
    ) -> None:
        self.board = board
        self.elf = elf
        self._process = subprocess.Popen(
            [*qemu_command(board, elf, counting), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._in, self._out, self._err = (
            self._process.stdin, self._process.stdout, self._process.stderr,
        )  # fmt: skip
        self._log = bytearray()
        self._poll = select.poll()
        for pipe in (self._out, self._err):
            os.set_blocking(pipe.fileno(), False)
            self._poll.register(pipe, select.POLLIN | select.POLLHUP)

    def read(self, timeout: float) -> bytes:
        """Wait for bytes of the firmware, at most `timeout` seconds; return b"" if none came."""
        end = time.monotonic() + timeout
        while ready := {number for number, _ in self._poll.poll(1000 * timeout)}:
            if self._err.fileno() in ready and not self._hear():
                self._poll.unregister(self._err)
            if self._out.fileno() in ready:
                data = os.read(self._out.fileno(), PIECE)
                if not data:
                    self._explain()
                return data
            timeout = max(0.0, end - time.monotonic())
        return b""

    def _hear(self) -> bool:
        """Take a piece of the log; return False at its end."""
        try:
            data = os.read(self._err.fileno(), PIECE)
        except BlockingIOError:
            return True
        self._log += data
        del self._log[:-LOG_BYTES]
        return bool(data)

    def write(self, data: bytes) -> None:
        """Send all of `data` to the firmware."""
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._in.fileno(), view) :]
        except BrokenPipeError:
            self._explain()

    def log(self) -> str:
        """Return the end of what the firmware and the emulator have said so far."""
        self._hear()
        return self._log.decode(errors="replace")

    def _explain(self) -> None:
        """Raise the reason for which the emulator ended."""
        end = time.monotonic() + END_SECONDS
        while self._hear() and time.monotonic() < end:  # to the end of the log, that of the program
            select.select([self._err], [], [], max(0.0, end - time.monotonic()))
        try:
            status = self._process.wait(max(1.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise EmulatorError(f"{self.board.name}: the firmware closed the link") from None
        log = self.log()
        if status == EXIT_FAULT or "Lockup" in log:
            raise crash(self.board, self.elf, log)
        last = (log.strip().splitlines() or ["it said nothing"])[-1]
        emulator = self.board.architecture.tools.emulator
        raise EmulatorError(f"{self.board.name}: {emulator} ended with status {status}: {last}")

    def close(self) -> None:
        """End the emulator, whatever it does."""
        self._in.close()
        try:
            self._process.wait(0.5)  # the end of its input ends the firmware
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._out.close()
        self._err.close()
