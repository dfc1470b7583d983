"""The parts of a `Sequential`: synapses, neurons and readouts by the names of the field.

Inputs and pools are the records of qat.model (Analog, Frames, Spikes, Rate, Latency, Delta; Pool).
A part says what a layer is made with; the layer itself is a module, `qat.torch.Layer`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from qat.model import INPUT, MAX_DELAY, Pool
from qat.model.checks import integer
from qat.model.conv import PADDINGS
from qat.model.inputs import Input
from qat.model.integrator import Score
from qat.model.leaky import Reset
from qat.model.notation import MOST_CHANNELS, MOST_KERNEL, Extent, LayerNote, PoolNote
from qat.model.shape import Padding
from qat.train.chain import Chain
from qat.train.fold import SPIKES, Inflow
from qat.train.leaky import dynamics_of
from qat.train.neuron import Granularity
from qat.train.neurons import NEURONS
from qat.train.settings import (
    LEAK_B,
    RAISE_BY,
    adaptation,
    bits_per_layer,
    check_edges,
    damping_of,
    integrator_of,
    leak_classes,
    require_known,
    reset_value,
    synaptic_leak,
    truncated,
)
from qat.train.structure import Plan
from qat.train.surrogate import SURROGATES

Source = int | Literal["input"]


@dataclass(frozen=True)
class Dense:
    """Fully connected synapses of a layer, with its further edges.

    neurons:   how many
    bits:      2 (ternary), 4, 8, 16, or None for real weights
    recurrent: the longest delay at which the layer reads what it sent itself, 1 to 31; 0: it does
               not. From 2 on the delays are learned, one for each neuron
    delays:    the longest delay of what it reads, 0 to 31; above 0 learned, one for each source
    skips:     what else it reads: "input", or the number of an earlier layer, from 0
    scale:     weight scales, one per "layer" or one per "neuron"
    bias:      None for one only where it costs nothing: on values of the input
    """

    neurons: int
    bits: int | None = 2
    recurrent: int = 0
    delays: int = 0
    skips: tuple[Source, ...] = ()
    scale: Granularity = "layer"
    bias: bool | None = None

    @property
    def note(self) -> LayerNote:
        """The layer in the notation of layers."""
        return LayerNote(
            integer("Dense.neurons", self.neurons, 1, MOST_CHANNELS),
            delay=integer("Dense.delays", self.delays, 0, MAX_DELAY),
            recurrent=integer("Dense.recurrent", self.recurrent, 0, MAX_DELAY),
            skips=tuple(INPUT if source == "input" else source for source in self.skips),
        )


@dataclass(frozen=True)
class Conv:
    """Convolutional synapses of a layer.

    channels: how many; None for a depthwise convolution
    kernel:   side of a square (a row, on maps of height 1), or (height, width)
    stride, padding: as of qat.model.Conv
    delays:   the longest delay of what it reads; above 0 learned, one for each channel
    bits, scale, bias: as of Dense
    """

    channels: int | None
    kernel: int | tuple[int, int]
    bits: int | None = 2
    stride: int = 1
    padding: Padding = "same"
    delays: int = 0
    scale: Granularity = "layer"
    bias: bool | None = None

    @property
    def note(self) -> LayerNote:
        """The layer in the notation of layers."""
        sides = (self.kernel,) if isinstance(self.kernel, int) else self.kernel
        checked = [integer("Conv.kernel", side, 1, MOST_KERNEL) for side in sides]
        channels = self.channels
        if self.padding not in PADDINGS:
            raise ValueError(f"Conv.padding: found {self.padding!r}; allowed are 'same' and 'none'")
        return LayerNote(
            None if channels is None else integer("Conv.channels", channels, 1, MOST_CHANNELS),
            Extent(*reversed(checked)),
            integer("Conv.stride", self.stride, 1, 2),
            self.padding,
            delay=integer("Conv.delays", self.delays, 0, MAX_DELAY),
        )


@dataclass(frozen=True)
class LIF:
    """Leaky integrate-and-fire neurons: what qat.Network says of its settings.

    most: spikes of a neuron in one step, 1 to 7
    """

    leak: tuple[int, ...] = (3,)
    reset: Reset = "subtract"
    reset_to: float | None = None
    threshold: Granularity = "layer"
    most: int = 1
    membrane_bits: int | None = None
    resolution: int | None = None
    surrogate: str = "atan"
    detach_reset: bool = True
    damping: tuple[float, float] | None = None
    truncate: int | None = None
    leaks: Sequence[tuple[int, ...]] | None = field(default=None, kw_only=True)

    @property
    def kind(self) -> str:
        """Its row in qat.train.neurons.NEURONS."""
        return type(self).__name__.lower()

    @property
    def levels(self) -> int:
        """The largest count of a step."""
        return integer(f"{type(self).__name__}.most", self.most, 1, 7)

    def settings(self) -> dict[str, Any]:
        """Return the settings of its twin, checked."""
        require_known(
            threshold=(self.threshold, ("layer", "neuron")), surrogate=(self.surrogate, SURROGATES)
        )
        return {
            "thresholds": self.threshold,
            "dynamics": dynamics_of(self.leak, self.reset, self.membrane_bits, self.levels),
            "surrogate": self.surrogate,
            "detach_reset": self.detach_reset,
            "resolution": self.resolution,
            "reset_to": reset_value(self.reset, self.reset_to),
            "damping": damping_of(self.damping),
            "truncate": truncated(self.truncate),
            "leaks": leak_classes(self.kind, self.leaks),
        }


@dataclass(frozen=True)
class CuBa(LIF):
    """Current-based neurons: a LIF behind a synaptic current of leak `leak_c`."""

    leak_c: tuple[int, ...] = field(default=(2,), kw_only=True)

    def settings(self) -> dict[str, Any]:
        """Return the settings of its twin, checked."""
        found = super().settings()
        return {**found, "leak_c": synaptic_leak("cuba", self.leak_c)}


@dataclass(frozen=True)
class ALIF(LIF):
    """Adaptive neurons: a LIF whose spikes raise its threshold for some steps.

    leak_b:   k: what raises a threshold loses 2**-k of itself a step
    raise_by: by which part of the threshold a spike raises it
    """

    leak_b: int = field(default=LEAK_B, kw_only=True)
    raise_by: float = field(default=RAISE_BY, kw_only=True)

    def settings(self) -> dict[str, Any]:
        """Return the settings of its twin, checked."""
        own = adaptation("alif", self.leak_b, self.raise_by, self.levels)
        return {**super().settings(), **own}


@dataclass(frozen=True)
class Burst:
    """Neurons without memory, which emit a count of 0 to `levels`; a batch norm is before them."""

    levels: int = 3

    @property
    def kind(self) -> str:
        """Its row in qat.train.neurons.NEURONS."""
        return "burst"

    def settings(self) -> dict[str, Any]:
        """Return the settings of its twin, checked."""
        integer("Burst.levels", self.levels, 1, 7)
        return {"damping": None}


@dataclass(frozen=True)
class Accumulate:
    """A readout whose score is the current of its outputs, summed over the steps."""

    outputs: int
    bits: int | None = 8
    bias: bool = True

    def integrator(self) -> None:
        """Return the settings of integrators: it has none."""


@dataclass(frozen=True)
class LI:
    """A readout of leaky integrators.

    score:     their "last" membrane, its "max" or "sum", or "first"; see qat.model.LI
    threshold: real membrane at which score "first" ends; None for 1
    """

    outputs: int
    bits: int | None = 8
    leak: tuple[int, ...] = (3,)
    score: Score = "last"
    threshold: float | None = None
    bias: bool = True

    def integrator(self) -> dict[str, Any] | None:
        """Return the settings of integrators, checked."""
        return integrator_of("li", self.score, self.leak, self.threshold)


@dataclass(frozen=True)
class Count:
    """A readout whose scores are the counts of the last layer's spikes."""


Synapse = Dense | Conv
Neuron = LIF | Burst
Head = Accumulate | LI | Count


@dataclass(frozen=True)
class _Described:
    """A layer's parts: its note holds the pool."""

    synapse: Synapse
    neuron: Neuron
    note: LayerNote


def chain_of(parts: Sequence[Any], steps: int, norm: bool) -> tuple[Input, Chain]:
    """Return (the input, the layers and the readout) of the parts of a network.

    Raises ValueError for parts out of order, and for what the twins refuse.
    """
    encoder, described, head = _ordered(parts)
    notes = tuple(layer.note for layer in described)
    for note, layer in zip(notes, described, strict=True):
        check_edges((note,), layer.neuron.kind, False, True)
    check_edges(notes[:1], described[0].neuron.kind, encoder.held, encoder.spiking)
    weights = [part.bits for part in (*(layer.synapse for layer in described), head)
               if not isinstance(part, Count)]  # fmt: skip
    bits = bits_per_layer(weights, len(weights))
    normed = norm or any(NEURONS[y.neuron.kind].normalised or y.note.extent for y in described)
    plans = [
        Plan(
            notes, bits, encoder.reads_shape, inflow_of(encoder), steps, None,
            layer.neuron.kind, layer.neuron.levels, layer.neuron.settings(),
            layer.synapse.scale, layer.synapse.bias, normed,
        )
        for layer in described
    ]  # fmt: skip
    whole = plans[-1]
    if not isinstance(head, Count):
        own: dict[str, Any] = {"classes": head.outputs, "bias": head.bias}
        own["integrator"] = head.integrator()
        whole = replace(whole, **own)
    return encoder, whole.chain(plans)


def inflow_of(encoder: Input) -> Inflow:
    """Return what an input sends to the first layer, its largest value worth 1."""
    if encoder.spiking:
        return SPIKES
    low, high = encoder.reads
    return Inflow(low, high, 1 / max(high, -low, 1), spiking=False)


def _ordered(parts: Sequence[Any]) -> tuple[Input, list[_Described], Head]:
    """Return (input, layers, readout); ValueError for another order."""
    order = "an input, then for each layer a synapse, neurons and perhaps a Pool, then a readout"
    if len(parts) < 2 or not hasattr(parts[0], "encode"):
        raise ValueError(f"Sequential: found {_names(parts)}; needs {order}")
    head = parts[-1]
    if not isinstance(head, Accumulate | LI | Count):
        raise ValueError(
            f"Sequential: ends with {_names(parts[-1:])}; needs a readout: Accumulate, LI or Count"
        )
    described = list(_layers(parts[1:-1], order))
    if not described:
        raise ValueError(f"Sequential: has no layer; needs {order}")
    return parts[0], described, head


def _layers(parts: Sequence[Any], order: str) -> Iterator[_Described]:
    place = 0
    while place < len(parts):
        synapse, neuron = (*parts[place : place + 2], None)[:2]
        if not isinstance(synapse, Dense | Conv) or not isinstance(neuron, LIF | Burst):
            found = _names(parts[place : place + 2])
            raise ValueError(f"Sequential: found {found} in place of a layer; needs {order}")
        place, note = place + 2, synapse.note
        if place < len(parts) and isinstance(parts[place], Pool):
            note, place = replace(note, pool=_pool_note(parts[place])), place + 1
        yield _Described(synapse, neuron, note)


def _pool_note(pool: Pool) -> PoolNote:
    return PoolNote(pool.mode, Extent(pool.kernel[1], pool.kernel[0]))


def _names(parts: Sequence[Any]) -> str:
    return ", ".join(type(part).__name__ for part in parts) or "nothing"
