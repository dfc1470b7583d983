"""The equations of the integer model, one Python integer at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from qat.model import LI, Accumulate, Delta, Dense, Latency, Model, Rate, Readout
from support import one_neuron


def _current(synapse: Dense, x: list[int], j: int) -> int:
    a = sum(int(q) * one for q, one in zip(synapse.codes[j], x, strict=True))
    if synapse.input_shift:
        a = (a + (1 << (synapse.input_shift - 1))) >> synapse.input_shift
    return a * 2**synapse.fraction_bits + one_neuron.value(synapse.bias, j)


def _rate(model_input: Rate, x: list[int], steps: int) -> list[list[int]]:
    period = 1
    while period < max(model_input.high, -model_input.low):
        period *= 2
    errors, spikes = [period // 2] * len(x), []
    for _ in range(steps):
        now = []
        for i, value in enumerate(x):
            errors[i] += abs(value)
            now.append(int(errors[i] >= period))
            errors[i] -= period * now[-1]
        if model_input.low < 0:
            up = [s * (value > 0) for s, value in zip(now, x, strict=True)]
            now = up + [s - positive for s, positive in zip(now, up, strict=True)]
        spikes.append(now)
    return spikes


def _latency(model_input: Latency, x: list[int], steps: int) -> list[list[int]]:
    times = [
        next((t for t, level in enumerate(model_input.levels) if value >= level), steps)
        for value in x
    ]
    return [[int(time == t) for time in times] for t in range(steps)]


def _delta(model_input: Delta, x: list[list[int]], steps: int) -> list[list[int]]:
    reference, events = list(x[0]) if steps else [], []
    for t in range(steps):
        up = [int(v - r >= model_input.threshold) for v, r in zip(x[t], reference, strict=True)]
        down = [int(r - v >= model_input.threshold) for v, r in zip(x[t], reference, strict=True)]
        for i in range(len(reference)):
            reference[i] += model_input.threshold * (up[i] - down[i])
        events.append(up + down)
    return events


ENCODERS: dict[type, Any] = {Rate: _rate, Latency: _latency, Delta: _delta}


def encode(model: Model, x: Any, steps: int) -> list[list[int]]:
    """Return what the first layer receives at every step."""
    values = np.asarray(x).astype(int).tolist()
    if type(model.input) in ENCODERS:
        encoded: list[list[int]] = ENCODERS[type(model.input)](model.input, values, steps)
        return encoded
    return [values] * steps if model.input.held else values


def run_one(model: Model, x: Any, steps: int) -> dict[str, Any]:
    """Run one sample; return spikes, u and v as [layer][step][neuron], scores and steps made."""
    state = [[[0] * len(y.neuron.STATE) for _ in range(y.size)] for y in model.layers]
    names = ("spikes", "u", "v", "further")
    traces: dict[str, Any] = {name: [[] for _ in model.layers] for name in names}
    traces["steps"] = 0
    for arriving in encode(model, x, steps):
        signal = arriving
        for index, layer in enumerate(model.layers):
            us, spikes = [], []
            for j in range(layer.size):
                current = _current(layer.synapse, signal, j)
                u, spike, state[index][j] = one_neuron.step(
                    layer.neuron, state[index][j], current, j
                )
                us.append(u)
                spikes.append(spike)
            for name, values in (
                ("spikes", spikes),
                ("u", us),
                ("v", [one[0] for one in state[index]]),
                ("further", [one[1:] for one in state[index]]),
            ):
                traces[name][index].append(values)
            signal = spikes
        traces["steps"] += 1
        traces["scores"] = _scores(model, traces["spikes"][-1])
        if _may_stop(model, traces["scores"], traces["steps"]):
            break
    return traces


def _may_stop(model: Model, scores: list[int] | None, steps: int) -> bool:
    if model.stop is None or scores is None or steps < model.stop.first:
        return False
    best, second = sorted(scores)[:-3:-1]
    least = getattr(model.readout, "threshold", None)
    settled = least is not None and best >= least
    return settled or best - second >= model.stop.margin


def _scores(model: Model, spikes: list[list[int]]) -> list[int] | None:
    return None if model.readout is None else scores_of(model.readout, spikes)


def scores_of(readout: Readout, sent: list[list[int]]) -> list[int]:
    """Return the scores of what the last layer sent, step by step."""
    if isinstance(readout, LI):
        return _integrated(readout, sent)
    counts = [sum(column) for column in zip(*sent, strict=True)]
    if not isinstance(readout, Accumulate):
        return counts
    outputs = range(readout.synapse.n_out)
    bias = [one_neuron.value(readout.synapse.bias, j) for j in outputs]
    return [_current(readout.synapse, counts, j) + (len(sent) - 1) * bias[j] for j in outputs]


def _integrated(readout: LI, sent: list[list[int]]) -> list[int]:
    outputs, history = range(readout.synapse.n_out), []
    v = [0 for _ in outputs]
    for now in sent:
        if readout.score != "first" or max(v) < readout.threshold:
            v = [
                one_neuron.leaked(v[j], readout.leak) + _current(readout.synapse, now, j)
                for j in outputs
            ]
        history.append(v)
    merge = {"max": max, "sum": sum}.get(readout.score, lambda values: values[-1])
    return [merge([row[j] for row in history]) for j in outputs]
