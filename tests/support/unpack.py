"""Packed weights become codes again: the tests compare what codegen.kernels.pack wrote with it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.kernels.pack import LANES, Codes, Words, unpack_bits


def unpack_ternary_planes(words: Words, n_out: int) -> Codes:
    """Return the (n_out, n_in) int8 codes of (blocks, n_in, 2) words."""
    lanes = unpack_bits(words.transpose(1, 2, 0), len(words) * LANES)
    zero, plus = lanes[:, 0, :n_out], lanes[:, 1, :n_out]
    return (zero.astype(np.int8) + 2 * plus.astype(np.int8) - 1).T


def unpack_strip_words(words: Words, bits: int, n_out: int) -> Codes:
    """Return the (n_out, n_in) int8 codes of (strips, n_in, 2) words."""
    shifts = (bits * np.arange(32 // bits, dtype=np.uint32))[:, None]
    fields = words.transpose(0, 2, 1)[:, :, None, :] >> shifts & np.uint32(2**bits - 1)
    signed = fields.reshape(-1, words.shape[1]).astype(np.int64) - 2 ** (bits - 1)
    return signed[:n_out].astype(np.int8)


def unpack_sparse_lists(targets: NDArray[Any], ends: NDArray[Any], n_out: int) -> Codes:
    """Return the (n_out, n_in) int8 codes of lists."""
    codes = np.zeros((2 * n_out, len(ends) - 1), np.int8)
    lengths: NDArray[np.int64] = ends[1:].astype(np.int64) - ends[:-1]
    codes[targets[: ends[-1]], np.repeat(np.arange(len(lengths)), lengths)] = 1
    return codes[:n_out] - codes[n_out:]


def unpack_fields(packed: NDArray[Any], bits: int, n: int) -> Codes:
    """Return the (..., n) codes that `pack_fields` packed."""
    if bits >= 8:
        return packed[..., :n]
    shifts = bits * np.arange(8 // bits)
    fields = (packed[..., None].astype(np.int64) >> shifts) & (2**bits - 1)
    half = 2 ** (bits - 1)
    signed = (fields ^ half) - half
    return signed.reshape(*packed.shape[:-1], -1)[..., :n].astype(np.int8)


def unpack_byte_quads(packed: NDArray[np.int8], n: int) -> Codes:
    """Return the (4 m, n) int8 codes that `byte_quads` packed."""
    rest, codes = packed[:, :n].astype(np.int64), []
    for _ in range(4):
        codes.append((rest + 1) % 4 - 1)
        rest = (rest - codes[-1]) >> 2
    return np.stack(codes, axis=1).reshape(-1, n).astype(np.int8)


def unpack_byte_fields(words: Words, m: int) -> Codes:
    """Return the (n, m) int8 codes that `byte_fields` packed."""
    bytes_ = (words[..., None] >> np.array([0, 16, 8, 24], np.uint32)) & 255
    return (bytes_.reshape(len(words), -1)[:, :m].astype(np.int64) - 128).astype(np.int8)
