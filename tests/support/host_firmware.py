"""The firmware's own protocol code, compiled for this machine: in this process, or behind a pty."""

from __future__ import annotations

import os
import shutil
import subprocess
import tty
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import cffi

from codegen.base.paths import assets
from codegen.checks.host import find_compiler

HOST = Path(__file__).parent / "firmware" / "host.c"
WARNINGS = (
    "-Wall -Wextra -Wconversion -Wshadow -Wmissing-prototypes -Wvla -Wundef -Wdouble-promotion "
    "-Wcast-qual -pedantic-errors -Werror"
).split()
DECLARATIONS = """
void host_start(void);
uint32_t host_exchange(const uint8_t *bytes, uint32_t count, uint8_t *answer, uint32_t capacity);
"""
CAPACITY = 1 << 16
CORTEX_M4 = 0x410FC241
"""What the CPUID register of a Cortex-M4 reads."""


def compile_host(
    files: Mapping[str, str], folder: Path, options: Sequence[str], compiler: str | None = None
) -> Path:
    """Compile the firmware's common sources and a model for this machine; return what came out.

    A file of `files` with the name of one of the firmware takes its place.
    """
    (folder / "spikemcu").mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    firmware = assets() / "firmware"
    common = [p for p in sorted((firmware / "src").glob("*.c")) if p.name not in files]
    sources = [HOST, *common, *sorted(folder.glob("*.c"))]
    include = [f"-I{folder}", f"-I{firmware / 'include'}"]
    defines = ["-DMODEL_PROBE=1", f"-DHOST_CORE={CORTEX_M4:#x}u"]
    command = [find_compiler(compiler), "-std=c99", "-O1", *WARNINGS, *include, *defines, *options]
    output = folder / "firmware"
    done = subprocess.run(
        [*command, "-o", str(output), *map(str, sources)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return output


class HostFirmware:
    """A board in this process: bytes in, bytes out, reset."""

    def __init__(self, files: Mapping[str, str], folder: Path, options: Sequence[str] = ()) -> None:
        ffi = cffi.FFI()
        ffi.cdef(DECLARATIONS)
        self._ffi: Any = ffi
        options = ["-shared", "-fPIC", *options]
        self._lib: Any = ffi.dlopen(str(compile_host(files, folder, options)))
        self._answer = ffi.new("uint8_t[]", CAPACITY)
        self.reset()

    def reset(self) -> None:
        """Start anew, as after a press on the board's button."""
        self._lib.host_start()

    def exchange(self, data: bytes) -> bytes:
        """Let the firmware have bytes; return what it sends."""
        count = self._lib.host_exchange(data, len(data), self._answer, CAPACITY)
        return bytes(self._ffi.buffer(self._answer, count))


class PtyBoard:
    """A board behind a pseudo-terminal at a path of its own, as a serial port is.

    program: what runs on it, with the line as stdin and stdout
    path:    of the port
    """

    def __init__(self, program: Sequence[str | Path], path: Path) -> None:
        self.program = [str(part) for part in program]
        self.path = path
        self._process: subprocess.Popen[bytes] | None = None
        self._line: tuple[int, int] | None = None

    def plug_in(self) -> None:
        """Make the port, and start the program."""
        self._line = os.openpty()
        tty.setraw(self._line[1])
        self.path.symlink_to(os.ttyname(self._line[1]))
        self.start()

    def start(self) -> None:
        """Start the program; the port stays what it is."""
        assert self._line is not None
        master = self._line[0]
        self._process = subprocess.Popen(self.program, stdin=master, stdout=master)

    def stop(self) -> None:
        """Stop the program."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = None

    def reset(self) -> None:
        """Restart the program behind the same port, as a debug probe's serial port stays."""
        self.stop()
        self.start()

    def garbage(self, data: bytes) -> None:
        """Send bytes to the host that are none of the firmware's."""
        assert self._line is not None
        os.write(self._line[0], data)

    def unplug(self) -> None:
        """Stop the program, and take the port away."""
        self.stop()
        with suppress(FileNotFoundError):
            self.path.unlink()
        if self._line is not None:
            for end in self._line:
                os.close(end)
        self._line = None

    def __enter__(self) -> PtyBoard:
        self.plug_in()
        return self

    def __exit__(self, *unused: object) -> None:
        self.unplug()


def pty_program(files: Mapping[str, str], folder: Path) -> Path:
    """Return the firmware as a program that talks over stdin and stdout."""
    built = compile_host(files, folder, ["-DHOST_MAIN=1"])
    return Path(shutil.move(built, folder / "board"))
