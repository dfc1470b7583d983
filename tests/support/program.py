"""A model as a program of its own, for any machine that an emulator of user programs runs."""

from __future__ import annotations

import shutil
import struct
import subprocess
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.checks.host import Arrays, CompiledModel, compile_sources, write_sources
from codegen.render import render
from qat.model import Model, Spikes

MAIN = Path(__file__).parent / "program" / "main.c"
BATCH, STREAM = 0, 1
"""What a request asks for; see main.c."""
SECONDS = 300
"""After which a program counts as hanging; the longest takes a few."""


class Program(CompiledModel):
    """A model's generated C, compiled to one static program and run by an emulator.

    command:  the compiler and its options
    emulator: what runs the program; nothing for this machine's own
    linker:   the compiler of all but the model, if `command` has no library for the machine

    Every call is a process of its own. Raises CompilerError if the C does not compile.
    """

    def __init__(
        self,
        model: Model,
        command: Sequence[str],
        emulator: Sequence[str] = (),
        files: Mapping[str, str] | None = None,
        linker: Sequence[str] = (),
    ) -> None:
        super().__init__(model)
        self._emulator = emulator
        folder = Path(tempfile.mkdtemp(prefix="spikemcu-"))
        self._cleanup = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        main = {"main.c": MAIN.read_text()}
        sources = write_sources({**(render(model) if files is None else files), **main}, folder)
        if linker:
            ours = [*main, "driver.c"]
            (own,) = set(sources) - {*ours}
            compile_sources([*command, "-c", own], folder, "model.o")
            command, sources = linker, [*ours, "model.o"]
        self._program = compile_sources([*command, "-static", *sources], folder, "model")

    def call(self, data: NDArray[np.uint8], n: int, steps: int, arrays: Arrays) -> int:
        """Run a batch in a process of the machine."""
        word = np.uint32 if isinstance(self.model.input, Spikes) else np.uint8
        return self._ask(BATCH, steps, n, data.view(word), arrays)

    def call_stream(self, samples: NDArray[np.int16], arrays: Arrays) -> int:
        """Send samples in a process of the machine."""
        return self._ask(STREAM, 0, len(samples), samples, arrays)

    def _ask(
        self, what: int, steps: int, samples: int, elements: NDArray[Any], arrays: Arrays
    ) -> int:
        """Send a request, fill the arrays from the answer and return its first number."""
        lengths = [0 if array is None else array.size for array in arrays]
        numbers = (what, steps, len(lengths), *lengths, samples, elements.itemsize, elements.size)
        request = struct.pack(f"<{len(numbers)}I", *numbers) + _little(elements).tobytes()
        command = [*self._emulator, str(self._program)]
        done = subprocess.run(
            command, input=request, capture_output=True, timeout=SECONDS, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: status {done.returncode}: {done.stderr!r}")
        at = 4
        for array in arrays:
            if array is not None:
                told = np.frombuffer(done.stdout, _little(array).dtype, array.size, at)
                array[...] = told.reshape(array.shape)
                at += array.nbytes
        assert at == len(done.stdout)
        return int.from_bytes(done.stdout[:4], "little")


def _little(array: NDArray[Any]) -> NDArray[Any]:
    return array.astype(array.dtype.newbyteorder("<"))
