"""Count what a model's calls take on an emulated core, without PlatformIO and its firmware.

`count.c` beside this module is linked with the model, the firmware's counter and the startup code:
an inference, or a step of a model that runs free, is counted as the firmware's benchmark counts
it, exactly, in a tenth of the time. So hundreds of models can be counted.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration.kept import Kept
from codegen import isa
from codegen.base.closing import Closing
from codegen.base.errors import EmulatorError
from codegen.base.paths import assets
from codegen.isa.architecture import Firmware
from codegen.target.boards import Board, find_board, further_boards, load_boards
from codegen.target.compiler import compiling, model_flags, run_tool
from codegen.target.counting import Part, Parts, instructions_of
from codegen.target.qemu import qemu_command
from codegen.target.recorder import bytes_of
from codegen.target.runner import MARKS
from qat.model import Model, check_input

PROGRAM = Path(__file__).parent / "count.c"

STACK = 16384
"""Bytes of stack of the program."""

SECONDS = 300.0
"""After which a program that does not end counts as hanging."""

FLAGS = ("-w", "-DMODEL_PROBE=1", "-ffunction-sections", "-fdata-sections")
"""Compiler options of a firmware, on top of those of a model (target.compiler.model_flags)."""

RESTART, HOLD = 1, 2
"""What a request asks for, as count.c has it."""

HEAD = 4
"""Words in front of the parts of an answer, as count.c has them."""


class Counting(Closing):
    """An emulated board on which models are counted one after the other.

    What all of them have in common is compiled once. Use it as a context manager, or call close().
    Raises MissingCompilerError, BuildError, MissingQemuError or EmulatorError.

    keep: take answers from a folder of the cache where the same sources were asked the same before
    """

    def __init__(self, board: str | Board, keep: bool = False) -> None:
        self.board = find_board(board)
        self.machine = _place(self.board)
        firmware, own = assets() / "firmware", self.board.architecture.firmware
        startup = [firmware / folder for folder in own.startup]
        self._include = [f"-I{path}" for path in (firmware / "include", *startup)]
        self._marks = [str(firmware / path) for path in own.marks]
        self._linker = [
            *self.board.architecture.tools.link, "-Wl,--gc-sections",
            "-Wl,--no-warn-rwx-segments", f"-T{firmware / own.script}",
            *(f"-Wl,--defsym={name}={value}" for name, value in _memory(self.machine).items()),
        ]  # fmt: skip
        self._folder = tempfile.TemporaryDirectory(prefix="spikemcu-")
        library = [firmware / own.library] if own.library else []
        sources = [path for folder in (*startup, *library) for path in folder.glob("*.c")]
        common = [*sources, *(firmware / path for path in own.counter)]
        self._compile(Path(self._folder.name), ["-c", *map(str, common)])
        self._objects = [str(path) for path in Path(self._folder.name).glob("*.o")]
        self._kept = self._open(own) if keep else None

    def close(self) -> None:
        """Remove what was compiled."""
        self._folder.cleanup()

    def count(
        self,
        model: Model,
        files: Mapping[str, str],
        x: Any,
        steps: int | None = None,
        parts: bool = True,
    ) -> NDArray[np.float64]:
        """Return (batch, parts) instructions of an inference, or of a mean step that runs free.

        With a held input, that step has the holding of the input on top, as a report has it.

        files: the generated pair and binding.h; x, steps: as for Model.run
        parts: one column for each part, counted with marks; False: (batch, 1), without marks
        """
        each = self.calls(model, files, x, steps, parts)
        if model.steps is None and model.input.held:
            return each[:, 0] + each[:, 1:].mean(axis=1)
        return each.mean(axis=1)

    def calls(
        self,
        model: Model,
        files: Mapping[str, str],
        x: Any,
        steps: int | None = None,
        parts: bool = True,
    ) -> NDArray[np.float64]:
        """Return (batch, calls, parts) instructions: of an inference, or of every step.

        With a held input, the first call of a model that runs free is the holding of the input.
        The arguments are those of `count`.
        """
        flags, asked = MARKS if parts else (), _requests(model, x, steps)
        with tempfile.TemporaryDirectory(prefix="spikemcu-") as name:
            folder = Path(name)
            sources = self._write(folder, files, PROGRAM, flags)

            def answer() -> NDArray[np.uint32]:
                return ask(self._link(folder, sources, flags), self.machine, asked)

            if self._kept is None:
                answers = answer()
            else:
                answers = self._kept.of((self._seen(folder, sources, flags), asked), answer)
        wrapping = self.board.architecture.wrapping
        counts = [_instructions(answer, parts, wrapping) for answer in answers]
        totals = np.array(counts, np.float64)
        return totals.reshape(len(x), -1, totals.shape[1])

    def _open(self, own: Firmware) -> Kept:
        """Return the answers that are kept of what all programs of this board have in common."""
        firmware = assets() / "firmware"
        folders = ["include", *own.startup, *([own.library] if own.library else [])]
        files = [path for folder in folders for path in sorted((firmware / folder).glob("*.[chS]"))]
        files += [firmware / path for path in (own.script, *own.marks, *own.counter)]
        tools = (compiling(self.board)[0], qemu_command(self.machine, Path())[0])
        versions = [run_tool([tool, "--version"], Path()) for tool in tools]
        run = qemu_command(self.machine, Path(), counting=True)
        options = (*compiling(self.board), *model_flags(), *FLAGS, *self._linker, *run)
        apart = [option.replace(str(assets()), "") for option in options]  # of every checkout
        return Kept([path.read_text("utf-8") for path in files], versions, apart)

    def _compile(self, folder: Path, rest: Sequence[str]) -> None:
        flags = (*model_flags(), *FLAGS, *self._include)
        run_tool([*compiling(self.board), *flags, *rest], folder)

    def link(
        self, folder: Path, files: Mapping[str, str], flags: Sequence[str], source: Path = PROGRAM
    ) -> Path:
        """Return the program that counts the model of generated files; source: its own part."""
        return self._link(folder, self._write(folder, files, source, flags), flags)

    def _write(
        self, folder: Path, files: Mapping[str, str], source: Path, flags: Sequence[str]
    ) -> list[str]:
        """Write the sources of a program; return those that are compiled."""
        program = source.read_text("utf-8")
        for file, text in {**files, "count.c": program}.items():
            (folder / file).write_text(text, "utf-8")
        own = [str(path) for path in sorted(folder.glob("*.c"))]
        return [*own, *(self._marks if flags else [])]

    def _seen(self, folder: Path, sources: Sequence[str], flags: Sequence[str]) -> str:
        """Return what the compiler sees of sources: no comment, and nothing of other cores."""
        options = (*model_flags(), *FLAGS, *self._include, *flags, "-I.", "-E", "-P")
        return run_tool([*compiling(self.board), *options, *sources], folder)

    def _link(self, folder: Path, sources: Sequence[str], flags: Sequence[str]) -> Path:
        rest = [*flags, "-I.", *sources, *self._objects, *self._linker, "-o", "count.elf"]
        self._compile(folder, rest)
        return folder / "count.elf"


def _place(board: Board) -> Board:
    """Return the board whose machine runs a board's code."""
    core = isa.roomy(board.core)
    known = load_boards() | further_boards()
    return next(one for one in known.values() if one.core == core)


def _memory(board: Board) -> dict[str, Any]:
    """Return the symbols of the linker script: where memory lies, and how much there is."""
    data = json.loads((assets() / "boards" / f"{board.name}.json").read_text("utf-8"))
    return {
        "FLASH_ORIGIN": data["build"]["flash_origin"],
        "FLASH_LENGTH": board.flash,
        "RAM_ORIGIN": data["build"]["ram_origin"],
        "RAM_LENGTH": board.ram,
        "STACK_SIZE": STACK,
    }


def _requests(model: Model, x: Any, steps: int | None) -> list[bytes]:
    """Return what is asked for: one call of every inference, or each of those that run free."""
    array, steps = check_input(model, x, steps)
    asked: list[bytes] = []
    for held, vectors in bytes_of(model, array, steps):
        if model.steps is not None:
            calls = [(RESTART, held or b"".join(vectors))]
        elif model.input.held:
            calls = [(RESTART | HOLD, held), *[(0, held)] * steps]
        else:
            calls = [(0 if t else RESTART, one) for t, one in enumerate(vectors)]
        asked += [what.to_bytes(4, "little") + one + bytes(-len(one) % 4) for what, one in calls]
    return asked


def ask(
    elf: Path, place: Board, requests: list[bytes], options: Sequence[str] = ()
) -> NDArray[np.uint32]:
    """Run the program on every request; return the words of each answer.

    options: of the emulator
    """
    try:
        done = subprocess.run(
            [*qemu_command(place, elf, counting=not options), *options],
            input=b"".join(requests), capture_output=True, timeout=SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise EmulatorError(f"{place.name}: a count did not end within {SECONDS:g} s") from None
    if done.returncode or not done.stdout or len(done.stdout) % (4 * len(requests)):
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"]
        raise EmulatorError(f"{place.name}: a count ended with {done.returncode}: {said[-1]}")
    return np.frombuffer(done.stdout, "<u4").reshape(len(requests), -1)


def _instructions(answer: NDArray[np.uint32], parts: bool, wrapping: int) -> list[int]:
    """Return the instructions of a call, or of its parts; wrapping: as for instructions_of."""
    per_1000, many, marks, first = answer[:HEAD].tolist()
    rows = answer[HEAD:].reshape(-1, 3).tolist()
    if not parts:
        return [rows[0][0]]
    found = Parts(first, many / marks, tuple(Part(*row) for row in rows))
    return instructions_of(found, per_1000, wrapping)
