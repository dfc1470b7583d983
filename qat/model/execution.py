"""The execution of a model in NumPy: the specification that every other stage must equal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qat.model.layer import Layer
from qat.model.neurons import LIF
from qat.model.readouts import Accumulate, EarlyStop
from qat.model.synapses import Dense

if TYPE_CHECKING:
    from qat.model.model import Model

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
    spikes, u, v: with trace, per layer (batch, step, neuron): bool, int32, int32; all 0 in the
                 steps that an early stop has saved
    steps:       (batch,) int64, the steps that were made, for a model that may stop early; None
                 for the others
    """

    scores: Int32 | None
    predictions: NDArray[np.int64] | None
    output: Bool | None
    state: State
    spikes: tuple[Bool, ...] | None = None
    u: tuple[Int32, ...] | None = None
    v: tuple[Int32, ...] | None = None
    steps: NDArray[np.int64] | None = None


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

    x: (batch, inputs) where the input is held, (batch, steps, inputs) elsewhere.
    """
    array = np.asarray(x)
    kind = type(model.input).__name__
    wanted = ("batch", "inputs") if model.input.held else ("batch", "steps", "inputs")
    if array.ndim != len(wanted) or array.shape[-1] != model.input.size:
        raise ValueError(
            f"x: found shape {array.shape}; {kind} input needs ({', '.join(wanted)}) "
            f"with {model.input.size} inputs"
        )
    array = _check_values(model, array)
    if model.input.held:
        steps = model.steps if steps is None else steps
        if steps is None:
            raise ValueError("steps: a free-running model with a held input needs their number")
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
    widest = max([model.input.lines, *(layer.size for layer in model.layers)])
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
    traces = []
    signal = model.input.encode(x, steps)
    for index, layer in enumerate(model.layers):
        magnitude = bounds.layers[index].accumulator.magnitude
        current = currents(layer.synapse, signal, magnitude)
        if current.ndim == 2:  # an analog vector: the same current at every step
            current = np.broadcast_to(current[:, None, :], (len(x), steps, layer.size))
        traces.append(_run_layer(layer, current, state[index], trace or model.stop is not None))
        signal = traces[-1][0]
    spikes, u, v, last = (tuple(rows) for rows in zip(*traces, strict=True))
    made = None
    if model.stop is not None:
        made = _steps_made(model.stop, running_scores(model, signal))
        last = tuple(values[np.arange(len(made)), made - 1] for values in v)
        spikes, u, v = (_until(made, traces) for traces in (spikes, u, v))
    scores = _scores(model, spikes[-1], made)
    return Result(
        scores=scores,
        predictions=None if scores is None else scores.argmax(axis=1),
        output=signal if model.readout is None else None,
        state=last,
        spikes=spikes if trace else None,
        u=u if trace else None,
        v=v if trace else None,
        steps=made,
    )


def _until(made: NDArray[np.int64], traces: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return traces, (batch, step, neuron) per layer, that are 0 from step `made` on."""
    alive = (np.arange(traces[0].shape[1]) < made[:, None])[..., None]
    return tuple(values * alive for values in traces)


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


def _scores(model: Model, spikes: Bool, made: NDArray[np.int64] | None = None) -> Int32 | None:
    """Return the scores, (batch, outputs), after all steps or those that were made."""
    if model.readout is None:
        return None
    assert model.steps is not None
    counts = spikes.sum(axis=1, dtype=np.int32)
    return _scores_of(model, counts, np.array(model.steps) if made is None else made)


def running_scores(model: Model, spikes: Bool) -> Int32:
    """Return the scores as they are after every step, (batch, step, outputs).

    spikes: of the last layer, (batch, step, neuron)
    """
    counts = np.cumsum(spikes, axis=1, dtype=np.int32)
    return _scores_of(model, counts, np.arange(1, spikes.shape[1] + 1))


def _scores_of(model: Model, counts: Int32, steps: NDArray[np.int64]) -> Int32:
    """Return the scores of spike counts, (..., neurons), after `steps` steps, (...)."""
    if not isinstance(model.readout, Accumulate):
        return counts
    accumulator = model.bounds().accumulator
    assert accumulator is not None
    synapse = model.readout.synapse
    a = exact_matmul(counts, synapse.codes, accumulator.magnitude)
    scores = a * 2**synapse.fraction_bits + steps[..., None] * synapse.bias.astype(np.int64)
    return scores.astype(np.int32)


def _steps_made(stop: EarlyStop, scores: Int32) -> NDArray[np.int64]:
    """Return after how many steps the rule ends each inference; scores: (batch, step, outputs)."""
    second, first = np.moveaxis(np.partition(scores, -2)[..., -2:].astype(np.int64), -1, 0)
    reached = first - second >= stop.margin
    reached[:, : stop.first - 1] = False
    reached[:, -1] = True
    return reached.argmax(axis=1) + 1
