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
    zeros: fraction of zero weights below which it does not win
    """

    name: str
    bits: tuple[int, ...]
    reads: tuple[str, ...]
    packing: str
    needs: str
    cost: str
    least: int = 1
    zeros: float = 0.0


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
        least=8,
        zeros=SPARSE,
    ),
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
    zeros = float((synapse.codes == 0).mean())
    for kernel in KERNELS:
        served = synapse.bits in kernel.bits and reads in kernel.reads
        wins = synapse.n_out >= kernel.least and zeros >= kernel.zeros
        if served and wins:
            return kernel
    known = sorted({bits for kernel in KERNELS for bits in kernel.bits})
    raise ValueError(f"no kernel serves weights of {synapse.bits} bits; served are {known}")
