"""Packing of weight codes and constants into words, and its inverse.

Ternary planes, the layout of the bit-sliced kernel: 32 neurons share a word, and each
weight is two bits of it,

    z: the weight is 0        p: the weight is +1        weight + 1 = z + 2 p

so that the two words {z, p} of one input hold its weights to 32 neurons in exactly 2 bits
each. Neuron j is bit j % 32 of block j // 32; the lanes beyond the last neuron weigh 0.

Strips, the layout of weights that a spike adds as packed fields: the weights of one input to
64 / bits neurons are two words {first half, second half} of fields

    code + 2^(bits - 1)        unsigned, neuron k of a word in bits bits * k and up

so that 8 neurons of 8 bits or 16 of 4 bits share a column of 8 bytes.

Lists, the layout of ternary weights that are nearly all 0: for input i the entries ends[i] to
ends[i + 1] of targets, each the neuron j of a weight +1, or j + n_out for a weight -1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

LANES = 32

Codes = NDArray[np.integer[Any]]
Words = NDArray[np.uint32]


def words_for(bits: int) -> int:
    """Return how many 32-bit words hold `bits` bits."""
    return -(-bits // LANES)


def pack_bits(bits: NDArray[np.bool_]) -> Words:
    """Pack (..., n) booleans into (..., words) uint32; bit i goes to bit i % 32 of word i // 32."""
    n = bits.shape[-1]
    padded = np.zeros((*bits.shape[:-1], words_for(n) * LANES), np.bool_)
    padded[..., :n] = bits
    packed = np.packbits(padded, axis=-1, bitorder="little")
    return packed.view("<u4").astype(np.uint32)


def unpack_bits(words: Words, n: int) -> NDArray[np.bool_]:
    """Return the (..., n) booleans that `pack_bits` packed."""
    bytes_ = np.ascontiguousarray(words.astype("<u4")).view(np.uint8)
    return np.unpackbits(bytes_, axis=-1, bitorder="little")[..., :n].astype(np.bool_)


def planes_for(levels: int) -> int:
    """Return how many bit planes a signal of 0 to `levels` has."""
    return levels.bit_length()


def signal_words(values: int, levels: int) -> int:
    """Return how many words the planes of such a signal take."""
    return planes_for(levels) * words_for(values)


def pack_signal(signal: NDArray[Any], levels: int) -> Words:
    """Pack a signal (..., n) of 0 to `levels` into (..., words), plane after plane."""
    planes = [signal >> place & 1 != 0 for place in range(planes_for(levels))]
    return np.concatenate([pack_bits(plane) for plane in planes], axis=-1)


def unpack_signal(words: Words, values: int, levels: int) -> NDArray[Any]:
    """Return the (..., values) signal of 0 to `levels` whose planes lie one behind the other.

    words: (..., signal_words). Returns bool for spikes, else uint8 or uint16.
    """
    planes = words.reshape(*words.shape[:-1], planes_for(levels), words_for(values))
    bits = unpack_bits(planes, values)
    if levels == 1:
        return bits[..., 0, :]
    dtype: Any = np.uint8 if levels < 2**8 else np.uint16
    values_of = 2 ** np.arange(bits.shape[-2])[:, None]
    found: NDArray[Any] = (bits * values_of).sum(axis=-2).astype(dtype)
    return found


# ----------------------------------------------------------- ternary planes


def byte_order(n_in: int) -> NDArray[np.intp]:
    """Return (n,): which byte of an input is input i of the planes that it is cut into.

    32 bytes are 8 words of 4, and bit 8 k + j of a plane is that of byte 4 j + k, because whole
    words are transposed; of the last 32 bytes only as many words as there are. n is n_in, rounded
    up to whole words; a byte beyond the last is n_in.
    """
    order = np.minimum(np.arange(-(-n_in // 4) * 4), n_in)
    whole = n_in // LANES * LANES
    groups = (order[:whole].reshape(-1, 8, 4), order[whole:].reshape(1, -1, 4))
    return np.concatenate([part.transpose(0, 2, 1).ravel() for part in groups])


def ternary_planes(codes: Codes) -> Words:
    """Pack (n_out, n_in) ternary codes into (blocks, n_in, 2) words {z, p}."""
    n_out, n_in = codes.shape
    lanes = np.zeros((n_in, words_for(n_out) * LANES), np.int8)
    lanes[:, :n_out] = codes.T
    planes = np.stack([pack_bits(lanes == 0), pack_bits(lanes == 1)], axis=-1)
    return np.ascontiguousarray(planes.transpose(1, 0, 2))


# --------------------------------------------------------------- strips

STRIP_BITS = 64
"""Bits of one input's column in a strip."""


def strip_words(codes: Codes, bits: int) -> Words:
    """Pack (n_out, n_in) codes of 4 or 8 bits into (strips, n_in, 2) words of offset fields."""
    n_out, n_in = codes.shape
    neurons = STRIP_BITS // bits
    fields = np.full((-(-n_out // neurons) * neurons, n_in), 2 ** (bits - 1), np.uint32)
    fields[:n_out] += codes.astype(np.uint32)
    shifts = (bits * np.arange(32 // bits, dtype=np.uint32))[:, None]
    words = np.bitwise_or.reduce(fields.reshape(-1, 2, 32 // bits, n_in) << shifts, axis=2)
    return np.ascontiguousarray(words.transpose(0, 2, 1))


# ---------------------------------------------------------------- lists


def sparse_lists(codes: Codes) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return (targets, ends) of (n_out, n_in) ternary codes: uint8 or uint16, uint16 or uint32.

    targets has an entry that no list holds where there is none else: C has no empty arrays.
    """
    n_out = len(codes)
    inputs, neurons = np.nonzero(codes.T)
    targets = neurons + np.where(codes[neurons, inputs] < 0, n_out, 0)
    targets = targets if len(targets) else np.zeros(1, np.int64)
    ends = np.concatenate([[0], np.cumsum((codes != 0).sum(axis=0))])
    return (
        targets.astype(np.uint8 if 2 * n_out <= 2**8 else np.uint16),
        ends.astype(np.uint16 if ends[-1] < 2**16 else np.uint32),
    )


def constant_planes(values: NDArray[Any], width: int) -> Words:
    """Return (blocks, width) words: plane b holds bit b of the two's complement of n values."""
    shifts = np.arange(width, dtype=np.int64)[:, None]
    bits = (values.astype(np.int64)[None, :] >> shifts) & 1
    return np.ascontiguousarray(pack_bits(bits.astype(np.bool_)).T)


# --------------------------------------------------------------- fields


def pack_fields(codes: Codes, bits: int) -> NDArray[Any]:
    """Pack the last axis of `codes` as two's complement fields, low bits first.

    2 and 4 bits: uint8 with 4 or 2 codes a byte, rows padded with zeros to whole bytes;
    8 bits: int8; 16 bits: int16.
    """
    if bits >= 8:
        return np.ascontiguousarray(codes, dtype=np.int8 if bits == 8 else np.int16)
    per_byte = 8 // bits
    n = codes.shape[-1]
    padded = np.zeros((*codes.shape[:-1], -(-n // per_byte) * per_byte), np.uint8)
    padded[..., :n] = codes.astype(np.int64) & (2**bits - 1)
    fields = padded.reshape(*codes.shape[:-1], -1, per_byte)
    shifts = (bits * np.arange(per_byte)).astype(np.uint8)
    packed: NDArray[np.uint8] = np.bitwise_or.reduce(fields << shifts, axis=-1)
    return packed


def signed_digits(values: NDArray[Any]) -> NDArray[np.int64]:
    """Return how many digits of the non-adjacent form of each value are not 0."""
    sizes = (abs(int(value)) for value in values)
    return np.array([(size ^ 3 * size).bit_count() for size in sizes], np.int64)


def byte_quads(codes: Codes) -> NDArray[np.int8]:
    """Pack (4 m, n) ternary codes into (m, n to whole 16s) bytes w0 + 4 w1 + 16 w2 + 64 w3."""
    m, n = len(codes) // 4, codes.shape[1]
    packed = np.zeros((m, -(-n // 16) * 16), np.int8)
    packed[:, :n] = np.einsum("mkn,k->mn", codes.reshape(m, 4, n), np.array([1, 4, 16, 64]))
    return packed


def byte_fields(codes: Codes) -> Words:
    """Pack (n, m) codes of 8 bits into (n, ceil(m / 4)) words of bytes code + 128.

    Codes 4 w to 4 w + 3 are bytes 0, 2, 1 and 3 of word w: the first two and the last two then
    become fields of 16 bits in their order. Bytes without a code are 0.
    """
    n, m = codes.shape
    padded = np.zeros((n, -(-m // 4) * 4), np.uint32)
    padded[:, :m] = codes.astype(np.int64) + 128
    quads = padded.reshape(n, -1, 4) << np.array([0, 16, 8, 24], np.uint32)
    words: Words = np.bitwise_or.reduce(quads, axis=-1)
    return words


# ----------------------------------------------------------------- C text

_CTYPES = {
    "uint32": "uint32_t",
    "uint16": "uint16_t",
    "uint8": "uint8_t",
    "int8": "int8_t",
    "int16": "int16_t",
    "int32": "int32_t",
}


def ctype(array: NDArray[Any]) -> str:
    """Return the C type of an array's elements."""
    return _CTYPES[array.dtype.name]


def c_numbers(array: NDArray[Any]) -> str:
    """Return the elements as the inside of a C initialiser, several to a line.

    Unsigned values are written in hexadecimal, signed ones in decimal.
    """
    flat = np.ascontiguousarray(array).ravel()
    if flat.dtype.kind == "u":
        size = flat.dtype.itemsize
        text = flat.astype(flat.dtype.newbyteorder(">")).tobytes().hex()
        numbers = [f"0x{text[i : i + 2 * size]}u" for i in range(0, len(text), 2 * size)]
        per_line = 6 if size == 4 else 12
    else:
        numbers = [str(value) for value in flat.tolist()]
        per_line = 16
    lines = (", ".join(numbers[i : i + per_line]) for i in range(0, len(numbers), per_line))
    return ",\n".join("    " + line for line in lines)
