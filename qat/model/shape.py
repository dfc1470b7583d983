"""Shapes of signals: height, width and channels of what one layer sends to the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from qat.model.checks import integer

MAX_EXTENT = 2**24
"""The longest side, and the most values of a signal."""

Padding = Literal["same", "none"]


@dataclass(frozen=True)
class Shape:
    """The extent of a signal: height x width positions of `channels` values each.

    The values lie in the order (height, width, channels), channels fastest. n values without
    positions are (1, 1, n); the steps of a recording are an image of height 1.

    Raises ValueError for a side below 1, and for more than 2**24 values.
    """

    height: int
    width: int
    channels: int

    def __post_init__(self) -> None:
        for name in ("height", "width", "channels"):
            found = integer(f"Shape.{name}", getattr(self, name), 1, MAX_EXTENT)
            object.__setattr__(self, name, found)
        integer(f"Shape {self}", self.size, 1, MAX_EXTENT)

    @classmethod
    def vector(cls, size: int) -> Shape:
        """Return the shape of `size` values without positions."""
        return cls(1, 1, size)

    @property
    def sides(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        return self.height, self.width, self.channels

    @property
    def size(self) -> int:
        """Number of values."""
        return self.height * self.width * self.channels

    @property
    def positions(self) -> int:
        """Number of positions, each of `channels` values."""
        return self.height * self.width

    def flat(self) -> Shape:
        """Return the shape of the same values as a vector, in the same order."""
        return Shape.vector(self.size)

    def conv(self, kernel: tuple[int, int], stride: int, padding: Padding, channels: int) -> Shape:
        """Return the shape that a convolution of this signal has.

        kernel:  (height, width)
        padding: "same": zeros around the map, so that a stride of 1 keeps its size, and position p
                 of the output looks at stride * p; "none": only where the kernel lies within it

        Raises ValueError for a kernel larger than the map.
        """
        sides = []
        for name, side, k in zip(("height", "width"), (self.height, self.width), kernel,
                                 strict=True):  # fmt: skip
            if k > side:
                raise ValueError(
                    f"kernel {kernel[0]}x{kernel[1]}: its {name} is {k}; the map {self} has "
                    f"{side}; use a smaller kernel"
                )
            sides.append(-(-side // stride) if padding == "same" else (side - k) // stride + 1)
        return Shape(sides[0], sides[1], channels)

    def pool(self, kernel: tuple[int, int]) -> Shape:
        """Return the shape that is left where each `kernel` of positions becomes one.

        Raises ValueError for a kernel that does not divide the map.
        """
        if self.height % kernel[0] or self.width % kernel[1]:
            raise ValueError(
                f"pool {kernel[0]}x{kernel[1]}: does not divide the map {self}; pad it, or use "
                "another pool"
            )
        return Shape(self.height // kernel[0], self.width // kernel[1], self.channels)

    def __str__(self) -> str:
        """Return 16x16x3, or the number of values of a vector."""
        if self.positions == 1:
            return str(self.channels)
        return f"{self.height}x{self.width}x{self.channels}"
