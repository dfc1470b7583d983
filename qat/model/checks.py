"""Checks that the records share; each names what was found and what is allowed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

INT32_MAX = 2**31 - 1

MAX_LAYERS, MAX_NEURONS = 512, 2**18
"""The limits of a model, beyond any microcontroller; they bound the work of the proved ranges."""

IntArray = NDArray[np.integer[Any]]


def integer(what: str, value: Any, low: int, high: int) -> int:
    """Return `value` as an int within [low, high], or raise ValueError naming `what`."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise ValueError(f"{what}: found {value!r}; must be an integer in [{low}, {high}]")
    if not low <= value <= high:
        raise ValueError(f"{what}: found {int(value)}; allowed are {low} to {high}")
    return int(value)


def integers(what: str, value: ArrayLike, low: int, high: int, dtype: Any) -> IntArray:
    """Return `value` as a read-only integer array within [low, high], or raise ValueError."""
    array = np.asarray(value)
    if array.dtype.kind not in "iu":
        raise ValueError(f"{what}: found dtype {array.dtype}; must hold integers")
    if array.size and (array.min() < low or array.max() > high):
        bad = int(array.min()) if array.min() < low else int(array.max())
        raise ValueError(f"{what}: holds {bad}; allowed are {low} to {high}")
    array = np.array(array, dtype=dtype, order="C")
    array.setflags(write=False)
    return array


def per_layer_or_neuron(what: str, value: ArrayLike, low: int) -> IntArray:
    """Return int32 of shape () for one value per layer, (n,) for one per neuron (or channel)."""
    array = integers(what, value, low, INT32_MAX, np.int32)
    if array.ndim > 1:
        raise ValueError(f"{what}: found shape {array.shape}; one value, or one per neuron")
    return array


def first_channels(values: IntArray, channels: int | None) -> IntArray:
    """Return constants, (..., channels) or () for one that all share, of the first channels."""
    return values[..., :channels] if values.ndim else values


def of_kind(what: str, value: Any, kind: type) -> None:
    """Refuse a record of another kind; what several kinds have in common is named by these."""
    if not isinstance(value, kind):
        known = " or a ".join(each.__name__ for each in _concrete(kind))
        raise ValueError(f"{what}: found {type(value).__name__}; must be a {known}")


def _concrete(kind: type) -> list[type]:
    """Return the kinds of a record that can be made: itself, where it has none below it."""
    subclasses: list[type] = kind.__subclasses__()
    below = [each for one in subclasses for each in _concrete(one)]
    return below or [kind]


def must_match(what: str, array: IntArray, channels: int) -> None:
    """Refuse constants that are neither one for all nor one for each channel, the last axis."""
    if array.ndim and array.shape[-1] != channels:
        raise ValueError(
            f"{what}: found {array.shape[-1]} values; the layer has {channels} neurons at each "
            "position"
        )


def spread_over(values: NDArray[Any], size: int) -> NDArray[Any]:
    """Return constants of the channels for `size` neurons: as they are, or repeated by position.

    values: (..., channels), or () for one that all share, which stays as it is
    """
    if values.ndim == 0 or values.shape[-1] == size:
        return values
    return np.tile(values, size // values.shape[-1])


def check_size(layers: int, neurons: int = 0) -> None:
    """Refuse more layers or neurons than a model may have."""
    for what, found, most in (("layers", layers, MAX_LAYERS), ("neurons", neurons, MAX_NEURONS)):
        if found > most:
            raise ValueError(f"Model.layers: found {found:,} {what}; at most {most:,}")


LONGEST = 400
"""Characters of a text from a file that an error repeats."""


def plain(text: object) -> str:
    """Return one line of plain text: what a file holds may be anything, terminal codes included."""
    line = " ".join(str(text).split())
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line[: LONGEST + 1])
    return shown if len(shown) <= LONGEST else shown[:LONGEST] + " ..."


def shares(value: Any, count: int | None = None) -> list[float] | None:
    """Return JSON numbers in [0, 1], `count` of them if given; None for anything else."""
    if not isinstance(value, list) or count not in (None, len(value)):
        return None
    return value if all(map(is_share, value)) else None


def is_share(value: Any) -> bool:
    """Return True for a number in [0, 1]."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


MAX_SHIFT = 15


def finite(what: str, value: ArrayLike) -> NDArray[Any]:
    """Return `value` as a numeric array without NaN or infinity, or raise ValueError."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{what}: found dtype {array.dtype}; must hold real numbers")
    if not np.isfinite(array).all():
        raise ValueError(f"{what}: holds NaN or infinity; must be finite")
    return array
