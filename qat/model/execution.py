"""The execution of a model in NumPy: the specification that every other stage must equal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qat.model.edges import INPUT, Edge
from qat.model.layer import Layer
from qat.model.signals import Sent, Signal, delayed, delays_of, preceded
from qat.model.state import State, by_layer, check_state, past_of

if TYPE_CHECKING:
    from qat.model.model import Model

Int32 = NDArray[np.int32]
BATCH_VALUES = 2**22
"""Membranes that are computed in one piece, so that memory stays bounded."""


@dataclass(frozen=True, eq=False)
class Result:
    """What a run returns.

    scores:      (batch, outputs) int32; None for a free-running model
    predictions: (batch,) int64, the first maximum of the scores; None for a free-running model
    output:      (batch, steps, values), the signal of the last layer, for a free-running
                 model; None for the others (trace gives them)
    state:       the membranes after the last step, (batch, neurons) int32 per layer; of a layer
                 without memory none. Then the past of signals that are read with a delay, as in
                 State
    spikes:      with trace, the signal of each layer, (batch, step, values): bool for spikes,
                 uint8 or uint16 for counts; what a pool has left of them, where there is one
    u, v:        with trace, for each layer (batch, step, neuron) int32; v has no neuron where the
                 layer has no memory. All 0 in the steps that an early stop has saved
    steps:       (batch,) int64, the steps that were made, for a model that may stop early; None
                 for the others
    integral:    with trace, the membranes of a readout of leaky integrators after every step,
                 (batch, step, outputs) int32; None for other readouts
    further:     with trace, for each layer {name: array like v} of what its neurons keep beside
                 the membrane: {"c": synaptic currents} of CuBa, {"b": what adds to the
                 threshold} of ALIF
    """

    scores: Int32 | None
    predictions: NDArray[np.int64] | None
    output: Signal | None
    state: State
    spikes: tuple[Signal, ...] | None = None
    u: tuple[Int32, ...] | None = None
    v: tuple[Int32, ...] | None = None
    steps: NDArray[np.int64] | None = None
    further: tuple[dict[str, Int32], ...] | None = None
    integral: Int32 | None = None


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


def run(model: Model, x: ArrayLike, state: State | None, trace: bool, steps: int | None) -> Result:
    """Run `model` over a batch, in pieces of bounded memory; see Model.run."""
    array, steps = check_input(model, x, steps)
    state = check_state(model, state, len(array))
    widest = max(model.input.lines, *(_values_at_once(layer) for layer in model.layers))
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

    def whole(values: Sequence[Any]) -> Any:
        if values[0] is None:
            return None
        if isinstance(values[0], tuple):
            return tuple(map(whole, zip(*values, strict=True)))
        if isinstance(values[0], dict):
            return {name: whole([one[name] for one in values]) for name in values[0]}
        return np.concatenate(values)

    names = Result.__dataclass_fields__
    return Result(**{name: whole([getattr(part, name) for part in parts]) for name in names})


def _values_at_once(layer: Layer) -> int:
    """Return how many values lie side by side while a layer computes a step of one input."""
    return max(layer.size, *(edge.synapse.values_at_once for edge in layer.edges))


def _currents(model: Model, index: int, signals: Mapping[int, Sent], steps: int) -> Int32:
    """Return I, (batch, steps, neurons), summed over the edges that read other layers."""
    layer, bounds = model.layers[index], model.bounds().layers[index].edges
    parts = []
    for edge, sums in zip(layer.edges, bounds, strict=True):
        source = edge.reads_from(index)
        if source == index:
            continue
        current = edge.synapse.currents(signals[source].read(edge), sums.magnitude)
        # of an input of values that is held: the same current at every step
        parts.append(current[:, None, :] if current.ndim == 2 else current)
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return np.broadcast_to(total, (len(total), steps, layer.size))


def _run_piece(model: Model, x: NDArray[Any], state: State, trace: bool, steps: int) -> Result:
    """Run layer after layer: what it sends in all steps is what later layers read."""
    traces: list[_Trace] = []
    pasts, every = past_of(model, state), trace or model.stop is not None
    given = model.input.encode(x, steps)
    signals = {INPUT: preceded(pasts.get(INPUT), given)}
    for index, own in enumerate(by_layer(model, state)):
        current = _currents(model, index, signals, steps)
        traces.append(_run_layer(model, index, current, own, pasts.get(index), trace=every))
        signals[index] = traces[-1].signal
    signal = traces[-1].spikes
    made = _steps_made(model, signal)
    last = _last_state(model, traces, signals, made)
    if made is not None:
        traces = [one.until(made) for one in traces]
    scores = _scores(model, traces[-1].spikes, made)
    return Result(
        scores=scores,
        predictions=None if scores is None else scores.argmax(axis=1),
        output=signal if model.readout is None else None,
        state=last,
        spikes=tuple(one.spikes for one in traces) if trace else None,
        u=tuple(one.u for one in traces) if trace else None,
        v=tuple(one.v for one in traces) if trace else None,
        steps=made,
        further=tuple(map(_further, model.layers, traces)) if trace else None,
        integral=_integral(model, signal, made) if trace else None,
    )


def _integral(model: Model, spikes: Signal, made: NDArray[np.int64] | None) -> Int32 | None:
    """Return what the readout keeps after every step, all 0 in those that were not made."""
    if model.readout is None:
        return None
    found = model.readout.kept(spikes, _of_sums(model))
    if found is None or made is None:
        return found
    return found * (np.arange(found.shape[1]) < made[:, None])[..., None]


def _further(layer: Layer, trace: _Trace) -> dict[str, Int32]:
    """Return what neurons keep beside their membranes, by name."""
    return dict(zip(layer.neuron.STATE[1:], trace.kept[1:], strict=True))


def _last_state(
    model: Model,
    traces: list[_Trace],
    signals: Mapping[int, Sent],
    made: NDArray[np.int64] | None,
) -> State:
    """Return the state after the last step, or after the steps that each inference made."""
    pasts = tuple(signals[source].last(made) for source in model.pasts)
    if made is None:
        return (*(array for one in traces for array in one.last), *pasts)
    kept = (array for one in traces for array in one.kept)
    return (*(array[np.arange(len(made)), made - 1] for array in kept), *pasts)


@dataclass(frozen=True, eq=False)
class _Trace:
    """What a layer did.

    signal: what it sent
    u:      (batch, step, neuron); u, and `kept`, are empty where nobody asks for a trace
    kept:   its state arrays after every step, likewise
    last:   its state arrays after the last step, (batch, neuron)
    """

    signal: Sent
    u: Int32
    kept: tuple[Int32, ...]
    last: State

    @property
    def spikes(self) -> Signal:
        """Its signal, (batch, step, value)."""
        return self.signal.steps

    @property
    def v(self) -> Int32:
        """The membranes after every step; none where the neurons have no memory."""
        return self.kept[0] if self.kept else self.u[..., :0]

    def until(self, made: NDArray[np.int64]) -> _Trace:
        """Return the trace with all 0 from step `made`, (batch,), on."""
        alive = (np.arange(self.spikes.shape[1]) < made[:, None])[..., None]
        kept = tuple(values * alive for values in self.kept)
        return replace(self, signal=Sent(self.spikes * alive), u=self.u * alive, kept=kept)


def _run_layer(
    model: Model, index: int, current: Int32, state: State, past: Signal | None, *, trace: bool
) -> _Trace:
    """Run one layer on the currents of what other layers sent, (batch, step, neuron)."""
    layer, (batch, steps) = model.layers[index], current.shape[:2]
    shape = current.shape if trace else (0, *current.shape[1:])
    sent = preceded(past, np.empty((batch, steps, layer.sends), layer.dtype))
    u = np.empty(shape, np.int32)
    kept = tuple(np.empty(shape, np.int32) for _ in state)
    recurrent = _recurrent(model, index)
    for t in range(steps):
        now = current[:, t]
        for edge, magnitude in recurrent:
            arriving = delayed(sent.whole, delays_of(edge), sent.past + t, 1)[:, 0]
            now = now + edge.synapse.currents(arriving, magnitude)
        step = layer.neuron.step(state, now)
        sent.whole[:, sent.past + t], state = layer.signal(step.spikes), step.state
        if trace:
            u[:, t] = step.u
            for values, after in zip(kept, state, strict=True):
                values[:, t] = after
    return _Trace(sent, u, kept, state)


def _recurrent(model: Model, index: int) -> list[tuple[Edge, int]]:
    """Return the edges of a layer that read what it sent itself, with a bound of their sums."""
    edges, sums = model.layers[index].edges, model.bounds().layers[index].edges
    return [
        (edge, own.magnitude)
        for edge, own in zip(edges, sums, strict=True)
        if edge.reads_from(index) == index
    ]


def _scores(model: Model, spikes: Signal, made: NDArray[np.int64] | None = None) -> Int32 | None:
    """Return the scores, (batch, outputs), after all steps or those that were made."""
    if model.readout is None:
        return None
    return model.readout.read(spikes, made, _of_sums(model))


def running_scores(model: Model, spikes: Signal) -> Int32:
    """Return the scores as they are after every step, (batch, step, outputs).

    spikes: the signal of the last layer, (batch, step, value)
    """
    assert model.readout is not None
    return model.readout.by_step(spikes, _of_sums(model))


def _steps_made(model: Model, spikes: Signal) -> NDArray[np.int64] | None:
    """Return after how many steps each inference ends, (batch,); None where all make them all."""
    if model.stop is None:
        return None
    assert model.readout is not None
    scores = running_scores(model, spikes)
    return model.stop.steps_made(scores, model.readout.settled(scores))


def _of_sums(model: Model) -> int:
    """Return a bound of the sums of the readout."""
    sums = model.bounds().accumulator
    return 0 if sums is None else sums.magnitude
