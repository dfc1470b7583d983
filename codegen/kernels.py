"""The table of kernels: which synapse each one serves, how it packs weights, what it costs.

A kernel is a template below `templates/kernels`, a function that computes its stage, and a
row here. `select` picks the row of a synapse.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from qat.model import Dense

SPIKES, NUMBERS = "spikes", "numbers"


@dataclass(frozen=True)
class Kernel:
    """One row.

    bits:  of the weights that it serves
    reads: what its input may be: SPIKES, or NUMBERS (bytes, or spike counts)
    cost:  what a step is proportional to
    least: neurons below which it does not win
    """

    name: str
    bits: tuple[int, ...]
    reads: tuple[str, ...]
    packing: str
    needs: str
    cost: str
    least: int = 1


KERNELS: tuple[Kernel, ...] = (
    Kernel(
        name="bitsliced",
        bits=(2,),
        reads=(SPIKES, NUMBERS),
        packing="planes {z, p} of 32 neurons, 2 bits a weight",
        needs="any core (portable C99)",
        cost="active inputs x blocks of 32 neurons",
    ),
    Kernel(
        name="plain",
        bits=(4, 8, 16),
        reads=(SPIKES, NUMBERS),
        packing="columns, one per input, 4, 8 or 16 bits a weight",
        needs="any core (portable C99)",
        cost="active inputs x neurons",
    ),
)


def candidates(synapse: Dense, reads: str) -> tuple[Kernel, ...]:
    """Return the rows that can serve `synapse` on spikes or on numbers, in the table's order.

    Raises ValueError where none does.
    """
    rows = tuple(k for k in KERNELS if synapse.bits in k.bits and reads in k.reads)
    if not rows:
        served = sorted({bits for kernel in KERNELS for bits in kernel.bits})
        raise ValueError(f"no kernel serves weights of {synapse.bits} bits; served are {served}")
    return tuple(row for row in rows if synapse.n_out >= row.least) or rows


def select(synapse: Dense, reads: str, costs: Mapping[str, float] | None = None) -> Kernel:
    """Return the row that serves `synapse`: of the least cost, of equal ones the first.

    costs: predicted instructions of each candidate, by name; one without a cost comes last

    Raises ValueError where no row serves it.
    """
    known = costs or {}
    rows = candidates(synapse, reads)
    return min(rows, key=lambda row: known.get(row.name, float("inf")))
