"""The table of kernels: which synapse each one serves, how it packs weights, what it costs.

A kernel is a template below `templates/kernels`, a function that computes its stage, and a
row here. `select` picks the row of a synapse.
"""

from __future__ import annotations

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
        name="strips",
        bits=(4, 8),
        reads=(SPIKES,),
        packing="columns of 8 bytes, one per input, for strips of 8 or 16 neurons",
        needs="any core (portable C99)",
        cost="active inputs x strips of 8 or 16 neurons",
        least=8,
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


def select(synapse: Dense, reads: str) -> Kernel:
    """Return the kernel that serves `synapse` on spikes or on numbers.

    Raises ValueError where no row does.
    """
    for kernel in KERNELS:
        served = synapse.bits in kernel.bits and reads in kernel.reads
        if served and synapse.n_out >= kernel.least:
            return kernel
    known = sorted({bits for kernel in KERNELS for bits in kernel.bits})
    raise ValueError(f"no kernel serves weights of {synapse.bits} bits; served are {known}")
