"""A model as its kernels see it: every layer reads one signal, that of a step.

The signals that the edges of a layer read are laid side by side, each from a word of its own on,
and their weights are columns of one synapse. So a kernel that lists active inputs adds those of all
edges as one list, and knows nothing of sources and delays.

    I_j = sum over e of (sum_i q_eji x_ei << F_e) + b_j = (sum_k q_jk x_k << F) + b_j

with F the fewest of the F_e, and q_jk = q_eji * 2**(F_e - F). A place that is no input has weights
of 0. What reads bytes stays a synapse of its own: its currents are those of a vector.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from codegen.kernels.pack import words_for
from qat.model import Bounds, Dense, Edge, Layer, Model, Shape, Spikes
from qat.model.checks import IntArray
from qat.model.synapses import CODE_RANGE

LANES = 32


@dataclass(frozen=True, eq=False)
class Slice:
    """An edge in the signal that a layer reads.

    reader: the number of the layer that reads; edge: by what
    source: the number of the layer that sent it, INPUT for the input
    size:   values of it
    offset: words before it, in each plane
    """

    reader: int
    edge: Edge
    source: int
    size: int
    offset: int

    @property
    def words(self) -> int:
        """32-bit words of each plane."""
        return words_for(self.size)


@dataclass(frozen=True, eq=False)
class Gathered(Model):
    """A model whose layers read what is brought together for them.

    Its numbers (ranges, digest, shapes of signals) are those of the model that it stands for.

    of:     that model
    slices: of each layer, what is brought together; () for one that reads the layer before
    """

    of: Model | None = None
    slices: tuple[tuple[Slice, ...], ...] = ()

    def validate(self) -> None:
        """Check nothing: what it stands for is a model."""

    @property
    def real(self) -> Model:
        """The model that it stands for."""
        assert self.of is not None
        return self.of

    def bounds(self) -> Bounds:
        """Return the ranges of that model."""
        return self.real.bounds()

    def digest(self) -> str:
        """Return the digest of that model."""
        return self.real.digest()

    def shapes(self) -> tuple[Shape, ...]:
        """Return the shapes of that model's signals."""
        return self.real.shapes()

    def sent(self, source: int) -> tuple[int, int]:
        """Return the smallest and largest value that the layer behind a source reads."""
        index = source + 1
        if index == len(self.layers) or not self.slices[index]:
            return super().sent(source)
        return 0, max(self.real.sent(one.source)[1] for one in self.slices[index])

    @cached_property
    def keeps(self) -> bool:
        """True: signals are read later than by the layer behind them."""
        return any(self.slices)


def seen(model: Model) -> Model:
    """Return a model as its kernels see it: itself where every layer reads the layer before, now.

    model: behind its encoder. Raises ValueError, naming the layer, for edges that no kernel reads.
    """
    slices = tuple(_slices(index, model) for index in range(len(model.layers)))
    if not any(slices):
        return model
    layers = tuple(map(_joined, range(len(slices)), slices, (model,) * len(slices)))
    given = model.input
    if slices[0] and given.spiking:
        given = Spikes(LANES * sum(one.words for one in slices[0]))
    return Gathered(
        given, layers, model.readout, model.steps, model.name, model.metadata, model.stop,
        None, of=model, slices=slices,
    )  # fmt: skip


def reads_bytes(index: int, model: Model) -> bool:
    """Return True for a layer whose first edge reads values, not spikes."""
    return not model.spikes_of(index - 1)


def _slices(index: int, model: Model) -> tuple[Slice, ...]:
    """Return what is brought together for a layer: () if it reads the layer before, in its step."""
    layer = model.layers[index]
    edges = layer.edges[1:] if reads_bytes(index, model) else layer.edges
    if len(layer.edges) == 1 and (not layer.edges[0].longest or edges != layer.edges):
        return ()
    found: list[Slice] = []
    for place, edge in enumerate(edges):
        source = edge.reads_from(index)
        name = f"generate: layer {index}, edge {place + len(layer.edges) - len(edges)}"
        if not model.spikes_of(source):
            raise ValueError(f"{name} reads the input's values; only the first edge of layer 0 may")
        if len(layer.edges) > 1 and not isinstance(edge.synapse, Dense):
            kind = type(edge.synapse).__name__
            raise ValueError(f"{name} is a {kind}; of several edges each must be a Dense")
        before = sum(one.words for one in found)
        found.append(Slice(index, edge, source, model.shape_of(source).size, before))
    if len(layer.edges) > 1 and not isinstance(layer.synapse, Dense):
        kind = type(layer.synapse).__name__
        raise ValueError(f"generate: layer {index}, edge 0 is a {kind}; of several each is a Dense")
    return tuple(found)


def _joined(index: int, slices: tuple[Slice, ...], model: Model) -> Layer:
    """Return a layer that reads what its slices bring together."""
    layer = model.layers[index]
    if not slices:
        return replace(layer, delay=0)
    if len(slices) == 1 and len(layer.edges) == 1:
        return replace(layer, delay=0)
    whole = _side_by_side(index, slices)
    if not reads_bytes(index, model):
        return replace(layer, synapse=replace(whole, bias=layer.synapse.bias), delay=0, more=())
    return replace(layer, delay=0, more=(Edge(whole, "before"),))


def _side_by_side(index: int, slices: tuple[Slice, ...]) -> Dense:
    """Return one synapse of the weights of all slices, in the unit of the finest."""
    fewest = min(one.edge.synapse.fraction_bits for one in slices)
    columns = [_columns(one, fewest) for one in slices]
    codes = np.concatenate(columns, axis=1)
    most, least = int(codes.max()), int(codes.min())
    fitting = [bits for bits, (low, high) in CODE_RANGE.items() if low <= least and most <= high]
    if not fitting:
        raise ValueError(
            f"generate: layer {index}: its edges have weights of {least} to {most} in one unit, "
            "more than 16 bits hold; give them fraction bits that are nearer to each other"
        )
    return Dense(codes, min(fitting), fraction_bits=fewest)


def _columns(one: Slice, fewest: int) -> NDArray[np.int64]:
    """Return the weights of a slice, (n_out, 32 * words)."""
    synapse = one.edge.synapse
    assert isinstance(synapse, Dense)
    codes: IntArray = synapse.codes.astype(np.int64) << (synapse.fraction_bits - fewest)
    return np.pad(codes, ((0, 0), (0, LANES * one.words - one.size)))
