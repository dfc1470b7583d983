"""The table of kernels: a row says what a kernel serves, what plans its stage, what it costs.

A kernel is a folder here (its plan, its templates, its cost) and a row of this table. `select`
picks the row of a synapse.
"""

from __future__ import annotations

from collections.abc import Mapping

from codegen.kernels.bitsliced import cost as bitsliced_cost
from codegen.kernels.bitsliced import plan as bitsliced
from codegen.kernels.bytes import cost as bytes_cost
from codegen.kernels.bytes import plan as bytes_
from codegen.kernels.channel_words import cost as channel_words_cost
from codegen.kernels.channel_words import plan as channel_words
from codegen.kernels.conv_plain import cost as conv_plain_cost
from codegen.kernels.conv_plain import plan as conv_plain
from codegen.kernels.count import cost as count_cost
from codegen.kernels.count import plan as count
from codegen.kernels.fields import cost as fields_cost
from codegen.kernels.fields import plan as fields
from codegen.kernels.integrator import cost as integrator_cost
from codegen.kernels.integrator import plan as integrator
from codegen.kernels.kernel import BYTES, COUNTS, LEVELS, PARTS, SENT, SPIKES, Kernel, layer_reads
from codegen.kernels.mixed import cost as mixed_cost
from codegen.kernels.mixed import plan as mixed
from codegen.kernels.packed import cost as packed_cost
from codegen.kernels.packed import plan as packed
from codegen.kernels.pairs import cost as pairs_cost
from codegen.kernels.pairs import plan as pairs
from codegen.kernels.plain import cost as plain_cost
from codegen.kernels.plain import plan as plain
from codegen.kernels.plain_counts import cost as plain_counts_cost
from codegen.kernels.plain_counts import plan as plain_counts
from codegen.kernels.sparse import cost as sparse_cost
from codegen.kernels.sparse import plan as sparse
from codegen.kernels.strips import cost as strips_cost
from codegen.kernels.strips import plan as strips
from codegen.kernels.windows import cost as windows_cost
from codegen.kernels.windows import plan as windows
from codegen.kernels.windows.together import together
from qat.model import ALIF, LIF, Burst, Conv, CuBa, Model, Neuron, Synapse
from qat.model.neurons import MAX_SPIKES

__all__ = ["BYTES", "COUNTS", "KERNELS", "LEVELS", "PARTS", "SENT", "SPIKES", "Kernel",
           "candidates", "layer_candidates", "named", "readout_candidates", "select"]  # fmt: skip

SPARSE = 0.975
"""Zeros from which lists of the other weights win: by then they take a seventh of the flash.

Measured, 784 -> 128 at 98 % zeros: 3,859 bytes of flash against 27,228; 10 % of the inputs
active, 4,682 instructions against 4,767 on the Cortex-M4, 6,728 against 6,226 on the Cortex-M0.
"""


def _few(synapse: Synapse) -> bool:
    """Return True for weights of which so many are 0."""
    return float((synapse.weights == 0).mean()) >= SPARSE


KERNELS: tuple[Kernel, ...] = (
    Kernel(
        name="sparse",
        bits=(2,),
        reads=(SPIKES,),
        neuron=(LIF, CuBa, ALIF),
        layer=sparse.layer_stage,
        costs={"spikes": sparse_cost.sparse_spikes},
        family="integer layer",
        small=_few,
    ),
    Kernel(
        name="bitsliced",
        bits=(2,),
        reads=(SPIKES, LEVELS, BYTES, COUNTS),
        neuron=(LIF, CuBa, ALIF, Burst),
        spikes=MAX_SPIKES,
        layer=bitsliced.layer_stage,
        readout=bitsliced.readout_stage,
        costs={
            "spikes": bitsliced_cost.spikes,
            "currents": bitsliced_cost.currents,
            "held": bitsliced_cost.held,
            "readout": bitsliced_cost.readout,
        },
        family="bitsliced layer",
    ),
    Kernel(
        name="packed",
        bits=(2,),
        reads=(COUNTS,),
        readout=packed.readout_stage,
        costs={"readout": packed_cost.readout},
        small=packed.small,
    ),
    Kernel(
        name="strips",
        bits=(4, 8),
        reads=(SPIKES,),
        neuron=(LIF, CuBa, ALIF),
        layer=strips.layer_stage,
        costs={"spikes": strips_cost.strips_spikes},
        family="integer layer",
    ),
    Kernel(
        name="fields",
        bits=(8,),
        reads=(COUNTS,),
        readout=fields.readout_stage,
        costs={"readout": fields_cost.fields_readout},
        most=(16, 2**16 // 255),
    ),
    Kernel(
        name="plain",
        bits=(4, 8, 16),
        reads=(SPIKES, BYTES, COUNTS),
        neuron=(LIF, CuBa, ALIF),
        layer=plain.layer_stage,
        readout=plain.readout_stage,
        costs={
            "spikes": plain_cost.plain_spikes,
            "currents": plain_cost.plain_currents,
            "held": plain_cost.plain_held,
            "readout": plain_cost.plain_readout,
        },
        family="integer layer",
    ),
    Kernel(
        name="pairs",
        bits=(4,),
        reads=(COUNTS,),
        readout=pairs.readout_stage,
        costs={"readout": pairs_cost.readout},
        most=(16, pairs.FIELD // pairs.LARGEST),
        fits=pairs.fits,
    ),
    Kernel(
        name="bytes",
        bits=(2, 4, 8),
        reads=(BYTES,),
        synapse=Conv,
        neuron=(Burst,),
        spikes=MAX_SPIKES,
        pools=True,
        fits=bytes_.fits,
        layer=bytes_.layer_stage,
        costs={"currents": bytes_cost.currents, "held": bytes_cost.held},
    ),
    Kernel(
        name="plain_counts",
        bits=(2, 4, 8, 16),
        reads=(SPIKES, LEVELS, BYTES),
        neuron=(LIF, CuBa, ALIF, Burst),
        spikes=MAX_SPIKES,
        fits=plain_counts.counts,
        layer=plain_counts.layer_stage,
        costs={
            "spikes": plain_counts_cost.counts_spikes,
            "currents": plain_counts_cost.counts_currents,
            "held": plain_counts_cost.counts_held,
        },
        family="plain_counts layer",
    ),
    Kernel(
        name="mixed",
        bits=(2, 4, 8, 16),
        reads=(BYTES,),
        neuron=(LIF, CuBa, ALIF, Burst),
        spikes=MAX_SPIKES,
        edges=2,
        fits=mixed.fits,
        layer=mixed.layer_stage,
        costs={"currents": mixed_cost.mixed_currents, "held": mixed_cost.mixed_held},
        alike={"currents": "plain_counts currents", "held": "plain_counts layer"},
    ),
    Kernel(
        name="windows",
        bits=(2,),
        reads=(SPIKES, LEVELS),
        synapse=Conv,
        neuron=(LIF, CuBa, ALIF, Burst),
        spikes=MAX_SPIKES,
        pools=True,
        fits=windows.fits,
        layer=windows.layer_stage,
        together=together,
        costs={"spikes": windows_cost.windows},
    ),
    Kernel(
        name="channel_words",
        bits=(2,),
        reads=(SPIKES, LEVELS),
        synapse=Conv,
        neuron=(LIF, Burst),
        spikes=MAX_SPIKES,
        pools=True,
        fits=channel_words.fits,
        layer=channel_words.layer_stage,
        costs={"spikes": channel_words_cost.words},
    ),
    Kernel(
        name="conv_plain",
        bits=(2, 4, 8, 16),
        reads=(SPIKES, LEVELS, BYTES),
        synapse=Conv,
        neuron=(LIF, CuBa, ALIF, Burst),
        spikes=MAX_SPIKES,
        pools=True,
        layer=conv_plain.layer_stage,
        costs={
            "spikes": conv_plain_cost.conv_spikes,
            "currents": conv_plain_cost.conv_currents,
            "held": conv_plain_cost.conv_held,
        },
        family="conv_plain layer",
    ),
    Kernel(
        name="integrator",
        bits=(2, 4, 8, 16),
        reads=(SENT,),
        readout=integrator.readout_stage,
        costs={"readout": integrator_cost.integrating},
    ),
    Kernel(
        name="count",
        reads=(COUNTS,),
        readout=count.readout_stage,
        costs={"readout": count_cost.count_readout},
        synapse=None,
    ),
)


CLOSE, SPARE = 0.05, 0.01
"""Parts, of its own instructions and of those of all stages before it, by which a kernel may take
more if it takes far less flash."""


def named(name: str) -> Kernel:
    """Return the row of a kernel."""
    return next(row for row in KERNELS if row.name == name)


def candidates(
    synapse: Synapse | None, reads: str, neuron: Neuron | None = None
) -> tuple[Kernel, ...]:
    """Return the rows that can serve `synapse` on such an input, in the table's order.

    Those whose condition is one of a whole layer are left out: layer_candidates has them.
    synapse: None for a readout without weights; neuron: what follows it in a layer

    Raises ValueError where none does.
    """
    if synapse is None:
        return tuple(row for row in KERNELS if row.synapse is None and reads in row.reads)
    rows = tuple(row for row in KERNELS if row.fits is None)
    return _worth(tuple(row for row in rows if row.serves(synapse, reads, neuron)), synapse)


def layer_candidates(index: int, model: Model) -> tuple[Kernel, ...]:
    """Return the rows that can compute layer `index` of a model, in the table's order.

    model: as the kernels see it: behind its encoder. Raises ValueError where none does.
    """
    rows = able(index, model)
    if not rows and (told := _neurons_there(index, model)):
        raise ValueError(told)
    return _worth(rows, model.layers[index].synapse)


def able(index: int, model: Model) -> tuple[Kernel, ...]:
    """Return the rows that can compute stage `index` of a model, whether they are worth it or not.

    index: of a layer, or len(model.layers) for the readout; model: behind its encoder
    """
    if index < len(model.layers):
        return tuple(row for row in KERNELS if row.computes(index, model))
    readout = model.readout
    assert readout is not None
    reads, weighted = COUNTS if readout.COUNTS else SENT, readout.synapses
    if not weighted:
        return candidates(None, reads)
    rows = (row for row in KERNELS if row.readout and row.serves(weighted[0], reads))
    return tuple(row for row in rows if row.fits is None or row.fits(index, model))


def _neurons_there(index: int, model: Model) -> str:
    """Return one line about neurons that no kernel has behind what their layer reads, or ""."""
    layer, reads = model.layers[index], layer_reads(index, model)
    rows = [row for row in KERNELS if row.layer and row.edges >= len(layer.edges)]
    there = [
        row for row in rows if reads in row.reads and isinstance(layer.synapse, row.synapse or ())
    ]
    allowed = sorted({kind.__name__ for row in there for kind in row.neuron})
    name = type(layer.neuron).__name__
    if not allowed or name in allowed:
        return ""
    edges = f"{reads} over {len(layer.edges)} edges" if len(layer.edges) > 1 else reads
    return (
        f"layer {index}: no kernel has {name} neurons that read {edges}; use {' or '.join(allowed)}"
    )


def readout_candidates(model: Model) -> tuple[Kernel, ...]:
    """Return the rows that can compute the readout of a model, in the table's order."""
    assert model.readout is not None
    rows, weighted = able(len(model.layers), model), model.readout.synapses
    return _worth(rows, weighted[0]) if weighted else rows


def _worth(rows: tuple[Kernel, ...], synapse: Synapse) -> tuple[Kernel, ...]:
    """Return those of the rows that are worth it, by what the weights are."""
    if not rows:
        served = sorted({bits for row in KERNELS for bits in row.bits})
        raise ValueError(f"no kernel serves weights of {synapse.bits} bits; served are {served}")
    return tuple(row for row in rows if row.small is None or row.small(synapse)) or rows


def select(
    rows: tuple[Kernel, ...], costs: Mapping[str, float] | None = None, others: float = 0.0
) -> Kernel:
    """Return the row of the least cost, of equal ones the first; a close one of little flash wins.

    costs: predicted instructions of each candidate, by name; one without a cost comes last
    others: instructions of the stages that are chosen already
    """
    known = costs or {}
    best = min(rows, key=lambda row: known.get(row.name, float("inf")))
    least = known.get(best.name, float("inf"))
    most = least + max(CLOSE * least, SPARE * others)
    small = (row for row in rows if row.small and known.get(row.name, float("inf")) <= most)
    return next(small, best) if known else best
