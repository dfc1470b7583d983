"""Stands in for an uploader: restarts the emulated board with a firmware.

    upload.py FIRMWARE STATE

STATE is a folder: `port` links to the board's serial port, `pid` holds the emulator's, `behaviour`
says what goes wrong: `fail`, `stay off` or `ignore`.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

QEMU = "qemu-system-arm -display none -monitor none -serial pty -M mps2-an386"


def main() -> int:
    firmware, state = Path(sys.argv[1]), Path(sys.argv[2])
    behaviour = state / "behaviour"
    wrong = behaviour.read_text() if behaviour.exists() else ""
    if wrong == "fail":
        print("Looking for the board\nError: no probe answers", file=sys.stderr)
        return 1
    if wrong != "ignore":
        switch_off(state)
    if not wrong:
        switch_on(shutil.copy(firmware, state / "flash.elf"), state)
    return 0


def switch_off(state: Path) -> None:
    with suppress(FileNotFoundError, ProcessLookupError):
        os.kill(int((state / "pid").read_text()), signal.SIGKILL)
    with suppress(FileNotFoundError):
        (state / "port").unlink()


def switch_on(firmware: Path, state: Path) -> None:
    """Start the emulator; it goes on when this program ends."""
    log = state / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [*QEMU.split(), "-semihosting", "-kernel", str(firmware)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    (state / "pid").write_text(str(process.pid))
    while (found := re.search(r"/dev/\S+", log.read_text())) is None:
        assert process.poll() is None, log.read_text()
        time.sleep(0.01)
    (state / "port").symlink_to(found[0])


if __name__ == "__main__":
    sys.exit(main())
