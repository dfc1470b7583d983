"""Layers that do no work: all zero, silent or saturated, described in words.

A neuron is silent if it never spiked on validation data, saturated if it spiked at nearly every
step there, mute if its proved range ends below its threshold, for every possible input.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.model import Model
from qat.train.fold import Constants
from qat.train.network import Network

SATURATED = 0.95
"""Spikes per step from which a neuron counts as saturated."""

MANY = 0.25
"""Part of a layer's neurons that is worth a word."""


@dataclass(frozen=True)
class Health:
    """Neurons of a layer that do no work; None where that was not measured.

    where:   the layer's name
    neurons: how many there are
    empty:   neurons without a weight other than zero
    """

    where: str
    neurons: int
    empty: int
    mute: int = 0
    silent: int | None = None
    saturated: int | None = None


_WORDS: tuple[tuple[Callable[[Health], int | None], str, str], ...] = (
    (
        lambda h: h.empty,
        "have no weight but zero",
        "use fewer neurons, a lower weight_decay or more bits",
    ),
    (
        lambda h: h.mute if h.mute > h.empty else 0,
        "reach their threshold with no input",
        "train longer, or with a lower rate_penalty",
    ),
    (
        lambda h: h.silent if (h.silent or 0) > max(h.empty, h.mute) else 0,
        "never spiked on validation data",
        "use fewer neurons, or a lower rate_penalty",
    ),
    (
        lambda h: h.saturated,
        "spiked at nearly every step on validation data",
        "raise rate_penalty, or check the scale of the inputs",
    ),
)
"""What is counted, how it reads, and what to do."""


def in_words(layers: Iterable[Health]) -> Iterator[str]:
    """Yield a line for everything that a quarter of a layer's neurons or more have in common."""
    for health in layers:
        for count_of, what, remedy in _WORDS:
            count = count_of(health) or 0
            if count >= MANY * health.neurons:
                all_or_some = "all" if count == health.neurons else f"{count} of"
                yield f"{health.where}: {all_or_some} {health.neurons} neurons {what}; {remedy}"


def idle_neurons(net: Network, x: NDArray[Any]) -> list[dict[str, int]]:
    """Return how many channels of each spiking layer are silent, how many saturated, on inputs x.

    The channels of a dense layer are its neurons.
    """
    constants = net.fold()
    counts = [np.zeros((twin.sends // twin.channels, twin.channels)) for twin in net.layers]
    for piece in net.pieces(x):
        for count, trace in zip(counts, net.forward(piece, constants).traces, strict=True):
            np.add(count, trace.spikes.sum(axis=(0, 1)).reshape(count.shape), out=count)
    most = [SATURATED * len(x) * net.steps * twin.levels for twin in net.layers]
    return [
        {
            "silent": int((c.max(axis=0) == 0).sum()),
            "saturated": int((c.min(axis=0) >= m).sum()),
        }
        for c, m in zip(counts, most, strict=True)
    ]


def of_network(net: Network) -> tuple[str, ...]:
    """Return a line for every layer that is silent, saturated or all zero, for a part of it.

    What was measured comes from the report of the training.
    """
    return tuple(
        in_words(
            Health(
                _name(net, i), twin.channels, _empty(*_codes(folded)), **_measured(net.report, i)
            )
            for i, (twin, folded) in enumerate(zip(net.twins, net.fold(), strict=True))
        )
    )


def _codes(folded: Constants) -> list[NDArray[Any]]:
    return [folded.codes, *(edge.codes for edge in folded.more)]


def of_model(model: Model) -> tuple[str, ...]:
    """Return the same for an integer model, whose bounds say more."""
    found = []
    for i, (layer, bound) in enumerate(zip(model.layers, model.bounds().layers, strict=True)):
        empty = _empty(*(edge.synapse.weights for edge in layer.edges))
        mute = int((bound.u.hi < layer.neuron.least).sum())
        measured = _measured(model.metadata, i)
        found.append(Health(f"layer {i}", layer.channels, empty, mute, **measured))
    for synapse in model.readout.synapses if model.readout is not None else ():
        measured = _measured(model.metadata, len(found))
        found.append(Health("readout", synapse.channels, _empty(synapse.weights), **measured))
    return tuple(in_words(found))


def _name(net: Network, index: int) -> str:
    return f"layer {index}" if index < len(net.layers) else "readout"


def _empty(*weights: NDArray[Any]) -> int:
    """Return how many channels have no weight but zero, on any edge."""
    zero = [(one.reshape(len(one), -1) == 0).all(axis=1) for one in weights]
    return int(np.all(zero, axis=0).sum())


def _measured(report: Mapping[str, Any], layer: int) -> dict[str, int]:
    """Return what training counted, nothing if the report says nothing of it."""
    rows = report.get("idle_neurons")
    row = rows[layer] if isinstance(rows, list) and layer < len(rows) else None
    if not isinstance(row, dict):
        return {}
    return {n: row[n] for n in ("silent", "saturated") if isinstance(row.get(n), int)}
