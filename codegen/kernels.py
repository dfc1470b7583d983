"""The table of kernels: which synapse each one serves, how it packs weights, what it costs.

A kernel is a template below `templates/kernels`, a function that computes its stage, and a
row here. `select` picks the row of a synapse.
"""

from __future__ import annotations

from dataclasses import dataclass

from qat.model import Dense


@dataclass(frozen=True)
class Kernel:
    """One row: `bits` are the weight bits it serves, `cost` says what a step is proportional to."""

    name: str
    bits: tuple[int, ...]
    packing: str
    needs: str
    cost: str


KERNELS: tuple[Kernel, ...] = (
    Kernel(
        name="bitsliced",
        bits=(2,),
        packing="planes {z, p} of 32 neurons, 2 bits a weight",
        needs="any core (portable C99)",
        cost="active inputs x blocks of 32 neurons",
    ),
    Kernel(
        name="plain",
        bits=(4, 8, 16),
        packing="columns, one per input, 4, 8 or 16 bits a weight",
        needs="any core (portable C99)",
        cost="active inputs x neurons",
    ),
)


def select(synapse: Dense) -> Kernel:
    """Return the kernel that serves `synapse`.

    Raises ValueError where no row does.
    """
    for kernel in KERNELS:
        if synapse.bits in kernel.bits:
            return kernel
    served = sorted({bits for kernel in KERNELS for bits in kernel.bits})
    raise ValueError(f"no kernel serves weights of {synapse.bits} bits; served are {served}")
