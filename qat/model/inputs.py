"""Inputs: vectors of bytes or spikes, and how bytes become spikes.

An input says what it takes (`size` values of [low, high]; one vector that is `held`, or one a
step) and what the first layer receives (`lines` values of `reads`, spikes where it is
`spiking`). `encode` is the step between, in whole numbers that the generated C computes too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from qat.model.checks import INT32_MAX, integer, of_kind
from qat.model.digest import line
from qat.model.shape import Shape

MAX_LEVELS = 2**16


def check_grid(kind: str, grid: Shape | None, size: int) -> None:
    """Refuse a map of another number of values."""
    if grid is None:
        return
    of_kind(f"{kind}.grid", grid, Shape)
    if grid.size != size:
        raise ValueError(f"{kind}.grid: {grid} has {grid.size} values; the input has {size}")


def _digested_grid(grid: Shape | None) -> Iterator[bytes]:
    if grid is not None:
        yield line("grid", grid.height, grid.width, grid.channels)


@dataclass(frozen=True)
class _ByteInput:
    """What all inputs of bytes share: `size` values, each in [low, high].

    grid: where the values lie on a map, in the order (height, width, channels); None for a vector
    """

    size: int
    low: int = 0
    high: int = 255
    grid: Shape | None = field(default=None, kw_only=True)

    held: ClassVar[bool] = False
    spiking: ClassVar[bool] = False

    def __post_init__(self) -> None:
        kind = type(self).__name__
        set_ = object.__setattr__
        set_(self, "size", integer(f"{kind}.size", self.size, 1, INT32_MAX))
        set_(self, "low", integer(f"{kind}.low", self.low, -128, 255))
        set_(self, "high", integer(f"{kind}.high", self.high, -128, 255))
        if self.low > self.high or (self.low < 0 and self.high > 127):
            raise ValueError(
                f"{kind}: found range [{self.low}, {self.high}]; "
                "must lie within int8 (-128 to 127) or uint8 (0 to 255)"
            )
        check_grid(kind, self.grid, self.size)

    @property
    def signed(self) -> bool:
        """True if the values travel as int8, False for uint8."""
        return self.low < 0

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy dtype of the input values: int8 or uint8."""
        return np.dtype(np.int8 if self.signed else np.uint8)

    @property
    def lines(self) -> int:
        """Inputs of the first layer."""
        return self.size

    @property
    def shape(self) -> Shape:
        """The values as a map, (1, 1, size) without one."""
        return self.grid or Shape.vector(self.size)

    @property
    def reads_shape(self) -> Shape:
        """What reaches the first layer; a value that has several lines lies on no map."""
        return self.shape if self.lines == self.size else Shape.vector(self.lines)

    @property
    def reads(self) -> tuple[int, int]:
        """Smallest and largest value that reaches the first layer."""
        return (0, 1) if self.spiking else (self.low, self.high)

    def encode(self, x: NDArray[Any], steps: int) -> NDArray[Any]:
        """Return what the first layer receives.

        x: (batch, size) where the input is held, else (batch, steps, size). Returns bytes of
        the same shape, or spikes, (batch, steps, lines) bool.
        """
        return x

    def digested(self) -> Iterator[bytes]:
        """Yield what the digest hashes, in order."""
        yield line(type(self).__name__, self.size, self.low, self.high)
        yield from _digested_grid(self.grid)


@dataclass(frozen=True)
class Analog(_ByteInput):
    """One vector of `size` values in [low, high], held for all steps (direct encoding).

    Its currents are the same at every step and are computed once per inference.
    """

    held: ClassVar[bool] = True


@dataclass(frozen=True)
class Frames(_ByteInput):
    """A new vector of `size` values in [low, high] at every step."""


@dataclass(frozen=True)
class Spikes:
    """A bit vector of `size` spikes at every step; grid as for inputs of bytes."""

    size: int
    grid: Shape | None = field(default=None, kw_only=True)

    held: ClassVar[bool] = False
    spiking: ClassVar[bool] = True
    low: ClassVar[int] = 0
    high: ClassVar[int] = 1
    reads: ClassVar[tuple[int, int]] = (0, 1)

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", integer("Spikes.size", self.size, 1, INT32_MAX))
        check_grid("Spikes", self.grid, self.size)

    @property
    def shape(self) -> Shape:
        """The spikes as a map, (1, 1, size) without one."""
        return self.grid or Shape.vector(self.size)

    @property
    def reads_shape(self) -> Shape:
        """What reaches the first layer."""
        return self.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy dtype of the input values: bool."""
        return np.dtype(np.bool_)

    @property
    def lines(self) -> int:
        """Inputs of the first layer."""
        return self.size

    def encode(self, x: NDArray[Any], steps: int) -> NDArray[Any]:
        """Return x, (batch, steps, size)."""
        return x

    def digested(self) -> Iterator[bytes]:
        """Yield what the digest hashes, in order."""
        yield line("Spikes", self.size, self.low, self.high)
        yield from _digested_grid(self.grid)


@dataclass(frozen=True)
class Rate(_ByteInput):
    """One held vector, whose values become spike rates by first-order sigma-delta modulation.

    With P the smallest power of two that is at least max(high, -low), and e(0) = P / 2,

        e_i = e_i + |x_i|        S_i = e_i >= P        e_i = e_i - S_i * P

    so that after t steps value i has spiked floor(t * |x_i| / P + 1/2) times, as evenly as steps
    allow. Values of a signed range have two lines: i for positive ones, size + i for negative
    ones, whose spikes line i does not have.
    """

    held: ClassVar[bool] = True
    spiking: ClassVar[bool] = True

    @property
    def lines(self) -> int:
        """Inputs of the first layer: one a value, two if values may be negative."""
        return 2 * self.size if self.signed else self.size

    @property
    def period_bits(self) -> int:
        """The binary logarithm of P."""
        return (max(self.high, -self.low, 1) - 1).bit_length()

    def encode(self, x: NDArray[Any], steps: int) -> NDArray[Any]:
        """Return the spikes, (batch, steps, lines) bool, of x: (batch, size)."""
        bits, wide = self.period_bits, x.astype(np.int32)
        rising = (np.abs(wide)[:, None] * np.arange(steps + 1)[:, None] + (1 << bits >> 1)) >> bits
        spikes = rising[:, 1:] > rising[:, :-1]
        if not self.signed:
            return spikes
        positive = (wide > 0)[:, None]
        return np.concatenate([spikes & positive, spikes & ~positive], axis=-1)


@dataclass(frozen=True)
class Latency(_ByteInput):
    """One held vector, whose values become the time of one spike: the larger, the earlier.

        S_i(t) = levels_t <= x_i < levels_(t-1)        with levels_(-1) above every value

    A value below the last level never spikes, nor does any after the last level's step.

    levels: whole numbers, each at most the one before; `Latency.linear` spaces them evenly
    """

    levels: tuple[int, ...] = (1,)

    held: ClassVar[bool] = True
    spiking: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.levels, Iterable):
            raise ValueError(f"Latency.levels: found {self.levels!r}; must be whole numbers")
        levels = tuple(integer("Latency.levels", v, -128, 256) for v in self.levels)
        if not 1 <= len(levels) <= MAX_LEVELS or list(levels) != sorted(levels, reverse=True):
            raise ValueError(
                f"Latency.levels: found {len(levels)}; needs 1 to {MAX_LEVELS}, each at most the "
                "one before"
            )
        object.__setattr__(self, "levels", levels)

    def digested(self) -> Iterator[bytes]:
        """Yield what the digest hashes, in order."""
        yield from super().digested()
        yield line("levels", *self.levels)

    @classmethod
    def linear(cls, size: int, low: int, high: int, steps: int) -> Latency:
        """Return the encoder whose spike times fall evenly over `steps`.

        Value x spikes at step floor((high - x) * steps / (high - low)), `low` never.
        """
        span = max(high - low, 1)
        return cls(
            size, low, high, tuple(high - -(-(t + 1) * span // steps) + 1 for t in range(steps))
        )

    def encode(self, x: NDArray[Any], steps: int) -> NDArray[Any]:
        """Return the spikes, (batch, steps, size) bool, of x: (batch, size)."""
        levels = np.full(steps, self.high + 1, np.int32)
        known = min(steps, len(self.levels))
        levels[:known] = self.levels[:known]
        reached = x[:, None] >= levels[:, None]
        reached[:, known:] = False
        reached[:, 1:known] &= x[:, None] < levels[: known - 1, None]
        return reached


@dataclass(frozen=True)
class Delta(_ByteInput):
    """A vector a step, whose changes become events: up on line i, down on line size + i.

    With the reference r_i = x_i(0), at every step

        up_i = x_i - r_i >= threshold        down_i = r_i - x_i >= threshold
        r_i = r_i + threshold * (up_i - down_i)

    so that a signal at rest costs nothing (step-forward encoding: at most one event a step).

    threshold: what a change must reach, 1 to 255
    """

    threshold: int = 1

    spiking: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        set_ = object.__setattr__
        set_(self, "threshold", integer("Delta.threshold", self.threshold, 1, 255))

    def digested(self) -> Iterator[bytes]:
        """Yield what the digest hashes, in order."""
        yield from super().digested()
        yield line("threshold", self.threshold)

    @property
    def lines(self) -> int:
        """Inputs of the first layer: up and down of every value."""
        return 2 * self.size

    def encode(self, x: NDArray[Any], steps: int) -> NDArray[Any]:
        """Return the events, (batch, steps, 2 * size) bool, of x: (batch, steps, size)."""
        signal, events = x.astype(np.int32), np.zeros((*x.shape[:2], self.lines), np.bool_)
        reference = signal[:, :1].sum(axis=1)  # zeros where there is no step
        for t in range(signal.shape[1]):
            change = signal[:, t] - reference
            up, down = change >= self.threshold, change <= -self.threshold
            events[:, t] = np.concatenate([up, down], axis=1)
            reference += self.threshold * (up.astype(np.int32) - down)
        return events


Input = Analog | Frames | Spikes | Rate | Latency | Delta
INPUTS: tuple[type, ...] = (Analog, Frames, Spikes, Rate, Latency, Delta)
"""Every kind of input, in the order of their numbers in the protocol."""
