"""A byte input of the bit-sliced kernel: the list of its digits, or dot products on Helium."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from codegen.kernels.memory import Table
from codegen.kernels.pack import LANES, byte_quads, signed_digits, words_for
from codegen.kernels.source import Digits, Source
from qat.model import Activity, Dense, Model

DENSE_DIGITS = 1.0
"""Digits of a byte, on average, from which Helium multiplies instead: a digit takes 22 instructions
for 128 neurons, a byte 20."""

ONE_ROUND = 160
"""Entries up to which the list holds the digits of any input, and no code for rounds is needed."""

LEAST_LISTED = 128
"""Entries of the list where it may take rounds: fewer would cost more time than RAM."""

DIGITS_LISTED = 512
"""Most digits of a byte input that are listed at once; one of a digit image has about 200."""


def with_digits(source: Source) -> Source:
    """Return the source with its digits: the planes of a signal of counts are binary ones."""
    if source.planes <= 1:
        return source
    return replace(source, digits=Digits("binary", source.planes, 0))


def digits_at_most(source: Source) -> int:
    """Return the entries of the list that the digits of one input can take."""
    digits = source.digits
    assert digits is not None
    each = (digits.adds + 1) // 2 if digits.kind == "signed" else digits.lists - digits.top
    return source.size * each + digits.lists


def listed(source: Source) -> int:
    """Return the entries of the list: of digits, or of spikes."""
    if source.digits is None:
        return source.size
    most = digits_at_most(source) + LANES
    if most > ONE_ROUND:
        most = min(max(source.size + LANES, LEAST_LISTED), DIGITS_LISTED)
    return -(-most // LANES) * LANES


def rounds(source: Source) -> bool:
    """Return True if an input can have more digits than the list holds."""
    return source.digits is not None and listed(source) < digits_at_most(source) + LANES


def often(source: Source, model: Model) -> bool:
    """Return True if bytes are seldom 0: dot products are expected to cost less than lists."""
    if source.digits is None or source.digits.kind != "signed":
        return False
    values = np.arange(model.input.low, model.input.high + 1)
    shares = np.array(Activity.of(model).values)
    return bool((shares * signed_digits(values)).sum() >= DENSE_DIGITS)


def dot_products(
    index: int, synapse: Dense, source: Source, bias: NDArray[np.int64]
) -> tuple[Table, ...]:
    """Return the tables of dot products: four weights a byte, and what is added to their sums."""
    codes = np.zeros((words_for(synapse.n_out) * LANES, synapse.n_in), np.int64)
    codes[: synapse.n_out] = synapse.codes
    added = np.zeros(len(codes), np.int64)
    half = (1 << source.shift) >> 1
    added[: synapse.n_out] = (bias << source.shift) + half
    if not source.negative:
        added += 128 * codes.sum(axis=1)
    what = "weights of 4 neurons a byte, 16 inputs a vector"
    return (
        Table(f"dense{index}", what, byte_quads(codes)),
        Table(f"offsets{index}", "added to the sum of each neuron", added.astype(np.int32)),
    )
