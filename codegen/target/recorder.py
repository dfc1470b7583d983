"""The requests for a sample, and the replies of a target, put together as a Result."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.base.errors import InconsistentError
from codegen.checks.states import (
    arrays_of,
    further_of,
    integral_of,
    membranes_of,
    state_values,
)
from codegen.kernels.pack import pack_bits, signal_words, unpack_signal
from codegen.target.device import Answer, Device
from qat.model import Model, Result, Spikes, State

# --------------------------------------------------------------------- inputs

Vectors = tuple[bytes, list[bytes]]
"""What is written at the reset, and before each step."""


def bytes_of(model: Model, x: NDArray[Any], steps: int) -> list[Vectors]:
    """Return the bytes of every sample: one vector where it is held, else one per step."""
    if model.input.held:
        return [(row.tobytes(), [b""] * steps) for row in x]
    if isinstance(model.input, Spikes):
        x = pack_bits(x)
    return [(b"", [vector.tobytes() for vector in row]) for row in x]


# -------------------------------------------------------------------- results


class Recorder:
    """Runs sample after sample and collects what the target says."""

    def __init__(
        self, model: Model, batch: int, steps: int, trace: bool, membranes: bool = True
    ) -> None:
        self.model = model
        self.trace = trace
        self.membranes = membranes
        self.every_step = trace or model.steps is None
        self.held = model.input.held
        self.parts = [
            (signal_words(layer.sends, layer.levels), state_values(model, index))
            for index, layer in enumerate(model.layers)
        ]
        self.size = sum(words + membranes for words, membranes in self.parts)
        kept = steps if self.every_step else 1
        self.words = np.zeros((batch, kept, self.size), np.uint32)
        self.scores = np.zeros((batch, model.outputs), np.int32)
        self.predictions = np.zeros(batch, np.int64)
        self.made = np.full(batch, steps)

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
                if device.decided:
                    break
            self._keep(index, device.scores(self.model.outputs))
            self.words[index, 0] = device.probe(0, self.size)

    def _run_traced(self, device: Device, index: int, vectors: Vectors) -> None:
        device.reset(vectors[0])
        last = len(vectors[1]) - 1
        for t, vector in enumerate(vectors[1]):
            if self.membranes:
                self.words[index, t] = device.trace_step(self.size, vector)
            else:
                self._step_for_spikes(device, self.words[index, t], vector, t == last)
            if device.decided:
                break
        if self.model.steps is None:
            return
        self._keep(index, device.scores(self.model.outputs))
        if self.held:
            self._compare(index, device.infer(self.model.outputs))

    def _step_for_spikes(
        self, device: Device, row: NDArray[np.uint32], vector: bytes, last: bool
    ) -> None:
        """Run one step and fetch the signal of every layer; membranes of the last step alone."""
        device.step(vector)
        if last or device.decided:
            row[:] = device.probe(0, self.size)
            return
        start = 0
        for words, membranes in self.parts:
            row[start : start + words] = device.probe(start, words)
            start += words + membranes

    def _keep(self, index: int, answer: Answer) -> None:
        self.predictions[index], self.scores[index], self.made[index] = answer

    def _compare(self, index: int, whole: Answer) -> None:
        """Refuse a whole inference that differs from its steps."""
        single = Answer(self.predictions[index], self.scores[index], self.made[index])
        if whole[::2] != single[::2] or (whole.scores != single.scores).any():
            raise InconsistentError(
                f"sample {index}: the whole inference gives class {whole.winner} after "
                f"{whole.steps} steps with scores {whole.scores.tolist()}; its steps give class "
                f"{single.winner} after {single.steps} with {single.scores.tolist()}"
            )

    def result(self) -> Result:
        """Return everything, as Model.run would."""
        spikes, kept = self._split()
        told = self.trace and self.membranes
        scored = self.model.steps is not None
        return Result(
            scores=self.scores if scored else None,
            predictions=self.predictions if scored else None,
            output=None if scored else spikes[-1],
            state=self._final(kept),
            spikes=spikes if self.trace else None,
            u=None,
            v=tuple(map(membranes_of, self.model.layers, kept)) if told else None,
            steps=None if self.model.stop is None else self.made,
            further=tuple(map(further_of, self.model.layers, kept)) if told else None,
            integral=integral_of(self.model, kept[-1]) if told else None,
        )

    def _split(self) -> tuple[tuple[NDArray[Any], ...], tuple[NDArray[np.int32], ...]]:
        """Return the signal (batch, step, value) and the state of every layer, which may be none.

        state: (batch, step, values), array behind array
        """
        spikes, kept, start = [], [], 0
        for layer, (words, values) in zip(self.model.layers, self.parts, strict=True):
            middle, end = start + words, start + words + values
            found = self.words[..., start:middle]
            spikes.append(unpack_signal(found, layer.sends, layer.levels))
            kept.append(np.ascontiguousarray(self.words[..., middle:end]).view(np.int32))
            start = end
        return tuple(spikes), tuple(kept)

    def _final(self, kept: tuple[NDArray[np.int32], ...]) -> State:
        """Return the state after the last step that was made; zeros if there was none."""
        arrays = [
            one
            for layer, values in zip(self.model.layers, kept, strict=True)
            for one in arrays_of(layer, values).values()
        ]
        if not self.words.shape[1]:
            return tuple(np.zeros((len(v), v.shape[2]), np.int32) for v in arrays)
        last = np.minimum(self.made, self.words.shape[1]) - 1
        return tuple(v[np.arange(len(v)), last] for v in arrays)
