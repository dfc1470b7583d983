"""A model on a board: the same call and the same result as Model.run, from the real firmware."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from codegen.boards import Board, find_board
from codegen.device import Device, Info, What, check_count, instructions_of
from codegen.errors import InconsistentError, WrongModelError
from codegen.pack import pack_bits, unpack_bits, words_for
from codegen.project import build, require_fit
from codegen.protocol import Client
from codegen.qemu import Qemu, find_qemu
from codegen.render import render
from codegen.stages import plan
from qat.model import Model, Result, Spikes, State, check_input

TIMEOUT = 60.0
"""Seconds after which a firmware that does not answer counts as hanging."""

Progress = Callable[[int, int], None]
"""Called with (samples done, samples in all)."""


@dataclass(frozen=True, eq=False)
class Counts:
    """Instructions of single calls, exact; a call's forwarding in binding.h included.

    input: (batch,) holding an input; None where there is a vector a step
    step:  (batch, steps)
    infer: (batch,) a whole inference; None unless the input is held and T fixed
    """

    input: NDArray[np.int64] | None
    step: NDArray[np.int64]
    infer: NDArray[np.int64] | None


@dataclass(frozen=True, eq=False)
class PartCounts:
    """Instructions of the parts of single calls; see part_names.

    input:  (batch, parts) holding an input; None where there is a vector a step
    step:   (batch, steps, parts)
    scores: (batch, parts) after the last step; None for a free-running model
    infer:  (batch, parts) a whole inference; None unless the input is held and T fixed
    """

    input: NDArray[np.int64] | None
    step: NDArray[np.int64]
    scores: NDArray[np.int64] | None
    infer: NDArray[np.int64] | None


MARKS = ("-DMODEL_MARKS=1",)
"""Compiler options of a firmware that counts each part."""


class TargetModel:
    """A model built for a board and run there.

    model:   what the firmware must hold
    board:   a board or its name
    files:   the generated files, {name: text}; by default they are generated now
    timeout: seconds that one answer may take
    flags:   compiler options on top of the project's own

    A model too large for the board is refused before anything is built. Building is done at
    once, QEMU starts with the first call. Raises the errors of
    codegen.errors, each for one cause. Use it as a context manager, or call close().
    """

    def __init__(
        self,
        model: Model,
        board: str | Board,
        *,
        files: Mapping[str, str] | None = None,
        timeout: float = TIMEOUT,
        flags: Sequence[str] = (),
    ) -> None:
        self.model = model
        self.board = find_board(board)
        self.timeout = timeout
        self.flags = tuple(flags)
        require_fit(self.board, *footprint(model))
        find_qemu()
        files = render(model) if files is None else files
        self.elf: Path = build(files, self.board, flags=flags)[self.board.name]
        self._qemu: Qemu | None = None
        self._device: Device | None = None

    # -------------------------------------------------------- connection

    def connect(self, counting: bool = False) -> tuple[Qemu, Device]:
        """Start the firmware and return it once it has said that it holds this model."""
        qemu = Qemu(self.board, self.elf, counting)
        try:
            device = Device(Client(qemu, self.timeout, name=self.board.name))
            self._check(device.info())
        except BaseException:
            qemu.close()
            raise
        return qemu, device

    def _check(self, info: Info) -> None:
        digest = self.model.digest()
        if info.digest != digest:
            raise WrongModelError(
                f"{self.board.name}: the firmware holds model {info.name} with digest "
                f"{info.digest}; asked for {self.model.name} with {digest}"
            )
        sizes = tuple(layer.size for layer in self.model.layers)
        if info.layers != sizes or info.steps != (self.model.steps or 0):
            raise WrongModelError(
                f"{self.board.name}: the firmware has layers {info.layers} and {info.steps} steps; "
                f"the model has {sizes} and {self.model.steps or 0}"
            )

    @property
    def device(self) -> Device:
        """The running firmware, started now if it is not."""
        if self._device is None:
            self._qemu, self._device = self.connect()
        return self._device

    def info(self) -> Info:
        """Return what the firmware says about itself."""
        return self.device.info()

    def close(self) -> None:
        """End the emulator."""
        if self._qemu is not None:
            self._qemu.close()
        self._qemu = self._device = None

    def __enter__(self) -> TargetModel:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # --------------------------------------------------------------- run

    def run(
        self,
        x: ArrayLike,
        state: State | None = None,
        trace: bool = False,
        steps: int | None = None,
        progress: Progress | None = None,
    ) -> Result:
        """Run the model on the target; arguments and result are those of Model.run.

        The result has no u, for the target keeps none; with `trace` it has spikes and v. A
        target starts from zero: `state` must be None. With `trace` and a held input the
        model's own whole inference runs as well; InconsistentError if it scores differently.

        Any error ends the emulator; the next call starts a new one.
        """
        if state is not None:
            raise ValueError("state: a target starts from zero membranes; leave it out")
        array, steps = check_input(self.model, x, steps)
        recorder = _Recorder(self.model, len(array), steps, trace)
        try:
            for index, row in enumerate(_vectors(self.model, array, steps)):
                recorder.run(self.device, index, row)
                if progress:
                    progress(index + 1, len(array))
        except BaseException:
            self.close()
            raise
        return recorder.result()

    def benchmark(self, x: ArrayLike, steps: int | None = None) -> Counts:
        """Return exact instruction counts of every call for a batch of inputs.

        x is as for `run`. The firmware runs in an emulator of its own that counts.
        """
        calls = self._calls(x, steps, lambda device, what: _count(device, what, self.board))
        return Counts(*(calls[what] for what in (What.INPUT, What.STEP, What.INFER)))

    def parts(self, x: ArrayLike, steps: int | None = None) -> PartCounts:
        """Return the instructions of every part of every call; x is as for `run`.

        The firmware must be built with MARKS. The marks keep a few values out of registers: the
        parts add up to the call's own count within a few instructions.
        """
        if not set(MARKS) <= set(self.flags):
            raise ValueError("parts: the firmware has no marks; pass flags=codegen.target.MARKS")
        calls = self._calls(x, steps, lambda device, what: _parts(device, what, self.board))
        names = (What.INPUT, What.STEP, What.SCORES, What.INFER)
        return PartCounts(*(calls[what] for what in names))

    def stack(self, x: ArrayLike, steps: int | None = None) -> dict[What, int]:
        """Return the most bytes of stack that each kind of call took, by a painted stack."""
        calls = self._calls(x, steps, lambda device, what: device.stack(what))
        return {what: int(used.max()) for what, used in calls.items() if used is not None}

    def _calls(
        self, x: ArrayLike, steps: int | None, measure: Callable[[Device, What], Any]
    ) -> dict[What, Any]:
        """Return what `measure` gives for every call, (batch, ...) or for steps (batch, step, ...).

        The firmware runs in an emulator of its own that counts instructions.
        """
        array, steps = check_input(self.model, x, steps)
        found: dict[What, list[Any]] = {what: [] for what in What}
        qemu, device = self.connect(counting=True)
        with qemu:
            for held, vectors in _vectors(self.model, array, steps):
                device.reset(held)
                for what in self._once(What.INPUT):
                    found[what].append(measure(device, what))
                each = []
                for vector in vectors:
                    if vector:
                        device.input(vector)
                    each.append(measure(device, What.STEP))
                found[What.STEP].append(each)
                for what in self._once(What.SCORES, What.INFER):
                    found[what].append(measure(device, what))
        return {what: np.array(rows) if rows else None for what, rows in found.items()}

    def _once(self, *calls: What) -> list[What]:
        """Return those of the calls that this kind of model has."""
        held, fixed = self.model.input.held, self.model.steps is not None
        there = {What.INPUT: held, What.SCORES: fixed, What.INFER: held and fixed}
        return [what for what in calls if there[what]]


def _count(device: Device, what: What, board: Board) -> int:
    return check_count(device.benchmark(what), board.clock_hz)


def _parts(device: Device, what: What, board: Board) -> list[int]:
    """Return the instructions of each part of a call."""
    count = device.benchmark(what)
    check_count(count, board.clock_hz)
    return instructions_of(device.parts(), count.ticks_per_1000)


def footprint(model: Model) -> tuple[int, int]:
    """Return what a model takes on a board, (flash, ram) in bytes, its code left out.

    Flash: weights and constants. RAM: the state, one input vector, scores, output spikes.
    """
    program = plan(model)
    if isinstance(model.input, Spikes):
        vector = 4 * words_for(model.input.size)
    else:
        vector = model.input.size
    scores = 4 * model.outputs if model.readout else 0
    spikes = 4 * words_for(model.layers[-1].size)
    return program.flash_bytes, program.ram_bytes + vector + scores + spikes


# --------------------------------------------------------------------- inputs

Vectors = tuple[bytes, list[bytes]]
"""What is written at the reset, and before each step."""


def _vectors(model: Model, x: NDArray[Any], steps: int) -> list[Vectors]:
    """Return the bytes of every sample: one vector where it is held, else one per step."""
    if model.input.held:
        return [(row.tobytes(), [b""] * steps) for row in x]
    if isinstance(model.input, Spikes):
        x = pack_bits(x)
    return [(b"", [vector.tobytes() for vector in row]) for row in x]


# -------------------------------------------------------------------- results


class _Recorder:
    """Runs sample after sample and collects what the target says."""

    def __init__(self, model: Model, batch: int, steps: int, trace: bool) -> None:
        self.model = model
        self.trace = trace
        self.every_step = trace or model.steps is None
        self.held = model.input.held
        self.size = sum(words_for(layer.size) + layer.size for layer in model.layers)
        kept = steps if self.every_step else 1
        self.words = np.zeros((batch, kept, self.size), np.uint32)
        self.scores = np.zeros((batch, model.outputs), np.int32)
        self.predictions = np.zeros(batch, np.int64)

    def run(self, device: Device, index: int, vectors: Vectors) -> None:
        """Run one sample."""
        if self.every_step:
            self._run_traced(device, index, vectors)
        elif self.held:
            self._keep(index, device.infer(self.model.outputs, vectors[0]))
            self.words[index, 0] = device.probe(0, self.size)
        else:
            device.reset(vectors[0])
            for vector in vectors[1]:
                device.step(vector)
            self._keep(index, device.scores(self.model.outputs))
            self.words[index, 0] = device.probe(0, self.size)

    def _run_traced(self, device: Device, index: int, vectors: Vectors) -> None:
        device.reset(vectors[0])
        for t, vector in enumerate(vectors[1]):
            self.words[index, t] = device.trace_step(self.size, vector)
        if self.model.steps is None:
            return
        self._keep(index, device.scores(self.model.outputs))
        if self.held:
            self._compare(index, *device.infer(self.model.outputs))

    def _keep(self, index: int, answer: tuple[int, NDArray[np.int32]]) -> None:
        self.predictions[index], self.scores[index] = answer

    def _compare(self, index: int, winner: int, scores: NDArray[np.int32]) -> None:
        """Refuse a whole inference that differs from its steps."""
        if winner != self.predictions[index] or (scores != self.scores[index]).any():
            raise InconsistentError(
                f"sample {index}: the whole inference gives class {winner} with scores "
                f"{scores.tolist()}; its steps give class {self.predictions[index]} with "
                f"{self.scores[index].tolist()}"
            )

    def result(self) -> Result:
        """Return everything, as Model.run would."""
        spikes, membranes = self._split()
        scored = self.model.steps is not None
        return Result(
            scores=self.scores if scored else None,
            predictions=self.predictions if scored else None,
            output=None if scored else spikes[-1],
            state=self._final(membranes),
            spikes=spikes if self.trace else None,
            u=None,
            v=membranes if self.trace else None,
        )

    def _split(self) -> tuple[tuple[NDArray[np.bool_], ...], tuple[NDArray[np.int32], ...]]:
        """Return spikes and membranes of every layer, (batch, step, neuron) each."""
        spikes, membranes, start = [], [], 0
        for layer in self.model.layers:
            middle = start + words_for(layer.size)
            end = middle + layer.size
            spikes.append(unpack_bits(self.words[..., start:middle], layer.size))
            membranes.append(np.ascontiguousarray(self.words[..., middle:end]).view(np.int32))
            start = end
        return tuple(spikes), tuple(membranes)

    def _final(self, membranes: tuple[NDArray[np.int32], ...]) -> State:
        """Return the membranes after the last step; zeros if there was none."""
        return tuple(
            v[:, -1].copy() if v.shape[1] else np.zeros_like(v[:, 0:1].sum(1)) for v in membranes
        )
