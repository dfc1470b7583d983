"""The loops of first layers on bytes, on every core: each equals its portable twin, and Conv."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from calibration.counting import Counting
from numpy.typing import NDArray
from support.byte_loops import Answer, Bench, Case, Request, sizes
from support.crossed import ALIKE, crossed

from codegen.kernels.bytes.geometry import Geometry
from qat.model import Shape

pytestmark = pytest.mark.target

CORES = ("qemu-m0", "qemu-m3", "qemu-m4", "qemu-m33", "qemu-m55")
RANDOM = 24
"""Random channels of each case on each core, besides the extremes."""


def geometry(
    grid: tuple[int, int, int], kernel: tuple[int, int], stride: int = 1, *, padding: str = "same",
    pool: int = 1, bits: int = 8,
) -> Geometry:  # fmt: skip
    """Return the images for a convolution."""
    given = Shape(*grid)
    shape = given.conv(kernel, stride, padding, 32)
    pad = ((kernel[0] - 1) // 2, (kernel[1] - 1) // 2) if padding == "same" else (0, 0)
    sent = shape.pool((2, 2)) if pool == 2 else shape
    return Geometry(given, kernel, stride, pad, sent, pool, bits)


CASES = {
    "16x16": Case(geometry((16, 16, 1), (3, 3))),
    "16x16, no padding, one spike": Case(geometry((16, 16, 1), (3, 3), padding="none"), most=1),
    "16x16 pooled": Case(geometry((16, 16, 1), (3, 3), pool=2)),
    "16x16 pooled, seven spikes": Case(geometry((16, 16, 1), (3, 3), pool=2), most=7, lanes=16),
    "16x16 pooled, far": Case(geometry((16, 16, 1), (5, 5), pool=2), near=False),
    "16x16 pooled, 16 bits": Case(geometry((16, 16, 1), (5, 5), pool=2, bits=16), most=2),
    "5x5 stride 2": Case(geometry((16, 16, 1), (5, 5), 2), near=False, most=3),
    "5x5 stride 2, 16 bits": Case(geometry((16, 16, 1), (5, 5), 2, bits=16), lanes=16),
    "28x28": Case(geometry((28, 28, 1), (3, 3)), across=2),
    "28x28 pooled": Case(geometry((28, 28, 1), (5, 5), pool=2), near=False),
    "digits": Case(geometry((8, 8, 1), (3, 3)), lanes=16),
    "colours": Case(geometry((10, 14, 3), (3, 3), pool=2)),
    "stride 2, pooled": Case(geometry((20, 20, 2), (3, 3), 2, pool=2), near=False),
    "odd sizes": Case(geometry((7, 11, 1), (7, 7), 2), most=4, negative=True),
    "a recording": Case(geometry((1, 50, 6), (1, 5)), near=False, negative=True),
    "a recording, 16 bits": Case(geometry((1, 37, 6), (1, 7), 2, bits=16), negative=True),
    "seven columns, stride 2, pooled": Case(geometry((16, 24, 1), (5, 7), 2, pool=2), near=False),
    "even kernel": Case(geometry((9, 12, 1), (2, 4)), near=False, most=5),
    "8 bits": Case(geometry((16, 16, 1), (3, 3), bits=16), products=True, looped=True),
    "8 bits pooled": Case(geometry((12, 12, 1), (3, 3), pool=2, bits=16), most=7, products=True),
    "8 bits, far taps": Case(geometry((20, 28, 2), (5, 5), bits=16), products=True, lanes=16),
    "8 bits, stride 2": Case(
        geometry((9, 7, 2), (5, 3), 2, bits=16), negative=True, products=True, looped=True
    ),
    "turned in loops": Case(geometry((8, 16, 1), (3, 3)), across=2, looped=True),
    "turned in loops, 16 channels": Case(geometry((8, 8, 1), (3, 3)), lanes=16, looped=True),
    "turned in loops, 16 channels, 16 bits": Case(
        geometry((8, 8, 1), (5, 5), bits=16), lanes=16, looped=True
    ),
    "a window": Case(geometry((3, 8, 1), (3, 1), padding="none"), negative=True),
}


WIDEST = {8: 254, 16: 2**15 - 1}
"""Range of the sums of a channel that fields of so many bits hold."""


def currents(case: Case, codes: NDArray[np.int64], pixels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (height, width): the sums of one channel at all positions, by plain loops over taps.

    codes: (kernel height, kernel width, channels); pixels: (height, width, channels)
    """
    g = case.geometry
    rows, columns = g.shape.height * g.pool, g.shape.width * g.pool
    around = np.zeros((g.stride * rows + 16, g.stride * columns + 16, g.grid.channels), np.int64)
    around[g.pad[0] : g.pad[0] + g.grid.height, g.pad[1] : g.pad[1] + g.grid.width] = pixels
    found = np.zeros((rows, columns), np.int64)
    for ky, kx, c in np.ndindex(*codes.shape):
        window = around[
            ky : ky + g.stride * rows : g.stride, kx : kx + g.stride * columns : g.stride
        ]
        found += codes[ky, kx, c] * window[..., c]
    return found


def counts_of(case: Case, a: NDArray[np.int64], thresholds: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (height, width): the counts that are sent."""
    g = case.geometry
    q = (a[..., None] >= thresholds).sum(axis=-1)
    return q.reshape(g.shape.height, g.pool, g.shape.width, g.pool).max(axis=(1, 3))


def positions(case: Case) -> NDArray[np.int64]:
    """Return (height, width): which position of the loops is one of the map."""
    g = case.geometry
    y, x = np.indices((g.shape.height, g.shape.width))
    if not g.pooled:
        return y * g.row_words * g.fields + x
    pair, within = x // (2 * g.fields), x % (2 * g.fields)
    return pair * g.groups * 32 + y * 2 * g.fields + within


def digits_found(case: Case, answer: Answer) -> NDArray[np.int64]:
    """Return (height, width): the counts that the loops have made."""
    g = case.geometry
    bits = answer.digits[..., None] >> np.arange(32) & 1  # (groups, planes, lanes)
    values = (bits << np.arange(case.layer.planes)[:, None]).sum(axis=1)
    place = np.arange(32)
    lanes = place // g.fields + g.group * (place % g.fields)
    return values[:, lanes].ravel()[positions(case)]


@dataclass(frozen=True)
class Made:
    """A request, and what must come of it."""

    request: Request
    counts: NDArray[np.int64]


def made(case: Case, rng: np.random.Generator, extreme: int | None = None) -> Made:
    """Return a channel of random taps on a random map; or one of the extremes, 0 to 3."""
    g = case.geometry
    low, high = (-7, 7) if case.negative else (0, 15)
    n_taps = g.kernel[0] * g.kernel[1] * g.grid.channels
    largest = int(rng.choice([1, 7, 127])) if case.products else 1
    most = min(n_taps, WIDEST[g.bits] // ((high - low) * largest))
    number = most if extreme is not None else int(rng.integers(0, most + 1))
    codes = np.zeros(n_taps, np.int64)
    signs = rng.choice([-1, 1], number) if extreme in (None, 2, 3) else 1 - 2 * extreme
    codes[rng.permutation(n_taps)[:number]] = signs * rng.integers(1, largest + 1, number)
    codes = codes.reshape(*g.kernel, g.grid.channels)
    x = rng.integers(low, high + 1, g.grid.sides) * (rng.random(g.grid.sides) < rng.random())
    if extreme is not None:
        x = np.full_like(x, high if extreme % 2 == 0 else low)
    plus, minus = int(codes[codes > 0].sum()), -int(codes[codes < 0].sum())
    lowest, highest = plus * low - minus * high, plus * high - minus * low
    lowest, highest = min(lowest, 0), max(highest, 0)
    near = 2 ** (g.bits - 1)
    span = (max(lowest, highest - near + 1), min(highest + 1, lowest + near))
    if not case.near:
        span = lowest, highest + 1
    thresholds = np.sort(rng.integers(span[0], span[1] + 1, case.most))
    shift = 128 * (plus - minus) if case.negative else 0
    if case.near:
        start, limits = near - thresholds[0] - shift, thresholds[1:] - thresholds[0]
    else:
        start, limits = 1 - lowest - shift, 2**g.bits - (thresholds - lowest + 1)
    distances = np.array([g.tap(*at[:2], at[2]) for at in np.ndindex(*codes.shape)])
    flat = codes.ravel()
    request = Request(
        x=x.astype(np.int8 if case.negative else np.uint8),
        minus=distances[flat < 0],
        plus=distances[flat > 0],
        start=int(start) * g.ones,
        limits=limits,
        words=rng.integers(0, 2**32, sizes(case)["words"], dtype=np.uint32),
        weights=np.concatenate([flat[flat < 0], flat[flat > 0]]),
    )
    return Made(request, counts_of(case, currents(case, codes, x), thresholds))


def turned(case: Case, words: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Return the words that `turn` must make; where words lie apart, of the first of each."""
    g = case.geometry
    found = words.copy()
    place = np.arange(32)
    for some in found.reshape(-1, case.lanes * case.across):
        channels = some[:: case.across].reshape(-1, case.spread).T.ravel()
        bits = channels[:, None] >> np.arange(32) & 1  # (channels, lanes)
        by_position = bits[:, place // g.fields + g.group * (place % g.fields)].T
        each = (by_position << np.arange(case.lanes)).sum(axis=1)
        if case.lanes == 16:
            each = each[0::2] | each[1::2] << 16
        some[:: case.across] = each.astype(np.uint32)
    return found


def largest(case: Case, answer: Answer) -> NDArray[np.uint32]:
    """Return the sums of each block, the largest of four corners where these are apart."""
    g = case.geometry
    words = answer.sums[: g.parts * g.blocks * (2 if answer.corners == 1 and g.pooled else 8)]
    if answer.corners == 1:
        return words
    dtype = f"<u{g.bits // 8}"
    blocks = np.ascontiguousarray(words.reshape(-1, 4, 2)).view(dtype)
    return np.ascontiguousarray(blocks.max(axis=1)).view("<u4").ravel()


@pytest.mark.parametrize(("name", "core"), crossed(CASES, CORES, apart=ALIKE))
def test_a_core_equals_its_twin_and_the_sums(
    name: str, core: str, counting: Callable[[str], Counting]
) -> None:
    case, rng = CASES[name], np.random.default_rng(0)
    cases = [made(case, rng, k) for k in range(4)] + [made(case, rng) for _ in range(RANDOM)]
    requests = [one.request for one in cases]
    with Bench(case, counting(core)) as bench:
        own, twins = bench.ask(requests, own=True), bench.ask(requests, own=False)
    for one, found, twin in zip(cases, own, twins, strict=True):
        np.testing.assert_array_equal(found.images, twin.images)
        np.testing.assert_array_equal(largest(case, found), largest(case, twin))
        np.testing.assert_array_equal(digits_found(case, found), one.counts)
        np.testing.assert_array_equal(digits_found(case, twin), one.counts)
        expected = turned(case, one.request.words)
        np.testing.assert_array_equal(found.words, expected)
        np.testing.assert_array_equal(twin.words, expected)
    if not {one.counts.max() for one in cases} - {0}:
        pytest.fail("silence proves nothing")
