"""Random models with delays, recurrent and skipping edges, and their run in plain integers."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from qat.model import (
    INPUT,
    MAX_DELAY,
    Conv,
    Dense,
    Edge,
    Layer,
    Model,
    Shape,
    Synapse,
)
from support import one_neuron
from support.maps import codes, map_model
from support.naive import encode, scores_of

Rng = np.random.Generator


def edged_model(seed: int, tries: int = 400, **fixed: Any) -> Model:
    """Return a random model with a delay or a further edge somewhere.

    fixed: as for map_model
    """
    for attempt in range(tries):
        rng = np.random.default_rng((seed, attempt, 15))
        model = map_model(int(rng.integers(2**32)), **fixed)
        if sum(y.size * y.synapse.n_in for y in model.layers) > 20_000:
            continue
        try:
            found = _with_edges(model, rng)
        except ValueError:  # a sum beyond int32, a membrane without a bound
            continue
        if found.pasts or any(y.more for y in found.layers):
            return found
    raise AssertionError(f"seed {seed}: no model in {tries} tries")


def _with_edges(model: Model, rng: Rng) -> Model:
    """Return a model whose layers have delays and further edges, drawn at random."""
    layers: list[Layer] = []
    for index, layer in enumerate(model.layers):
        held = index == 0 and model.input.held and not model.input.spiking
        delay = 0 if held or rng.random() < 0.4 else _delay(rng, layer.synapse, 0)
        more = tuple(_edge(rng, model, index) for _ in range(int(rng.choice([0, 1, 1, 2, 3]))))
        layers.append(replace(layer, delay=delay, more=more))
    return replace(model, layers=tuple(layers), name="edged")


def _edge(rng: Rng, model: Model, index: int) -> Edge:
    layer = model.layers[index]
    source = int(rng.integers(INPUT, index + 1))
    own = source == index
    given = layer.shape if own else model.shape_of(source)
    held = source == INPUT and model.input.held and not model.input.spiking
    shift = int(rng.integers(0, 4))
    fields = {"fraction_bits" if model.spikes_of(source) else "input_shift": shift}
    synapse = _synapse(rng, given, layer.map, fields)
    words: dict[int, Any] = {INPUT: "input", index: "self", index - 1: "before"}
    named = words[source] if source in words and (source < 0 or rng.random() < 0.8) else source
    return Edge(synapse, named, 0 if held else _delay(rng, synapse, int(own)))


def _synapse(rng: Rng, given: Shape, map_: Shape, fields: dict[str, int]) -> Synapse:
    """Return weights that make of one shape another: by a convolution where one of 3x3 does."""
    bits = int(rng.choice([2, 2, 4, 8, 16]))
    if given.positions == map_.positions > 1 and min(given.height, given.width) >= 3:
        weights = codes(rng, bits, (map_.channels, 3, 3, given.channels))
        return Conv(weights, given, bits, **fields)
    if map_.positions > 1:
        raise ValueError("no synapse of this shape")
    return Dense(codes(rng, bits, (map_.size, given.size)), bits, **fields)


def _delay(rng: Rng, synapse: Synapse, least: int) -> Any:
    most = int(rng.choice([1, 3, 8, MAX_DELAY]))
    if rng.random() < 0.4:
        return int(rng.integers(least, most, endpoint=True))
    return rng.integers(least, most, synapse.in_channels, endpoint=True)


# ------------------------------------------------------------ the run, one integer at a time


def run_edges(model: Model, x: Any, steps: int) -> dict[str, Any]:
    """Run one sample; return signal, u and v as [layer][step][value], and scores by step."""
    history: dict[int, list[list[int]]] = {INPUT: encode(model, x, steps)}
    history |= {index: [] for index in range(len(model.layers))}
    states = [[[0] * y.size for _ in y.neuron.STATE] for y in model.layers]
    found: dict[str, Any] = {"u": [[] for _ in states], "v": [[] for _ in states], "scores": []}
    for t in range(steps):
        for index, layer in enumerate(model.layers):
            current = [0] * layer.size
            for edge in layer.edges:
                arriving = _arriving(edge, history[edge.reads_from(index)], t)
                for j, one in enumerate(_currents(edge.synapse, arriving)):
                    current[j] += one
            us, spikes = _step(layer, states[index], current)
            found["u"][index].append(us)
            found["v"][index].append(list(states[index][0]) if states[index] else [])
            history[index].append(_pooled(layer, spikes))
        sent = history[len(model.layers) - 1]
        found["scores"].append(None if model.readout is None else scores_of(model.readout, sent))
    found["spikes"] = [history[index] for index in range(len(model.layers))]
    return found


def _arriving(edge: Edge, sent: list[list[int]], t: int) -> list[int]:
    """Return what an edge reads in step t: 0 before the first step."""
    size, channels = edge.synapse.n_in, edge.synapse.in_channels
    delays = np.asarray(edge.delay).tolist()
    each = [delays[i % channels] if isinstance(delays, list) else delays for i in range(size)]
    return [0 if t < d else sent[t - d][i] for i, d in enumerate(each)]


def _currents(synapse: Any, x: list[int]) -> list[int]:
    sums = _dense_sums(synapse, x) if isinstance(synapse, Dense) else _conv_sums(synapse, x)
    bias, channels = np.asarray(synapse.bias).tolist(), synapse.channels
    half = (1 << synapse.input_shift) >> 1
    return [
        ((a + half) >> synapse.input_shift) * 2**synapse.fraction_bits
        + (bias[j % channels] if isinstance(bias, list) else bias)
        for j, a in enumerate(sums)
    ]


def _dense_sums(synapse: Dense, x: list[int]) -> list[int]:
    rows = synapse.codes.tolist()
    return [sum(q * value for q, value in zip(row, x, strict=True)) for row in rows]


def _conv_sums(synapse: Conv, x: list[int]) -> list[int]:
    grid, out, weights = synapse.grid, synapse.shape, synapse.codes.tolist()
    sums = []
    for p, q, o in product(range(out.height), range(out.width), range(out.channels)):
        total = 0
        for ky, kx in product(range(synapse.kernel[0]), range(synapse.kernel[1])):
            row = p * synapse.stride + ky - synapse.pad[0]
            column = q * synapse.stride + kx - synapse.pad[1]
            if 0 <= row < grid.height and 0 <= column < grid.width:
                start = (row * grid.width + column) * grid.channels
                at = [start + o] if synapse.depthwise else range(start, start + grid.channels)
                taps = weights[o][ky][kx]
                total += sum(w * x[i] for w, i in zip(taps, at, strict=True))
        sums.append(total)
    return sums


def _step(layer: Layer, state: list[list[int]], current: list[int]) -> tuple[Any, list[int]]:
    """Return u and the spikes; `state` becomes the one after the step."""
    us, spikes = [], []
    for j, now in enumerate(current):
        u, fired, kept = one_neuron.step(layer.neuron, [values[j] for values in state], now, j)
        for values, left in zip(state, kept, strict=True):
            values[j] = left
        us.append(u)
        spikes.append(fired)
    return us, spikes


def _pooled(layer: Layer, spikes: list[int]) -> list[int]:
    if layer.pool is None:
        return spikes
    grid, (height, width) = layer.map, layer.pool.kernel
    merge = max if layer.pool.mode == "max" else sum
    return [
        merge(
            spikes[((p * height + y) * grid.width + q * width + x) * grid.channels + c]
            for y, x in product(range(height), range(width))
        )
        for p in range(grid.height // height)
        for q in range(grid.width // width)
        for c in range(grid.channels)
    ]
