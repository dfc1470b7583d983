"""The equations of the integer model, one Python integer at a time."""

from __future__ import annotations

from typing import Any

from qat.model import LIF, Accumulate, Analog, Dense, Model


def _current(synapse: Dense, x: list[int], j: int) -> int:
    a = sum(int(q) * value for q, value in zip(synapse.codes[j], x, strict=True))
    if synapse.input_shift:
        a = (a + (1 << (synapse.input_shift - 1))) >> synapse.input_shift
    return a * 2**synapse.fraction_bits + _of(synapse.bias, j)


def _of(values: Any, j: int) -> int:
    return int(values if values.ndim == 0 else values[j])


def _neuron(neuron: LIF, v: int, current: int, j: int) -> tuple[int, int, int]:
    leak = sum(-(v >> -k) if k < 0 else v >> k for k in neuron.leak)
    u = v - leak + current
    if neuron.floor is not None:
        u = max(u, neuron.floor)
    if neuron.ceiling is not None:
        u = min(u, neuron.ceiling)
    spike = int(u >= _of(neuron.threshold, j))
    if neuron.reset == "zero":
        return u, spike, 0 if spike else u
    return u, spike, u - spike * _of(neuron.subtracted, j)


def run_one(model: Model, x: Any, steps: int) -> dict[str, Any]:
    """Run one sample; return spikes, u and v as [layer][step][neuron], and the scores."""
    v = [[0] * layer.size for layer in model.layers]
    traces: dict[str, Any] = {name: [[] for _ in model.layers] for name in ("spikes", "u", "v")}
    for t in range(steps):
        signal = [int(value) for value in (x if isinstance(model.input, Analog) else x[t])]
        for index, layer in enumerate(model.layers):
            us, spikes = [], []
            for j in range(layer.size):
                current = _current(layer.synapse, signal, j)
                u, spike, v[index][j] = _neuron(layer.neuron, v[index][j], current, j)
                us.append(u)
                spikes.append(spike)
            for name, values in (("spikes", spikes), ("u", us), ("v", list(v[index]))):
                traces[name][index].append(values)
            signal = spikes
    traces["scores"] = _scores(model, traces["spikes"][-1])
    return traces


def _scores(model: Model, spikes: list[list[int]]) -> list[int] | None:
    if model.readout is None:
        return None
    counts = [sum(column) for column in zip(*spikes, strict=True)]
    if not isinstance(model.readout, Accumulate):
        return counts
    synapse = model.readout.synapse
    assert model.steps is not None
    return [
        sum(int(q) * n for q, n in zip(synapse.codes[j], counts, strict=True))
        * 2**synapse.fraction_bits
        + model.steps * _of(synapse.bias, j)
        for j in range(synapse.n_out)
    ]
