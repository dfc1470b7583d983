"""The execution of a model in NumPy: the specification that every other stage must equal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qat.model.bounds import Bounds
from qat.model.records import LIF, Accumulate, Analog, Dense, Layer

if TYPE_CHECKING:
    from qat.model import Model

Int32 = NDArray[np.int32]
Bool = NDArray[np.bool_]
State = tuple[Int32, ...]
"""The membranes of every layer: int32 arrays of shape (batch, neurons)."""

BATCH_VALUES = 2**22
"""Membranes that are computed in one piece, so that memory stays bounded."""


@dataclass(frozen=True, eq=False)
class Result:
    """What a run returns.

    scores:      (batch, outputs) int32; None for a free-running model
    predictions: (batch,) int64, the first maximum of the scores; None for a free-running model
    output:      (batch, steps, neurons) bool, the spikes of the last layer, for a free-running
                 model; None for the others (trace gives them)
    state:       the membranes after the last step, (batch, neurons) int32 per layer
    spikes, u, v: with trace, per layer (batch, step, neuron): bool, int32, int32
    """

    scores: Int32 | None
    predictions: NDArray[np.int64] | None
    output: Bool | None
    state: State
    spikes: tuple[Bool, ...] | None = None
    u: tuple[Int32, ...] | None = None
    v: tuple[Int32, ...] | None = None


def exact_matmul(x: NDArray[Any], codes: NDArray[Any], magnitude: int) -> NDArray[Any]:
    """Return x @ codes.T as int64, by BLAS in a float type that is exact up to `magnitude`."""
    dtype = np.float32 if magnitude < 2**24 else np.float64
    return np.rint(x.astype(dtype) @ codes.T.astype(dtype)).astype(np.int64)


def currents(synapse: Dense, x: NDArray[Any], magnitude: int) -> Int32:
    """Return I for inputs of shape (..., n_in); `magnitude` bounds |sum_i q_ji * x_i|."""
    a = exact_matmul(x, synapse.codes, magnitude)
    half = (1 << synapse.input_shift) >> 1
    shifted = (a + half) >> synapse.input_shift
    return (shifted * 2**synapse.fraction_bits + synapse.bias).astype(np.int32)


def leak(v: Int32, terms: tuple[int, ...]) -> Int32:
    """Return the sum over the terms of +-(v >> k), the arithmetic shift."""
    total = np.zeros_like(v)
    for k in terms:
        total = total - (v >> -k) if k < 0 else total + (v >> k)
    return total


def lif_step(neuron: LIF, v: Int32, current: Int32) -> tuple[Int32, Bool, Int32]:
    """Return (u, spikes, v after the reset) of one step; all of shape (batch, neurons)."""
    u = v - leak(v, neuron.leak) + current
    if neuron.floor is not None:
        u = np.maximum(u, np.int32(neuron.floor))
    if neuron.ceiling is not None:
        u = np.minimum(u, np.int32(neuron.ceiling))
    spikes = u >= neuron.threshold
    if neuron.reset == "zero":
        return u, spikes, np.where(spikes, np.int32(0), u)
    return u, spikes, u - spikes * neuron.subtracted


def check_input(model: Model, x: ArrayLike, steps: int | None = None) -> tuple[NDArray[Any], int]:
    """Return (x as an array of the input's dtype, number of steps), or raise ValueError.

    x: (batch, inputs) for analog input, (batch, steps, inputs) for frames and spikes.
    """
    array = np.asarray(x)
    kind = type(model.input).__name__
    wanted = (
        ("batch", "inputs") if isinstance(model.input, Analog) else ("batch", "steps", "inputs")
    )
    if array.ndim != len(wanted) or array.shape[-1] != model.input.size:
        raise ValueError(
            f"x: found shape {array.shape}; {kind} input needs ({', '.join(wanted)}) "
            f"with {model.input.size} inputs"
        )
    array = _check_values(model, array)
    if isinstance(model.input, Analog):
        steps = model.steps if steps is None else steps
        if steps is None:
            raise ValueError("steps: a free-running model with analog input needs their number")
    else:
        steps = array.shape[1] if steps is None else steps
        if steps != array.shape[1]:
            raise ValueError(f"steps: found {steps}; x has {array.shape[1]}")
    if model.steps is not None and steps != model.steps:
        raise ValueError(f"x: found {steps} steps; the model runs {model.steps}")
    return array, steps


def _check_values(model: Model, array: NDArray[Any]) -> NDArray[Any]:
    low, high = model.input.low, model.input.high
    if array.dtype.kind == "f":
        if not np.isfinite(array).all() or (array != np.rint(array)).any():
            raise ValueError(f"x: must hold integers in [{low}, {high}]; found fractions or NaN")
    elif array.dtype.kind not in "iub":
        raise ValueError(f"x: found dtype {array.dtype}; must hold integers in [{low}, {high}]")
    if array.size and (array.min() < low or array.max() > high):
        raise ValueError(
            f"x: holds {array.min()} to {array.max()}; the input allows {low} to {high}"
        )
    return array.astype(model.input.dtype)


def check_state(model: Model, state: State | None, batch: int) -> State:
    """Return the initial membranes, zeros by default, or raise ValueError."""
    if state is None:
        return tuple(np.zeros((batch, layer.size), np.int32) for layer in model.layers)
    if model.steps is not None:
        raise ValueError(f"state: this model starts from zero and runs {model.steps} steps")
    shapes = [np.shape(v) for v in state]
    wanted = [(batch, layer.size) for layer in model.layers]
    if shapes != wanted:
        raise ValueError(f"state: found shapes {shapes}; needs {wanted}")
    for index, (v, bounds) in enumerate(zip(state, model.bounds().layers, strict=True)):
        if (v < bounds.v.lo).any() or (v > bounds.v.hi).any():
            raise ValueError(f"state: layer {index} holds a membrane that no run can reach")
    return tuple(np.array(v, dtype=np.int32) for v in state)


def run(model: Model, x: ArrayLike, state: State | None, trace: bool, steps: int | None) -> Result:
    """Run `model` over a batch, in pieces of bounded memory; see Model.run."""
    array, steps = check_input(model, x, steps)
    state = check_state(model, state, len(array))
    widest = max([model.input.size, *(layer.size for layer in model.layers)])
    piece = max(1, BATCH_VALUES // (widest * max(steps, 1)))
    parts = [
        _run_piece(
            model, array[i : i + piece], tuple(v[i : i + piece] for v in state), trace, steps
        )
        for i in range(0, max(len(array), 1), piece)
    ]
    return join(parts)


def join(parts: list[Result]) -> Result:
    """Return the results of consecutive pieces of a batch as one."""
    if len(parts) == 1:
        return parts[0]

    def whole(values: list[Any]) -> Any:
        if values[0] is None:
            return None
        if isinstance(values[0], tuple):
            return tuple(np.concatenate(layer) for layer in zip(*values, strict=True))
        return np.concatenate(values)

    names = Result.__dataclass_fields__
    return Result(**{name: whole([getattr(part, name) for part in parts]) for name in names})


def _run_piece(model: Model, x: NDArray[Any], state: State, trace: bool, steps: int) -> Result:
    """Run layer after layer: a layer's spikes of all steps are the next layer's input."""
    bounds = model.bounds()
    traces, finals = [], []
    signal = x
    for index, layer in enumerate(model.layers):
        magnitude = bounds.layers[index].accumulator.magnitude
        current = currents(layer.synapse, signal, magnitude)
        if current.ndim == 2:  # an analog vector: the same current at every step
            current = np.broadcast_to(current[:, None, :], (len(x), steps, layer.size))
        spikes, u, v, last = _run_layer(layer, current, state[index], trace)
        traces.append((spikes, u, v))
        finals.append(last)
        signal = spikes
    scores = _scores(model, bounds, signal)
    result = Result(
        scores=scores,
        predictions=None if scores is None else scores.argmax(axis=1),
        output=signal if model.readout is None else None,
        state=tuple(finals),
    )
    if not trace:
        return result
    spikes_, u_, v_ = zip(*traces, strict=True)
    return Result(result.scores, result.predictions, result.output, result.state, spikes_, u_, v_)


def _run_layer(
    layer: Layer, current: Int32, v: Int32, trace: bool
) -> tuple[Bool, Int32 | None, Int32 | None, Int32]:
    """Return spikes, u and v of shape (batch, step, neuron), and the last membranes."""
    spikes = np.empty(current.shape, np.bool_)
    us = np.empty(current.shape, np.int32) if trace else None
    vs = np.empty(current.shape, np.int32) if trace else None
    for t in range(current.shape[1]):
        u, spikes[:, t], v = lif_step(layer.neuron, v, current[:, t])
        if us is not None and vs is not None:
            us[:, t], vs[:, t] = u, v
    return spikes, us, vs, v


def _scores(model: Model, bounds: Bounds, spikes: Bool) -> Int32 | None:
    if model.readout is None:
        return None
    counts = spikes.sum(axis=1, dtype=np.int32)
    if not isinstance(model.readout, Accumulate):
        return counts
    assert bounds.accumulator is not None
    assert model.steps is not None
    synapse = model.readout.synapse
    a = exact_matmul(counts, synapse.codes, bounds.accumulator.magnitude)
    scores = a * 2**synapse.fraction_bits + model.steps * synapse.bias.astype(np.int64)
    return scores.astype(np.int32)
