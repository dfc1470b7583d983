"""The stage of a readout of 4-bit weights whose sums lie two in a word.

A word holds the weights of eight outputs, each + 8, so that a shift and a mask leave two of them
in fields of 16 bits: nibbles q and q + 4 are those of outputs 2 q and 2 q + 1. They are multiplied
by a neuron's count as one number, and added to a word that a register keeps. What the 8 made too
much is 8 times the sum of all counts, the same for every output. A byte holds two outputs of what
fills no word.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from codegen.kernels.memory import Table
from codegen.kernels.pack import Codes, Words
from codegen.kernels.readout import synapse_of, weighted
from codegen.kernels.stage import Readout
from qat.model import Model

OFFSET = 8
"""What is added to a weight of 4 bits, so that none is negative."""
LARGEST = 2 * OFFSET - 1
"""Of these sums of weight and offset."""
FIELD = 2**16
"""Values of a field."""
EIGHT = 8
"""Weights of a word."""


def fits(index: int, model: Model) -> bool:
    """Return True if the sum of all inputs of the readout stays in a field, at their most."""
    last, steps = model.layers[index - 1], model.steps
    return steps is not None and last.sends * steps * last.levels * LARGEST < FIELD


@dataclass(frozen=True, eq=False, kw_only=True)
class PairsReadout(Readout):
    """A readout in pairs; whole: words of a neuron's weights, of eight outputs each."""

    whole: int

    @property
    def pairs(self) -> int:
        """Words of sums."""
        return -(-self.outputs // 2)


def whole_words(outputs: int) -> int:
    """Return how many words of eight outputs there are, at most one place of them empty."""
    return (outputs + 1) // EIGHT


def pair_words(codes: Codes) -> Words:
    """Return (n_in, words) uint32 of (8 words, n_in) codes: even outputs in the low half."""
    nibbles = (
        (codes.T + OFFSET)
        .reshape(codes.shape[1], len(codes) // EIGHT, EIGHT // 2, 2)
        .astype(np.uint32)
    )
    shifts = 4 * np.arange(EIGHT // 2)[:, None] + np.array([0, 16])
    words: Words = (nibbles << shifts.astype(np.uint32)).sum(axis=(2, 3)).astype(np.uint32)
    return words


def pair_bytes(codes: Codes) -> Codes:
    """Return (n_in, pairs) uint8 of (2 pairs, n_in) codes: the even output in the low nibble."""
    nibbles = codes.T + OFFSET
    return (nibbles[:, 0::2] | nibbles[:, 1::2] << 4).astype(np.uint8)


def _tables(codes: Codes) -> tuple[Table, ...]:
    """Return the words, and the bytes of what is left over."""
    whole = EIGHT * whole_words(len(codes))
    padded = np.full((max(whole, len(codes) + len(codes) % 2), codes.shape[1]), -OFFSET)
    padded[: len(codes)] = codes
    per = "per neuron of the last layer"
    words = Table("readout_weights", f"eight outputs a word, weight + 8 each, {per}",
                  pair_words(padded[:whole]))  # fmt: skip
    rest = Table("readout_rest", f"two outputs a byte, weight + 8 each, {per}",
                 pair_bytes(padded[whole:]))  # fmt: skip
    return tuple(table for table in (words, rest) if table.values.size)


def readout_stage(model: Model) -> PairsReadout:
    """Return the stage of a readout of 4-bit weights and few outputs."""
    assert fits(len(model.layers), model)
    synapse = synapse_of(model)
    weights, *rest = _tables(synapse.codes.astype(np.int64))
    plain = weighted(model, "pairs", weights)
    named = {field.name: getattr(plain, field.name) for field in fields(Readout)}
    return PairsReadout(
        **named
        | {
            "tables": (weights, *rest, *plain.tables[1:]),
            "helpers": frozenset({"trailing_zeros", "lane"}),
            "bits": synapse.bits,
        },
        whole=whole_words(plain.outputs),
    )
