"""A model on an emulated chip that has no room for a link: test vectors lie in its flash.

The firmware (firmware/src/lean) holds the model alone, without probes. QEMU lays the vectors behind
the program, as many as the flash takes; the firmware runs them and writes every answer to the
console. So classes, scores and the signal of the last layer are told, no state.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from subprocess import TimeoutExpired
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from codegen.base.closing import Closing
from codegen.base.errors import EmulatorError, HangError, InconsistentError, TooLargeError
from codegen.kernels.pack import unpack_signal
from codegen.render.generated import Generated, generated
from codegen.target.boards import Board, find_board
from codegen.target.build import build
from codegen.target.emulated import footprint
from codegen.target.faults import EXIT_FAULT, crash
from codegen.target.fit import Footprint, require_fit
from codegen.target.qemu import find_qemu, qemu_command
from codegen.target.recorder import bytes_of
from codegen.target.runner import Progress
from qat.machine.programs import run_raw
from qat.machine.scratch import scratch
from qat.model import Model, Result, State, check_input

SECONDS = 300.0
"""After which a firmware that does not end counts as hanging."""

COUNTS = ("-DLEAN_COUNTS=1",)
"""Compiler options of a firmware that counts its calls."""

FREE = "flash_free"
"""The symbol of the linker script behind the program."""

HEADER, ANSWER, END = 2, 4, 2
"""Words in front of the vectors, of the scores, and behind all answers, as main.c has them."""


def lean_footprint(given: Model | Generated) -> tuple[int, int]:
    """Return what a model takes there, (flash, ram) in bytes, its code left out: no probes."""
    program = generated(given).program
    scores = 4 * program.model.outputs if program.model.readout else 0
    return program.flash_bytes, program.ram_bytes + scores + 4 * program.last.signal_words


def footprint_on(board: Board) -> Footprint:
    """Return what tells the bytes that a model takes on a board."""
    return lean_footprint if board.lean else footprint


@dataclass(frozen=True, eq=False)
class Answers:
    """What the firmware told of some vectors.

    rows:   (vectors, words) uint32, each as main.c writes it
    stack:  bytes that were used
    per_1000: ticks of 1000 instructions; 0 where they were not counted
    """

    rows: NDArray[np.uint32]
    stack: int
    per_1000: int


class LeanModel(Closing):
    """A model built for an emulated chip without a link, and run there.

    model: a Model, or what was generated of it
    board: such a board or its name
    flags: compiler options on top of the project's own: COUNTS for `instructions`
    stack_used, at_once: bytes of stack, and vectors in flash together, the most so far

    Building is done at once. Raises ValueError for another board, TooLargeError where not even one
    vector fits beside the program, and what `build` raises. Use it as a context manager.
    """

    def __init__(
        self,
        model: Model | Generated,
        board: str | Board,
        *,
        flags: Sequence[str] = (),
        elf: Path | None = None,
    ) -> None:
        made = generated(model)
        self.model, self.board = made.model, find_board(board)
        if not self.board.lean:
            raise ValueError(f"{self.board.name}: its firmware has a link; use TargetModel")
        require_fit(self.board, made, lean_footprint)
        find_qemu(self.board.architecture)
        if elf is None:
            elf = build(made.files, self.board, flags=flags)[self.board.name]
        self.elf, self.flags = elf, tuple(flags)
        self.stack_used = 0
        self.at_once = 0

    def close(self) -> None:
        """Nothing is held: the emulator ends by itself."""

    @cached_property
    def free(self) -> tuple[int, int]:
        """Address and bytes of the flash behind the program."""
        from elftools.elf.elffile import ELFFile  # noqa: PLC0415  # not for --help
        from elftools.elf.sections import SymbolTableSection  # noqa: PLC0415

        with self.elf.open("rb") as file:
            table = ELFFile(file).get_section_by_name(".symtab")
            assert isinstance(table, SymbolTableSection)
            symbols = table.get_symbol_by_name(FREE)
        assert symbols is not None
        start = int(symbols[0]["st_value"])
        return start, self.board.origin + self.board.flash - start

    def vectors(self, steps: int) -> int:
        """Return how many vectors fit into the flash at once; TooLargeError if none does."""
        _, left = self.free
        size = 4 * self._words * (1 if self.model.input.held else steps)
        count = (left - 4 * HEADER) // size
        if count < 1:
            raise TooLargeError(
                f"{self.board.name}: a test vector takes {size} bytes of flash and {4 * HEADER}; "
                f"{left} are left beside the program: choose a smaller model"
            )
        return count

    @cached_property
    def _words(self) -> int:
        """Words of the input of a step, or of one that is held."""
        model = self.model
        held, vectors = bytes_of(model, np.zeros((1, *self._shape(1)), model.input.dtype), 1)[0]
        return -(-len(held or vectors[0]) // 4)

    def _shape(self, steps: int) -> tuple[int, ...]:
        return (self.model.input.size,) if self.model.input.held else (steps, self.model.input.size)

    def run(
        self,
        x: ArrayLike,
        state: State | None = None,
        trace: bool = False,
        steps: int | None = None,
        progress: Progress | None = None,
    ) -> Result:
        """Run the model on the chip; arguments are those of Model.run.

        The result has scores, predictions and steps, or the output of every step, and nothing else,
        with a trace or without. Raises ValueError for a state, CrashError, HangError or
        EmulatorError.
        """
        if state is not None:
            raise ValueError("state: a target starts from zero membranes; leave it out")
        array, steps = check_input(self.model, x, steps)
        rows: list[NDArray[np.uint32]] = []
        for answers in self._answers(array, steps, counting=False):
            rows += [*answers.rows]
            if progress:
                progress(len(rows), len(array))
        return self._result(np.array(rows, np.uint32).reshape(len(array), -1), steps)

    def _result(self, rows: NDArray[np.uint32], steps: int) -> Result:
        model, last = self.model, self.model.layers[-1]
        if model.steps is None:
            words = rows[:, :-ANSWER].reshape(len(rows), steps, -1)
            output = unpack_signal(words, last.sends, last.levels)
            return Result(None, None, output, (), None, None, None, None)
        answers = rows.view(np.int32)
        made = answers[:, 3].astype(np.int64)
        predictions = answers[:, 2].astype(np.int64)
        scores = np.ascontiguousarray(answers[:, ANSWER:])
        stopped = None if model.stop is None else made
        return Result(scores, predictions, None, (), None, None, None, stopped)

    def instructions(self, x: ArrayLike, steps: int | None = None) -> NDArray[np.int64]:
        """Return (batch,) exact instructions of an inference; of all steps, if it runs free.

        The firmware must be built with COUNTS. Raises InconsistentError if the timer of the
        machine does not count instructions.
        """
        if not set(COUNTS) <= set(self.flags):
            raise ValueError("instructions: the firmware does not count; pass flags=lean.COUNTS")
        array, steps = check_input(self.model, x, steps)
        free = self.model.steps is None
        calls = steps + self.model.input.held if free else 1
        per_1000 = self.board.architecture.ticks(self.board.clock_hz)
        found: list[int] = []
        for answers in self._answers(array, steps, counting=True):
            if answers.per_1000 != per_1000:
                raise InconsistentError(
                    f"the timer makes {answers.per_1000} ticks in 1000 instructions instead of "
                    f"{per_1000}: the emulator does not count instructions"
                )
            for row in answers.rows[:, -ANSWER:] if free else answers.rows[:, :ANSWER]:
                counted = round(int(row[0]) * 1000 / per_1000) + calls
                found.append(counted - self.board.architecture.wrapping * int(row[1]))
        return np.array(found, np.int64)

    # ------------------------------------------------------------------ the emulator

    def _answers(self, x: NDArray[Any], steps: int, counting: bool) -> Iterator[Answers]:
        """Run all vectors, as many at a time as fit, and yield what the firmware told."""
        most = self.vectors(steps)
        self.at_once = max(self.at_once, min(most, len(x)))
        for start in range(0, len(x), most):
            yield self._run(x[start : start + most], steps, counting)

    def _image(self, x: NDArray[Any], steps: int) -> bytes:
        """Return what lies behind the program."""
        pieces = [np.array([len(x), steps], "<u4").tobytes()]
        for held, vectors in bytes_of(self.model, x, steps):
            for piece in [held] if self.model.input.held else vectors:
                pieces.append(piece + bytes(-len(piece) % 4))
        return b"".join(pieces)

    def _run(self, x: NDArray[Any], steps: int, counting: bool) -> Answers:
        with scratch() as folder:
            image = Path(folder) / "vectors.bin"
            image.write_bytes(self._image(x, steps))
            loader = f"loader,file={image},addr={self.free[0]:#x},force-raw=on"
            command = [*qemu_command(self.board, self.elf, counting), "-device", loader]
            told = self._told(command)
        words = np.frombuffer(told[: len(told) // 4 * 4], "<u4")
        each, rest = divmod(len(words) - END, len(x))
        if len(told) % 4 or rest or each < ANSWER:
            raise EmulatorError(
                f"{self.board.name}: the firmware told {len(told)} bytes of {len(x)} vectors; they "
                "are no answers of this model"
            )
        self.stack_used = max(self.stack_used, int(words[-2]))
        return Answers(words[:-END].reshape(len(x), each), int(words[-2]), int(words[-1]))

    def _told(self, command: list[str]) -> bytes:
        """Run the emulator to its end and return what the firmware wrote."""
        try:
            status, (told, errors) = run_raw(command, seconds=SECONDS)
        except TimeoutExpired:
            raise HangError(
                f"{self.board.name}: the firmware hangs: it did not end within {SECONDS:g} s"
            ) from None
        log = errors.decode(errors="replace")
        if status == EXIT_FAULT or "Lockup" in log:
            raise crash(self.board, self.elf, log)
        if status:
            last = (log.strip().splitlines() or ["it said nothing"])[-1]
            emulator = self.board.architecture.tools.emulator
            raise EmulatorError(f"{self.board.name}: {emulator} ended with status {status}: {last}")
        return told
