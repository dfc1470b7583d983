"""A C program of a test's own on an emulated core, run to its end."""

from __future__ import annotations

import subprocess
from pathlib import Path

from calibration.counting import Counting

from codegen.target.qemu import qemu_command


class CoreProgram(Counting):
    """An emulated core on which a C program of its own runs to its end."""

    def run(self, text: str, folder: Path, *flags: str) -> subprocess.CompletedProcess[str]:
        """Compile the text beside what the folder holds, run it and return what it printed."""
        (folder / "main.c").write_text(text)
        rest = [*flags, "-I.", str(folder / "main.c"), *self._objects, *self._linker]
        self._compile(folder, [*rest, "-o", "program.elf"])
        command = qemu_command(self.machine, folder / "program.elf")
        return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
