"""Run a model on a device that holds it: results, streams of samples, counts, stack."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial, wraps
from itertools import pairwise
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from codegen.base.closing import Closing
from codegen.base.errors import ProtocolError, RestartedError, WrongModelError
from codegen.checks.streams import Stream, check_samples, ends_of
from codegen.kernels.pack import signal_words, unpack_bits, unpack_signal
from codegen.target.boards import Board
from codegen.target.counting import What, check_count, instructions_of
from codegen.target.device import Device, Heard, Info
from codegen.target.recorder import Recorder, Vectors, bytes_of
from qat.model import Model, Result, State, check_input

MOST_RESTARTS = 3
"""How often a board may restart during one sample before that is an error."""
P = ParamSpec("P")
R = TypeVar("R")
Progress = Callable[[int, int], None]
"""Called with (samples done, samples in all)."""


@dataclass(frozen=True, eq=False)
class Counts:
    """Instructions of single calls, exact, or cycles; a call's forwarding in binding.h included.

    input: (batch,) holding an input; None where there is a vector a step
    step:  (batch, steps); 0 for those that an early stop saves
    scores: (batch,) after the last step; None for a free-running model
    infer: (batch,) a whole inference; None unless the input is held and T fixed
    """

    input: NDArray[np.int64] | None
    step: NDArray[np.int64]
    scores: NDArray[np.int64] | None
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


CALLS = (What.INPUT, What.STEP, What.SCORES, What.INFER)
"""The calls that are measured, in the order of the fields of Counts and PartCounts."""

MARKS = ("-DMODEL_MARKS=1",)
"""Compiler options of a firmware that counts each part."""


class Running(Protocol):
    """What a device is behind: an emulator or a serial port."""

    def close(self) -> None:
        """End it."""


def _one_at_a_time(
    method: Callable[Concatenate[Runner, P], R],
) -> Callable[Concatenate[Runner, P], R]:
    """Let threads that call a runner wait for each other: a device has one state."""

    @wraps(method)
    def waiting(self: Runner, *args: P.args, **kwargs: P.kwargs) -> R:
        with self._busy:
            return method(self, *args, **kwargs)

    return waiting  # type: ignore[return-value]  # that the first parameter is called self


class Runner(Closing):
    """What targets of every kind share: a device that holds a model, and runs on it.

    Several threads may use one; their calls take turns.
    """

    trace_membranes = True

    def __init__(self, model: Model, board: Board, timeout: float) -> None:
        self.model = model
        self.board = board
        self.timeout = timeout
        self._busy = threading.RLock()
        self.flags: tuple[str, ...] = ()
        self.restarts = 0
        self._running: Running | None = None
        self._device: Device | None = None

    # -------------------------------------------------------- connection

    @abstractmethod
    def connect(self, counting: bool = False) -> tuple[Running, Device]:
        """Start or find the firmware and return it once it has said that it holds this model."""

    def _check(self, info: Info) -> None:
        digest = self.model.digest()
        if info.digest != digest:
            raise WrongModelError(
                f"{self.board.name}: the firmware holds model {info.name} with digest "
                f"{info.digest}; asked for {self.model.name} with {digest}{self._wrong_model()}"
            )
        sizes = tuple(layer.size for layer in self.model.layers)
        if info.layers != sizes or info.steps != (self.model.steps or 0):
            raise WrongModelError(
                f"{self.board.name}: the firmware has layers {info.layers} and {info.steps} steps; "
                f"the model has {sizes} and {self.model.steps or 0}"
            )

    def _wrong_model(self) -> str:
        """Return what to do about a firmware that holds another model."""
        return ""

    @property
    def device(self) -> Device:
        """The running firmware, started now if it is not."""
        if self._device is None:
            self._running, self._device = self.connect()
        return self._device

    @_one_at_a_time
    def info(self) -> Info:
        """Return what the firmware says about itself."""
        return self.device.info()

    @_one_at_a_time
    def close(self) -> None:
        """End the emulator, or give the serial port back."""
        if self._running is not None:
            self._running.close()
        self._running = self._device = None

    # --------------------------------------------------------------- run

    @_one_at_a_time
    def run(
        self,
        x: ArrayLike,
        state: State | None = None,
        trace: bool = False,
        steps: int | None = None,
        progress: Progress | None = None,
    ) -> Result:
        """Run the model on the target; arguments and result are those of Model.run.

        The result has no u, for the target keeps none; with `trace` it has spikes and v, unless
        trace_membranes is off. A target starts from zero: `state` must be None. With `trace` and
        a held input the model's own whole inference runs as well; InconsistentError if it scores
        differently. A sample during which a board restarts is run anew.

        Any other error ends the connection; the next call makes a new one.
        """
        if state is not None:
            raise ValueError("state: a target starts from zero membranes; leave it out")
        array, steps = check_input(self.model, x, steps)
        recorder = Recorder(self.model, len(array), steps, trace, self.trace_membranes)
        try:
            for index, row in enumerate(bytes_of(self.model, array, steps)):
                run = partial(recorder.run, index=index, vectors=row)
                self._surely(f"sample {index}", run)
                if progress:
                    progress(index + 1, len(array))
        except BaseException:
            self.close()
            raise
        return recorder.result()

    def _surely(
        self, name: str, work: Callable[[Device], Any], device: Device | None = None
    ) -> Any:
        """Return what `work` gives, done anew whenever the board restarts meanwhile."""
        for attempt in range(MOST_RESTARTS):
            try:
                if device is None:
                    device = self.device  # which greets the board
                elif attempt:
                    device.open()
                    self._check(device.info())
                return work(device)
            except RestartedError:
                self.restarts += 1
        raise RestartedError(
            f"{self.board.name}: restarted {MOST_RESTARTS} times during {name}: look at its "
            "supply, and whether another program uses its port"
        )

    @_one_at_a_time
    def stream(self, samples: ArrayLike) -> Stream:
        """Send raw samples through the model's sensor on the target.

        samples: (samples, channels), values that int16 holds. Returns what
        `codegen.checks.streams.expected` does. Results are asked for where the model has one: what
        comes elsewhere is counted, and shows as a result too many.

        A board that restarts meanwhile gets them all anew. Any other error ends the connection;
        the next call makes a new one.
        """
        raw = check_samples(self.model, samples)
        try:
            stream = partial(_stream, model=self.model, raw=raw)
            found: Stream = self._surely("a recording", stream)
            return found
        except BaseException:
            self.close()
            raise

    @_one_at_a_time
    def sample_counts(self, samples: ArrayLike) -> NDArray[np.int64]:
        """Return the exact instructions of <name>_sample for each of (samples, channels).

        The firmware runs in an emulator of its own that counts; those of the frame around the
        call, some ten, are included.
        """
        raw = check_samples(self.model, samples)
        running, device = self.connect(counting=True)
        counts = []
        try:
            for i, sample in enumerate(raw):
                device.sample(sample, i == 0, True, self.model.detector is not None)
                counts.append(_count(device, What.SAMPLE, self.board))
        finally:
            running.close()
        return np.array(counts, np.int64)

    def benchmark(self, x: ArrayLike, steps: int | None = None) -> Counts:
        """Return what every call takes for a batch of inputs; x is as for `run`.

        Emulated boards count instructions, exactly, in an emulator of its own; boards of hardware
        cycles, those of interrupts that come meanwhile included.
        """
        calls = self._calls(x, steps, lambda device, what: _count(device, what, self.board))
        return Counts(*(calls[what] for what in CALLS))

    def parts(self, x: ArrayLike, steps: int | None = None) -> PartCounts:
        """Return the instructions of every part of every call; x is as for `run`.

        The firmware must be built with MARKS. The marks keep a few values out of registers: the
        parts add up to the call's own count within a few instructions.
        """
        if not set(MARKS) <= set(self.flags):
            raise ValueError(
                "parts: the firmware has no marks; pass flags=codegen.target.runner.MARKS"
            )
        calls = self._calls(x, steps, lambda device, what: _parts(device, what, self.board))
        return PartCounts(*(calls[what] for what in CALLS))

    def stack(self, x: ArrayLike, steps: int | None = None) -> dict[What, int]:
        """Return the most bytes of stack that each kind of call took, by a painted stack."""
        calls = self._calls(x, steps, lambda device, what: device.stack(what))
        return {what: int(used.max()) for what, used in calls.items() if used is not None}

    @_one_at_a_time
    def _calls(
        self, x: ArrayLike, steps: int | None, measure: Callable[[Device, What], Any]
    ) -> dict[What, Any]:
        """Return what `measure` gives for every call, (batch, ...) or for steps (batch, step, ...).

        An emulated firmware runs in an emulator of its own that counts instructions.
        """
        array, steps = check_input(self.model, x, steps)
        made = self.model.run(array, steps=steps).steps
        found: dict[What, list[Any]] = {what: [] for what in What}
        running, device = self.connect(counting=True)
        try:
            for index, row in enumerate(bytes_of(self.model, array, steps)):
                done = steps if made is None else int(made[index])
                each = partial(self._call_each, row=row, made=done, measure=measure)
                for what, rows in self._surely(f"sample {index}", each, device).items():
                    found[what] += rows
        finally:
            running.close()
        return {what: np.array(rows) if rows else None for what, rows in found.items()}

    def _call_each(
        self,
        device: Device,
        row: Vectors,
        made: int,
        measure: Callable[[Device, What], Any],
    ) -> dict[What, list[Any]]:
        """Measure every call of one sample, `made` steps; return what it gave, in a list each."""
        held, vectors = row
        device.reset(held)
        found = {what: [measure(device, what)] for what in self._once(What.INPUT)}
        each = []
        for vector in vectors[:made]:
            if vector:
                device.input(vector)
            each.append(measure(device, What.STEP))
        each += [np.zeros_like(each[0])] * (len(vectors) - made) if each else []
        found[What.STEP] = [each]
        return found | {
            what: [measure(device, what)] for what in self._once(What.SCORES, What.INFER)
        }

    def _once(self, *calls: What) -> list[What]:
        """Return those of the calls that this kind of model has."""
        held, fixed = self.model.input.held, self.model.steps is not None
        there = {What.INPUT: held, What.SCORES: fixed, What.INFER: held and fixed}
        return [what for what in calls if there[what]]


def _count(device: Device, what: What, board: Board) -> int:
    count = device.benchmark(what)
    return count.instructions if board.hardware else check_count(count, board)


def _parts(device: Device, what: What, board: Board) -> list[int]:
    """Return the instructions of each part of a call."""
    count = device.benchmark(what)
    check_count(count, board)
    return instructions_of(device.parts(), count.ticks_per_1000, board.architecture.wrapping)


def _stream(device: Device, model: Model, raw: NDArray[np.int16]) -> Stream:
    """Send samples up to every expected result, then the rest; collect what came."""
    ends = (ends_of(model, len(raw)) + 1).tolist()
    detects = model.detector is not None
    last = device.sample(raw[:0], restart=True, detects=detects)
    unheard = replace(last, when=-1, winner=-1)  # of several results, only the last one is told
    came: list[Heard] = []
    for start, end in pairwise([0, *ends, len(raw)]):
        now = device.sample(raw[start:end], detects=detects)
        if now.results - last.results > end - start or len(now.words) != len(last.words):
            raise ProtocolError(
                f"the firmware tells {now.results - last.results} results of {end - start} samples "
                f"with {len(now.words)} words; must be at most one a sample, of {len(last.words)}"
            )
        if now.results > last.results:
            came += [unheard] * (now.results - last.results - 1) + [now]
        last = now
    when = np.array([one.when for one in came], np.int64)
    rows = np.array([one.words for one in came], np.uint32).reshape(len(came), -1)
    if model.readout is None:
        return Stream(when, output=_signal(rows, model))
    winners = np.array([one.winner for one in came], np.int64)
    found = Stream(when, winners, rows.view(np.int32))
    if not detects:
        return found
    return replace(found, detections=np.array([one.detected for one in came], np.int64))


def _signal(rows: NDArray[np.uint32], model: Model) -> NDArray[Any]:
    """Return what of the last signal the words of each result tell: they end where a frame does.

    Of counts, whose planes lie one behind the other, that is all or nothing.
    """
    levels, words = model.layers[-1].levels, rows.shape[1]
    if words == signal_words(model.outputs, levels):
        return unpack_signal(rows, model.outputs, levels)
    if levels == 1:
        return unpack_bits(rows, min(model.outputs, 32 * words))
    return np.zeros((len(rows), 0), np.uint8)
