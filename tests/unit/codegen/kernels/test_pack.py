"""Packing is lossless, exactly two bits a weight, and the headers say how to unpack."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.unpack import (
    unpack_byte_fields,
    unpack_byte_quads,
    unpack_fields,
    unpack_sparse_lists,
    unpack_strip_words,
    unpack_ternary_planes,
)
from support.zoo.small import small_model

from codegen.checks.host import WARNINGS, find_compiler
from codegen.kernels.pack import (
    byte_fields,
    byte_order,
    byte_quads,
    constant_planes,
    pack_bits,
    pack_fields,
    signed_digits,
    sparse_lists,
    strip_words,
    ternary_planes,
    unpack_bits,
)
from codegen.package.weights import weights_header
from qat.model import CODE_RANGE

SIZES = st.sampled_from((1, 2, 3, 7, 31, 32, 33, 63, 64, 65))
SEEDS = st.integers(0, 2**32 - 1)


def codes_of(bits: int, n_out: int, n_in: int, seed: int) -> Any:
    low, high = CODE_RANGE[bits]
    return np.random.default_rng(seed).integers(low, high, (n_out, n_in), endpoint=True)


@given(SIZES, SIZES, SEEDS)
def test_ternary_planes_unpack(n_out: int, n_in: int, seed: int) -> None:
    codes = codes_of(2, n_out, n_in, seed)
    words = ternary_planes(codes)
    np.testing.assert_array_equal(unpack_ternary_planes(words, n_out), codes)
    assert words.nbytes * 8 == 2 * n_in * (-(-n_out // 32) * 32)


@given(st.sampled_from((2, 4, 8, 16)), SIZES, SIZES, SEEDS)
def test_fields_unpack(bits: int, n_out: int, n_in: int, seed: int) -> None:
    codes = codes_of(bits, n_out, n_in, seed)
    packed = pack_fields(codes, bits)
    np.testing.assert_array_equal(unpack_fields(packed, bits, n_in), codes)
    assert packed.nbytes == n_out * -(-n_in * bits // 8)


@given(SIZES, SIZES, SEEDS)
def test_byte_fields_unpack(n: int, m: int, seed: int) -> None:
    codes = codes_of(8, n, m, seed)
    words = byte_fields(codes)
    np.testing.assert_array_equal(unpack_byte_fields(words, m), codes)
    assert words.shape == (n, -(-m // 4))


@given(SIZES, SIZES, SEEDS)
def test_byte_quads_unpack(quads: int, n: int, seed: int) -> None:
    codes = codes_of(2, 4 * quads, n, seed)
    packed = byte_quads(codes)
    np.testing.assert_array_equal(unpack_byte_quads(packed, n), codes)
    assert packed.shape == (quads, -(-n // 16) * 16)


@given(SIZES)
def test_bytes_have_an_order_of_their_own(n: int) -> None:
    order = byte_order(n)
    assert sorted(order[order < n]) == list(range(n))
    assert len(order) == -(-n // 4) * 4


def test_signed_digits_are_those_of_the_non_adjacent_form() -> None:
    def digits(value: int) -> int:
        count = 0
        while value:
            digit = 2 - value % 4 if value % 2 else 0
            count, value = count + abs(digit), (value - digit) // 2
        return count

    values = np.arange(-128, 256)
    assert signed_digits(values).tolist() == [digits(int(value)) for value in values]


@given(st.sampled_from((4, 8)), SIZES, SIZES, SEEDS)
def test_strips_unpack(bits: int, n_out: int, n_in: int, seed: int) -> None:
    codes = codes_of(bits, n_out, n_in, seed)
    words = strip_words(codes, bits)
    np.testing.assert_array_equal(unpack_strip_words(words, bits, n_out), codes)
    neurons = 64 // bits
    assert words.shape == (-(-n_out // neurons), n_in, 2)
    j, i = n_out - 1, n_in // 2
    word = int(words[j // neurons, i, j % neurons * bits // 32])
    assert (word >> j * bits % 32) % 2**bits - 2 ** (bits - 1) == codes[j, i]


@given(SIZES, SIZES, SEEDS, st.sampled_from((0.0, 0.5, 0.98, 1.0)))
def test_lists_unpack(n_out: int, n_in: int, seed: int, zeros: float) -> None:
    codes = codes_of(2, n_out, n_in, seed)
    codes[np.random.default_rng(seed).random(codes.shape) < zeros] = 0
    targets, ends = sparse_lists(codes)
    np.testing.assert_array_equal(unpack_sparse_lists(targets, ends, n_out), codes)
    assert max(int(ends[-1]), 1) == len(targets)
    assert ends[-1] == np.count_nonzero(codes)
    assert targets.itemsize == 1


def test_long_lists_unpack() -> None:
    codes = codes_of(2, 300, 400, 0)
    targets, ends = sparse_lists(codes)
    assert (targets.dtype, ends.dtype) == (np.uint16, np.uint32)
    np.testing.assert_array_equal(unpack_sparse_lists(targets, ends, 300), codes)


@given(SIZES, SEEDS)
def test_bits_unpack(n: int, seed: int) -> None:
    bits = np.random.default_rng(seed).random((3, n)) < 0.5
    words = pack_bits(bits)
    np.testing.assert_array_equal(unpack_bits(words, n), bits)
    for i in range(n):
        assert bool(words[0, i // 32] >> (i % 32) & 1) == bits[0, i]


@given(SIZES, SEEDS)
def test_constant_planes_are_the_bits(n: int, seed: int) -> None:
    values = np.random.default_rng(seed).integers(-900, 900, n)
    planes = constant_planes(values, 11)
    for j, value in enumerate(values):
        bits = [int(planes[j // 32, b]) >> (j % 32) & 1 for b in range(11)]
        assert sum(bit << b for b, bit in enumerate(bits)) == value % 2**11


READERS = {
    ("rows", 2): "((w[j][i / 4] >> (2 * (i % 4))) & 3) ^ 2) - 2",
    ("rows", 4): "((w[j][i / 2] >> (4 * (i % 2))) & 15) ^ 8) - 8",
    ("rows", 8): "w[j][i]))",
    ("rows", 16): "w[j][i]))",
    ("planes", 2): "((w[j / 32][2 * i] >> (j % 32)) & 1)) "
    "+ 2 * (int)((w[j / 32][2 * i + 1] >> (j % 32)) & 1) - 1",
    ("strips", 4): "((w[j / 16][2 * i + j % 16 / 8] >> (4 * (j % 8))) & 15)) - 8",
    ("strips", 8): "((w[j / 8][2 * i + j % 8 / 4] >> (8 * (j % 4))) & 255)) - 128",
}


@pytest.mark.parametrize(("layout", "bits"), READERS)
def test_header_reads_back_in_c(layout: str, bits: int, tmp_path: Path) -> None:
    codes = codes_of(bits, 37, 45, bits)
    (tmp_path / "w.h").write_text(weights_header(codes, bits, layout, name="w"))
    expression = "((int)(" + READERS[layout, bits].replace("j]", "j]", 1)
    opened = expression.count("(") - expression.count(")")
    (tmp_path / "read.c").write_text(
        '#include "w.h"\n#include <stdio.h>\nint main(void)\n{\n'
        "    for (unsigned j = 0; j < W_NEURONS; j++) {\n"
        "        for (unsigned i = 0; i < W_INPUTS; i++) {\n"
        f'            printf("%d ", {expression}{")" * opened});\n'
        "        }\n    }\n    return 0;\n}\n"
    )
    command = [find_compiler(), "-std=c99", "-Wall", "-Werror", "read.c", "-o", "read"]
    subprocess.run(command, cwd=tmp_path, check=True)
    done = subprocess.run([tmp_path / "read"], check=True, capture_output=True, text=True)
    read = np.array(done.stdout.split(), int).reshape(codes.shape)
    np.testing.assert_array_equal(read, codes)


def test_header_of_a_model_holds_every_synapse(tmp_path: Path) -> None:
    text = weights_header(small_model(), layout="planes")
    assert "small_layer0[2][40]" in text
    assert "small_layer1[2][80]" in text
    assert "static const int8_t small_readout[5][33]" in text
    (tmp_path / "w.c").write_text(text + "int unused;\n")
    flags = [*WARNINGS, "-Wno-unused-variable", "-Wno-unused-const-variable"]
    command = [find_compiler(), *flags, "-fsyntax-only", "w.c"]
    subprocess.run(command, cwd=tmp_path, check=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.array([[2]]), 2), r"weights: hold 2 to 2; 2 bits allow -1 to 1"),
        ((np.array([[0.5]]), 2), r"found dtype float64; must hold integer codes"),
        ((np.array([1, 0]), 2), r"found shape \(2,\)"),
        ((np.array([[1]]), 5), r"bits: found 5; allowed are 2, 4, 8, 16"),
        ((np.array([[1]]), 4, "planes"), r"layout 'planes' holds weights of 2 bits"),
        ((np.array([[1]]), 2, "strips"), r"layout 'strips' holds weights of 4 or 8 bits; for 2"),
        ((np.array([[1]]), 2, "columns"), r"layout: found 'columns'; allowed are planes, rows, st"),
        ((np.array([[1]]), 2, "rows", "for"), r"'for' is a keyword"),
    ],
)
def test_header_refuses(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        weights_header(*arguments)
