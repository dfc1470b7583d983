"""Weights of others as codes and a scale, after training: by the currents that they make.

Weights that lie on a grid of the bits keep their values exactly. Others take the scale that
leaves the least squared error of the currents, sum over neurons of (w - s c) G (w - s c)', with
G the mean of x x' over samples of the inputs. Ternary codes try several thresholds besides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.model import CODE_RANGE

Float = NDArray[np.floating[Any]]

ON_GRID = 1e-4
"""How far from a whole number a weight on a grid may be, in codes: float32 noise of a scale."""

SHRINKS = tuple(np.linspace(0.3, 1.0, 36))
"""Scales that are tried, as a share of the one whose largest code holds the largest weight."""

TERNARY = tuple(np.linspace(0.2, 1.4, 25))
"""Thresholds that are tried for ternary codes, in means of the absolute weights."""

MOST_GRAM = 2048
"""Inputs up to which their products are kept; beyond, their squares alone."""


@dataclass(frozen=True, eq=False)
class Coded:
    """Codes of several links with one scale; exact: the weights are codes times scale."""

    codes: tuple[NDArray[np.int64], ...]
    scale: float
    exact: bool


@dataclass(frozen=True, eq=False)
class Block:
    """Weights of a link as rows, (channels, inputs of each), and the products of its inputs.

    gram: (inputs, inputs), or (inputs,) of squares alone; None where there are no samples
    """

    rows: Float
    gram: Float | None = None

    def product(self, a: Float, b: Float) -> float:
        """Return sum over channels of a G b'."""
        if self.gram is None:
            return float((a * b).sum())
        if self.gram.ndim == 1:
            return float((a * b * self.gram).sum())
        return float(((a @ self.gram) * b).sum())


def gram_of(x: Float) -> Float:
    """Return the mean product of inputs of samples, (samples, inputs)."""
    if x.shape[1] > MOST_GRAM:
        return np.asarray((x * x).mean(axis=0))
    return np.asarray(x.T @ x / max(len(x), 1))


def coded(blocks: Sequence[Block], bits: int) -> Coded:
    """Return the codes of several links with one scale."""
    largest = max((float(np.abs(block.rows).max(initial=0)) for block in blocks), default=0.0)
    if largest == 0:
        return Coded(tuple(np.zeros(b.rows.shape, np.int64) for b in blocks), 1.0, exact=True)
    grid = _grid(blocks, bits, largest)
    if grid is not None:
        return grid
    tried = (_scaled(blocks, codes) for codes in _candidates(blocks, bits, largest))
    best = min(tried, key=lambda found: found[0])
    return Coded(tuple(best[1]), best[2], exact=False)


def _grid(blocks: Sequence[Block], bits: int, largest: float) -> Coded | None:
    """Return codes that are exact, with the largest scale; None where there are none."""
    low, high = CODE_RANGE[bits]
    every = np.concatenate([block.rows.ravel() for block in blocks])
    for most in range(1, max(-low, high) + 1):
        codes = every * (most / largest)
        whole = np.rint(codes)
        if np.abs(codes - whole).max() < ON_GRID and low <= whole.min() and whole.max() <= high:
            scale = float(every @ whole / (whole @ whole))
            return Coded(tuple(np.rint(b.rows / scale).astype(np.int64) for b in blocks), scale,
                         exact=True)  # fmt: skip
    return None


def _candidates(
    blocks: Sequence[Block], bits: int, largest: float
) -> Iterator[list[NDArray[np.int64]]]:
    low, high = CODE_RANGE[bits]
    if bits == 2:
        mean = float(np.concatenate([np.abs(block.rows).ravel() for block in blocks]).mean())
        for ratio in TERNARY:
            yield [
                (np.sign(b.rows) * (np.abs(b.rows) > ratio * mean)).astype(np.int64) for b in blocks
            ]
        return
    for shrink in SHRINKS:
        scale = shrink * largest / high
        yield [np.clip(np.rint(b.rows / scale), low, high).astype(np.int64) for b in blocks]


def _scaled(
    blocks: Sequence[Block], codes: list[NDArray[np.int64]]
) -> tuple[float, list[NDArray[np.int64]], float]:
    """Return (squared error, codes, the scale that leaves the least)."""
    rows = [c.astype(np.float64) for c in codes]
    own = sum(b.product(c, c) for b, c in zip(blocks, rows, strict=True))
    if own <= 0:
        return float("inf"), codes, 1.0
    scale = sum(b.product(b.rows, c) for b, c in zip(blocks, rows, strict=True)) / own
    if scale <= 0:
        return float("inf"), codes, 1.0
    left = [b.rows - scale * c for b, c in zip(blocks, rows, strict=True)]
    return sum(b.product(d, d) for b, d in zip(blocks, left, strict=True)), codes, scale
