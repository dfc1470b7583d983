"""An integer model as a NIR file that another framework loads.

Weights are codes in real numbers, in powers of two and so exact, unless thresholds of a layer
differ: frameworks know one for a layer, and rows are scaled to it. A threshold lies between two
whole numbers, so that > and >= agree. Floors of leaks cannot be written: what they change is
counted by running the file that was written.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qat.model import LIF, Accumulate, Conv, Count, CuBa, Dense, Layer, Model, Shape, leak_fraction
from qat.model.edges import INPUT, Edge
from qat.model.inputs import Analog, Frames, Spikes
from qat.nir.layout import as_model, model_order
from qat.nir.nodes import Extent
from qat.nir.reading import read
from qat.nir.targets import STILL, TARGETS, Target, unit_gain
from qat.nir.written import Fields, write_graph

HALF, SMALL = 0.5, 2.0**-8
"""How far below its whole number a threshold lies: where a spike sets the membrane to a value; and
where it subtracts the threshold, of which a little less is then taken."""

NEAR = 0.01
"""How far what a spike subtracts may be from the threshold, as a share of it: a strict comparison
adds one, and thresholds that were fitted are a little off. What that changes is counted."""


@dataclass(frozen=True, eq=False)
class Exported:
    """A file that was written.

    resets: of each spiking node, which the framework must be told where its loader takes another
    notes:  what the file does not say, in words
    """

    nodes: dict[str, Fields]
    resets: dict[str, str]
    notes: tuple[str, ...]


@dataclass(eq=False)
class _Writer:
    model: Model
    target: Target
    nodes: dict[str, Fields] = field(default_factory=dict)
    edges: list[tuple[str, str]] = field(default_factory=list)
    resets: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)

    def add(self, name: str, fields: Fields, *before: str) -> str:
        """Add a node behind others."""
        self.nodes[name] = fields
        self.edges += [(each, name) for each in before]
        return name


def export(model: Model, path: str | PathLike[str], dialect: str = "snntorch") -> Exported:
    """Write a model as a NIR file for a framework: a row of TARGETS.

    Raises ValueError for what the framework, or NIR, cannot have, and if nothing can be written.
    """
    if dialect not in TARGETS:
        raise ValueError(f"--dialect {dialect}: use {', '.join(TARGETS)}")
    writer = _Writer(model, TARGETS[dialect])
    _input(writer)
    for index, layer in enumerate(model.layers):
        _layer(writer, index, layer)
    last = writer.senders[-1]
    outputs: Extent = extent_of(model.layers[-1].shape)
    if isinstance(model.readout, Accumulate):
        last = _readout(writer, model.readout)
        outputs = (model.readout.synapse.n_out,)
    elif not isinstance(model.readout, Count | None):
        raise ValueError(f"readout {type(model.readout).__name__}: is not written; use Count")
    writer.add("output", {"type": "Output", "shape": np.array(outputs)}, last)
    write_graph(path, writer.nodes, writer.edges, _metadata(writer, dialect))
    return Exported(writer.nodes, writer.resets, tuple(writer.notes))


def _metadata(writer: _Writer, dialect: str) -> dict[str, Any]:
    model = writer.model
    layers = [layer.describe() for layer in model.layers]
    return {
        "spikemcu": model.digest(),
        "framework": dialect,
        "dialect": writer.target.read_as,
        "dt": writer.target.dt,
        "reset": json.dumps(writer.resets),
        "compare": ">=" if dialect == "spikingjelly" else ">",
        "steps": model.steps or 0,
        "layers": json.dumps(layers),
    }


def extent_of(shape: Shape) -> Extent:
    """Return a shape as NIR has it: channels first; a vector alone."""
    if shape.positions == 1:
        return (shape.channels,)
    return (shape.channels, shape.height, shape.width)


def _input(writer: _Writer) -> None:
    record = writer.model.input
    if not isinstance(record, Analog | Frames | Spikes):
        writer.notes.append(
            f"the {type(record).__name__.lower()} encoder is left out: the network takes its spikes"
        )
    shape = np.array(extent_of(record.reads_shape))
    writer.add("input", {"type": "Input", "shape": shape})


# ------------------------------------------------------------------ layers


def _layer(writer: _Writer, index: int, layer: Layer) -> None:
    neuron, target = layer.neuron, writer.target
    if not isinstance(neuron, LIF | CuBa):
        raise ValueError(f"layer {index}: {type(neuron).__name__} has no node in NIR")
    if neuron.most > 1 or neuron.floor is not None or neuron.ceiling is not None:
        what = "several spikes a step" if neuron.most > 1 else "a limit of the membrane"
        raise ValueError(f"layer {index}: {what} cannot be written to NIR")
    reset = _reset(writer, index, layer, neuron)
    scale, threshold = _scale(neuron, reset, layer.channels)
    leak = float(leak_fraction(neuron.shared_leak))
    gain = leak if target.leaky is unit_gain and leak and isinstance(neuron, LIF) else 1.0
    arriving = [
        _edge(writer, index, place, edge, scale / gain) for place, edge in enumerate(layer.edges)
        if edge.reads_from(index) != index
    ]  # fmt: skip
    name = f"{index}"
    fields = _neuron(target, neuron, extent_of(layer.map), threshold, scale)
    echoes = [edge for edge in layer.edges if edge.reads_from(index) == index]
    sender = writer.add(name, _recurrent(writer, fields, echoes, scale / gain), *arriving)
    writer.resets[f"{name}.lif" if echoes else name] = reset
    writer.senders.append(_pool(writer, index, layer, sender))


def _reset(writer: _Writer, index: int, layer: Layer, neuron: LIF | CuBa) -> str:
    """Return the reset as the framework is told; ValueError for one that it cannot have."""
    target, word = writer.target, neuron.reset
    if word not in target.resets:
        raise ValueError(
            f"layer {index}: reset {word!r}; this framework loads {', '.join(target.resets)}: use "
            "another --dialect"
        )
    if word == "late":
        if isinstance(neuron, CuBa) or any(e.reads_from(index) == index for e in layer.edges):
            return "zero"  # its Synaptic, RLeaky and RSynaptic clear what flows in as well
        raise ValueError(
            f"layer {index}: reset 'late'; snnTorch has it of current-based or recurrent neurons"
        )
    if word == "zero" and target.read_as == "snntorch":
        return "zero-now"  # as its loader makes neurons: a late one of RLeaky clears inputs too
    if word != "subtract":
        return word
    kept = 1 - float(leak_fraction(neuron.shared_leak))
    amounts: dict[str, Any] = {"subtract": neuron.subtracted, "subtract-now": neuron.subtracted}
    if target.read_as == "snntorch":  # a step later, what is left of it is the threshold
        amounts["subtract"] = neuron.subtracted * kept
    for name, amount in amounts.items():
        if (np.abs(amount - neuron.threshold) <= np.maximum(NEAR * neuron.threshold, 1.5)).all():
            return name if target.read_as == "snntorch" else word
    raise ValueError(
        f"layer {index}: a spike subtracts {int(np.max(neuron.subtracted))}, and not the threshold "
        f"of {int(neuron.threshold.max())}; NIR has no field for that"
    )


def _scale(neuron: LIF | CuBa, reset: str, channels: int) -> tuple[NDArray[np.float64], float]:
    """Return (the real value of 1 in the membrane, of each channel; the threshold of all)."""
    theta = np.broadcast_to(_threshold(neuron, reset), (channels,))
    power = 2.0 ** -np.ceil(np.log2(theta.max()))
    if (theta == theta[0]).all():
        return np.full(channels, power), float(theta[0] * power)
    return 1 / theta, 1.0


def _threshold(neuron: LIF | CuBa, reset: str) -> NDArray[np.float64]:
    """Return the threshold that is written, in units of the membrane.

    Where a spike subtracts the threshold, it is what is taken off; for a membrane that leaks, a
    comparison that is a little off is less than a reset that is, and floors had moved it anyway.
    """
    theta = neuron.threshold.astype(np.float64)
    if not reset.startswith("subtract"):
        return theta - HALF
    kept = 1 - float(leak_fraction(neuron.shared_leak)) if reset == "subtract" else 1.0
    taken = neuron.subtracted * kept
    if neuron.leak or (taken == theta - 1).all():
        return np.asarray(taken)
    return theta - SMALL


def _neuron(
    target: Target, neuron: LIF | CuBa, extent: Extent, threshold: float, scale: NDArray[np.float64]
) -> dict[str, Any]:
    one, leak, to = np.ones(extent, np.float32), float(leak_fraction(neuron.shared_leak)), 0.0
    if neuron.reset == "value" and neuron.reset_to is not None:
        values = neuron.reset_to * scale
        if np.ptp(values):
            raise ValueError("a reset to a value of its own for each neuron cannot be written")
        to = float(np.ravel(values)[0])
    common = {"v_threshold": threshold * one, "v_reset": to * one}
    if isinstance(neuron, CuBa):
        return {"type": "CubaLIF", "v_leak": 0 * one, **_currents(target, neuron, one), **common}
    if not leak and target.still[0] == "IF":
        return {"type": "IF", "r": target.still[1] * one, **common}
    tau, r = target.leaky(leak or 1 / STILL, target.dt)
    return {"type": "LIF", "tau": tau * one, "r": r * one, "v_leak": 0 * one, **common}


def _currents(target: Target, neuron: CuBa, one: NDArray[Any]) -> dict[str, Any]:
    """Return the time constants of a current-based neuron whose inputs count as they are."""
    found: dict[str, Any] = {}
    for tau, gain, leak in (
        ("tau_mem", "r", neuron.shared_leak),
        ("tau_syn", "w_in", neuron.leak_c),
    ):
        share = float(leak_fraction(leak)) or 1 / STILL
        found |= {tau: target.dt / share * one, gain: 1 / share * one}
    return found


def _edge(writer: _Writer, index: int, place: int, edge: Edge, scale: NDArray[np.float64]) -> str:
    """Write an edge that is not recurrent; return the node that ends it."""
    model, source = writer.model, edge.reads_from(index)
    sender = "input" if source == INPUT else writer.senders[source]
    if place and not writer.target.delays:
        raise ValueError(f"layer {index}: edges that skip layers are written for plain alone")
    if edge.longest:
        if not writer.target.delays:
            raise ValueError(f"layer {index}: delays are written for plain alone")
        sender = _delayed(writer, index, place, edge, sender)
    name = f"{index}_w{place or ''}"
    synapse, given = edge.synapse, model.shape_of(source)
    if isinstance(synapse, Conv):
        return writer.add(name, _convolution(writer, synapse, scale), sender)
    assert isinstance(synapse, Dense)
    sender = _flat(writer, f"{index}_flat{place or ''}", given, sender)
    return writer.add(name, _affine(writer, synapse, source, scale), sender)


def _flat(writer: _Writer, name: str, given: Shape, sender: str) -> str:
    """Write a Flatten behind a map; return the node that weights read."""
    if given.positions == 1:
        return sender
    fields = {"type": "Flatten", "start_dim": 0, "end_dim": -1,
              "input_type": np.array(extent_of(given))}  # fmt: skip
    return writer.add(name, fields, sender)


def _delayed(writer: _Writer, index: int, place: int, edge: Edge, sender: str) -> str:
    given = writer.model.shape_of(edge.reads_from(index))
    delays = np.empty(given.size)
    delays[model_order(extent_of(given))] = edge.delays
    fields = {"type": "Delay", "delay": delays.reshape(extent_of(given)) * writer.target.dt}
    return writer.add(f"{index}_delay{place or ''}", fields, sender)


def _worth(writer: _Writer, synapse: Dense | Conv, source: int) -> float:
    """Return what the worth of an input's sum is in the membrane."""
    if writer.model.spikes_of(source):
        return float(2.0**synapse.fraction_bits) * _average(writer, source)
    return float(2.0**-synapse.input_shift)


def _average(writer: _Writer, source: int) -> float:
    """Return by how much weights make up for an average that stands for a sum."""
    pool = None if source == INPUT else writer.model.layers[source].pool
    return float(pool.kernel[0] * pool.kernel[1]) if pool and writer.target.average else 1.0


def _affine(
    writer: _Writer, synapse: Dense, source: int, scale: NDArray[np.float64]
) -> dict[str, Any]:
    order = np.argsort(model_order(extent_of(writer.model.shape_of(source))))
    weight = synapse.codes * _worth(writer, synapse, source) * scale[:, None]
    bias = np.broadcast_to(synapse.bias * scale, (len(weight),))
    return {"type": "Affine", "weight": weight[:, order].astype(np.float32),
            "bias": bias.astype(np.float32)}  # fmt: skip


def _convolution(writer: _Writer, synapse: Conv, scale: NDArray[np.float64]) -> dict[str, Any]:
    index = len(writer.senders)
    pads = synapse.pad
    given = synapse.grid
    out = [(side + 2 * p - k) // synapse.stride + 1 for side, p, k in
           zip((given.height, given.width), pads, synapse.kernel, strict=True)]  # fmt: skip
    if tuple(out) != (synapse.shape.height, synapse.shape.width):
        raise ValueError(f"layer {index}: a kernel of an even side cannot be written")
    codes: NDArray[Any] = np.moveaxis(synapse.codes, 3, 1)
    groups = synapse.groups
    if groups > 1 and not writer.target.groups:
        whole = np.zeros((len(codes), given.channels, *synapse.kernel))
        whole[np.arange(groups), np.arange(groups)] = codes[:, 0]
        codes, groups = whole, 1
    weight = codes * _worth(writer, synapse, index - 1) * scale[:, None, None, None]
    bias = np.broadcast_to(synapse.bias * scale, (len(weight),))
    two = np.array([synapse.stride] * 2)
    return {"type": "Conv2d", "input_shape": np.array([given.height, given.width]),
            "weight": weight.astype(np.float32), "bias": bias.astype(np.float32), "stride": two,
            "padding": np.array(pads), "dilation": np.array([1, 1]), "groups": groups}  # fmt: skip


def _recurrent(
    writer: _Writer, fields: dict[str, Any], echoes: list[Edge], scale: NDArray[np.float64]
) -> dict[str, Any]:
    """Return the graph of neurons with their recurrent weights; the neurons if there are none."""
    index = len(writer.senders)
    if not echoes:
        return fields
    if not writer.target.cycles or len(echoes) > 1 or np.any(np.asarray(echoes[0].delay) != 1):
        raise ValueError(
            f"layer {index}: recurrent edges are written for snntorch and plain alone, one a layer "
            "with a delay of 1"
        )
    synapse = echoes[0].synapse
    if not isinstance(synapse, Dense):
        raise ValueError(f"layer {index}: a recurrent convolution cannot be written")
    size = np.array([synapse.n_out])
    inner = {
        "input": {"type": "Input", "shape": size},
        "lif": fields,
        "w_rec": _affine(writer, synapse, index, scale),
        "output": {"type": "Output", "shape": size},
    }
    edges = [("input", "lif"), ("lif", "w_rec"), ("w_rec", "lif"), ("lif", "output")]
    return {"nodes": inner, "edges": edges}


def _pool(writer: _Writer, index: int, layer: Layer, sender: str) -> str:
    if layer.pool is None:
        return sender
    if layer.pool.mode != "sum":
        raise ValueError(f"layer {index}: NIR has no pool that takes the maximum; use a sum")
    kernel = np.array(layer.pool.kernel)
    kind = "AvgPool2d" if writer.target.average else "SumPool2d"
    fields = {"type": kind, "kernel_size": kernel, "stride": kernel, "padding": np.array([0, 0])}
    return writer.add(f"{index}_pool", fields, sender)


def _readout(writer: _Writer, readout: Accumulate) -> str:
    """Write the weights of a readout: the sum of what they give over the steps is the score."""
    writer.notes.append("the scores are the sums of the last node over the steps")
    last = len(writer.model.layers) - 1
    sender = _flat(writer, "scores_flat", writer.model.shape_of(last), writer.senders[-1])
    scale = np.ones(readout.synapse.n_out)
    return writer.add("scores", _affine(writer, readout.synapse, last, scale), sender)


def as_input(model: Model, x: ArrayLike) -> NDArray[np.float64]:
    """Return inputs of Model.run as the network of the file takes them: (steps, batch, ...).

    Held inputs are repeated; what an encoder makes of them is encoded; channels come first.
    """
    arriving = model.input.encode(np.asarray(x), model.steps or 1)
    if arriving.ndim == 2:
        arriving = np.repeat(arriving[:, None], model.steps or 1, axis=1)
    extent = extent_of(model.input.reads_shape)
    found = np.empty(arriving.shape, np.float64)
    found[..., model_order(extent)] = arriving
    return np.moveaxis(found, 1, 0).reshape(arriving.shape[1], len(arriving), *extent)


def round_trip(model: Model, path: str | PathLike[str], x: ArrayLike) -> dict[str, float]:
    """Return the share of values of each layer's signal that a written file changes, by node.

    The file is read again, and run in float64 as its framework runs it.
    """
    found = read(path)
    sent = found.twin.run(as_input(model, x))
    spikes = model.run(x, trace=True).spikes
    assert spikes is not None
    shares = {}
    for index, (layer, wanted) in enumerate(zip(model.layers, spikes, strict=True)):
        name = next(n for n in (f"{index}_pool", f"{index}.lif", f"{index}") if n in sent)
        signal = as_model(sent[name], found.twin.graph.nodes[name].extent)
        if layer.pool is not None and found.twin.graph.nodes[name].kind == "AvgPool2d":
            signal = np.rint(signal * layer.pool.gain)
        shares[name] = float((np.moveaxis(signal, 1, 0) != wanted).mean())
    return shares
