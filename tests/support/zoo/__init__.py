"""One family of made models: all that the records allow, and what each of them is.

What a model is, its tags, is read from its records, so that no tag can be wrong. A test that wants
one of a kind asks `having`; tests/unit/test_zoo.py says what there must be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

import numpy as np

from qat.model import Conv, Latency, Layer, Leaky, Model, Neuron, Spectrum
from support.maps import map_model
from support.zoo import (
    byte_maps,
    counting,
    depthwise,
    echoes,
    golden,
    heard,
    neurons,
    planned,
    readouts,
    sized,
    small,
    tiny,
    windows,
)

WORD = 32
"""Neurons and spikes lie in words of so many bits: sizes around a multiple are edges."""


@dataclass(frozen=True, eq=False)
class Kept:
    """A model of the zoo.

    kernels: those that the choice by costs does not take, {layer: name}; None leaves it the choice
    hunts: it is small in time and hunts planted faults; the others are for abstract interpretation
    """

    model: Model
    kernels: Mapping[int, str] | None = None
    hunts: bool = True

    @property
    def tags(self) -> frozenset[str]:
        """Return what the model is."""
        return frozenset(tags_of(self.model))


def tags_of(model: Model) -> Iterator[str]:
    """Yield kind and sign of the input, bits, neurons, readout, end, rule, sensor, edges."""
    yield type(model.input).__name__.lower()
    if model.input.low < 0:
        yield "signed"
    if isinstance(model.input, Latency) and len(set(model.input.levels)) < len(model.input.levels):
        yield "equal levels"
    for _, synapse in model.synapses():
        yield f"{synapse.bits} bits"
    for layer in model.layers:
        yield from _layer(layer)
        yield from _neuron(layer.neuron)
        yield from _edges(layer.synapse.codes.shape[0])
    yield "free" if model.readout is None else type(model.readout).__name__.lower()
    yield "endless" if model.steps is None else "one step" if model.steps == 1 else "steps"
    if model.stop is not None:
        yield "early stop"
    if model.sensor is not None:
        yield "sound" if isinstance(model.sensor, Spectrum) else "sensor"
        yield "every sample" if model.sensor.group == 1 else "grouped"
        if model.sensor.hop is not None and model.steps is not None:
            yield "overlap" if model.sensor.hop < model.steps else "gaps"


def _layer(layer: Layer) -> Iterator[str]:
    yield type(layer.synapse).__name__.lower()
    if isinstance(layer.synapse, Conv) and layer.synapse.depthwise:
        yield "depthwise"
    if layer.pool is not None:
        yield f"{layer.pool.mode} pool"
    if layer.levels > 1:
        yield "counts"


def _neuron(neuron: Neuron) -> Iterator[str]:
    yield type(neuron).__name__.lower()
    if np.size(neuron.least) > 1:
        yield "own thresholds"
    if not isinstance(neuron, Leaky):
        return
    yield f"reset {neuron.reset}"
    if len(neuron.leaks) > 1:
        yield "classes of leaks"
    for terms in neuron.leaks:
        yield f"{len(terms)} leaks"
    if neuron.floor is not None or neuron.ceiling is not None:
        yield "saturates"


def _edges(size: int) -> Iterator[str]:
    names = {1: "beyond a word", 0: "whole words", WORD - 1: "short of a word"}
    if size % WORD in names:
        yield names[size % WORD]
    if size == 1:
        yield "one neuron"


def _all() -> dict[str, Kept]:
    hunting = chain(
        ((model.name, model) for model in golden.GOLDEN),
        sized.MODELS.items(),
        counting.MODELS.items(),
        neurons.MODELS.items(),
        small.SENSED.items(),
        small.STOPPED.items(),
        heard.MODELS.items(),
        echoes.MODELS.items(),
        planned.far_biases().items(),
    )
    return {
        **{name: Kept(model) for name, model in hunting},
        **{name: Kept(model, kernels) for name, (model, kernels) in planned.models().items()},
        **{name: Kept(byte_maps.MODELS[name], byte_maps.BYTES) for name in byte_maps.HUNTERS},
        **{
            f"windows {seed}": Kept(windows.random_windows(seed), windows.KERNELS)
            for seed in (2, 8, 11, 23, 29, 37)
        },
        **{f"read, {name}": Kept(readouts.EDGES[name], {1: "packed"}) for name in readouts.HUNTERS},
        **{f"4 bits, {name}": Kept(readouts.PAIRS[name], {1: "pairs"}) for name in readouts.PAIRED},
        **{
            f"depthwise {seed}": Kept(depthwise.random_words(seed), depthwise.KERNELS)
            for seed in (2, 15, 18, 20, 32)
        },
        **{
            f"windows together {seed}": Kept(
                windows.random_together(seed), dict.fromkeys(range(3), "windows")
            )
            for seed in (12, 14, 56, 118)
        },
        "maps on integers": Kept(map_model(30)),
        "plain counts": Kept(
            counting.MODELS["several spikes of a held input"], {0: "plain_counts"}
        ),
        **{f"tiny, {name}": Kept(r.model, r.kernels, False) for name, r in tiny.MODELS.items()},
    }


ZOO: dict[str, Kept] = _all()
"""Every model by its name."""


def having(*tags: str) -> dict[str, Model]:
    """Return the models that are all of this; there is at least one."""
    found = {name: kept.model for name, kept in ZOO.items() if kept.tags >= set(tags)}
    assert found, f"the zoo has no model that is {', '.join(tags)}"
    return found
