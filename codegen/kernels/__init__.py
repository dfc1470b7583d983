"""The table of kernels: which synapse each one serves, how it packs weights, what it costs.

A kernel is a folder here (its plan, its templates, its cost) and a row of this table. `select`
picks the row of a synapse.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from qat.model import Dense, Synapse

SPIKES, BYTES, COUNTS = "spikes", "bytes", "counts"


@dataclass(frozen=True)
class Kernel:
    """One row.

    bits:  of the weights that it serves
    reads: what its input may be: SPIKES, BYTES, or the COUNTS of spikes that a readout reads
    cost:  what a step is proportional to
    zeros: fraction of zero weights below which it does not win
    most:  neurons that it can serve, and inputs; 0: any number
    synapse: the record that it serves
    """

    name: str
    bits: tuple[int, ...]
    reads: tuple[str, ...]
    packing: str
    needs: str
    cost: str
    zeros: float = 0.0
    most: tuple[int, int] = (0, 0)
    synapse: type[Synapse] = Dense

    def serves(self, synapse: Synapse, reads: str) -> bool:
        """Return True if it can compute a synapse on such an input."""
        neurons, inputs = self.most
        small = synapse.n_out <= (neurons or synapse.n_out) and synapse.n_in <= (
            inputs or synapse.n_in
        )
        kind = isinstance(synapse, self.synapse)
        return kind and small and synapse.bits in self.bits and reads in self.reads


SPARSE = 0.975
"""Zeros from which lists of the other weights win: by then they take a seventh of the flash.

Measured, 784 -> 128 at 98 % zeros: 3,859 bytes of flash against 27,228; 10 % of the inputs
active, 4,682 instructions against 4,767 on the Cortex-M4, 6,728 against 6,226 on the Cortex-M0.
"""

KERNELS: tuple[Kernel, ...] = (
    Kernel(
        name="sparse",
        bits=(2,),
        reads=(SPIKES,),
        packing="lists, one per input, 8 or 16 bits a weight that is not 0",
        needs="any core (portable C99)",
        cost="active inputs x their weights that are not 0",
        zeros=SPARSE,
    ),
    Kernel(
        name="bitsliced",
        bits=(2,),
        reads=(SPIKES, BYTES, COUNTS),
        packing="planes {z, p} of 32 neurons, 2 bits a weight",
        needs="any core (portable C99)",
        cost="active inputs x blocks of 32 neurons",
    ),
    Kernel(
        name="strips",
        bits=(4, 8),
        reads=(SPIKES,),
        packing="columns of 8 bytes, one per input, for strips of 8 or 16 neurons",
        needs="any core (portable C99)",
        cost="active inputs x strips of 8 or 16 neurons",
    ),
    Kernel(
        name="fields",
        bits=(8,),
        reads=(COUNTS,),
        packing="a column of bytes, one per neuron, read as fields of 16 bits",
        needs="any core (portable C99)",
        cost="bits set in the counts x outputs",
        most=(16, 2**16 // 255),
    ),
    Kernel(
        name="plain",
        bits=(4, 8, 16),
        reads=(SPIKES, BYTES, COUNTS),
        packing="columns, one per input, 4, 8 or 16 bits a weight",
        needs="any core (portable C99)",
        cost="active inputs x neurons",
    ),
)


def candidates(synapse: Synapse, reads: str) -> tuple[Kernel, ...]:
    """Return the rows that can serve `synapse` on such an input, in the table's order.

    Raises ValueError where none does.
    """
    rows = tuple(kernel for kernel in KERNELS if kernel.serves(synapse, reads))
    if not rows:
        served = sorted({bits for kernel in KERNELS for bits in kernel.bits})
        raise ValueError(f"no kernel serves weights of {synapse.bits} bits; served are {served}")
    zeros = float((synapse.weights == 0).mean())
    return tuple(row for row in rows if zeros >= row.zeros) or rows


def select(synapse: Synapse, reads: str, costs: Mapping[str, float] | None = None) -> Kernel:
    """Return the row that serves `synapse`: of the least cost, of equal ones the first.

    costs: predicted instructions of each candidate, by name; one without a cost comes last

    Raises ValueError where no row serves it.
    """
    known = costs or {}
    rows = candidates(synapse, reads)
    return min(rows, key=lambda row: known.get(row.name, float("inf")))
