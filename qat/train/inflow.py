"""The ways in which data reach a network: held, step by step, as spikes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qat.model import Shape
from qat.model.checks import finite
from qat.model.inputs import Analog, Delta, Frames, Input, Latency, Rate, Spikes

INPUTS: Mapping[str, type[Input]] = MappingProxyType(
    {
        "analog": Analog,
        "frames": Frames,
        "spikes": Spikes,
        "rate": Rate,
        "latency": Latency,
        "delta": Delta,
    }
)
"""How data reach a network: a vector held for all steps, a vector per step, a bit vector per
step; a held vector as spike rates or as spike times, the changes of a vector per step."""


EVENTS = 16
"""Changes from the smallest value to the largest that `delta` makes by default."""


def input_record(
    kind: str,
    size: int,
    input_range: tuple[int, int],
    *,
    steps: int,
    event_threshold: int | None = None,
    grid: Shape | None = None,
) -> Input:
    """Return the input record of the integer model.

    event_threshold: that of "delta"; grid: the map on which the values lie

    Raises ValueError for a map of values that have several lines each.
    """
    record = _record(kind, size, input_range, steps, event_threshold)
    if grid is None:
        return record
    if record.lines != size:
        raise ValueError(
            f"input {kind!r}: has {record.lines} lines for the {size} values of a map of {grid}; "
            "convolutions need one for each: use analog or frames, or values from 0 up"
        )
    return replace(record, grid=grid)


def _record(
    kind: str, size: int, input_range: tuple[int, int], steps: int, event_threshold: int | None
) -> Input:
    low, high = input_range
    if kind == "spikes":
        return Spikes(size)
    if kind == "latency":
        return Latency.linear(size, low, high, steps)
    if kind == "delta":
        return Delta(size, low, high, event_threshold or max(1, (high - low) // EVENTS))
    bytes_of: dict[str, type[Analog | Frames | Rate]] = {
        "analog": Analog,
        "frames": Frames,
        "rate": Rate,
    }
    return bytes_of[kind](size, low, high)


def time_major(signal: NDArray[Any]) -> NDArray[Any]:
    """Return a signal as (steps, batch, inputs); one step stands for a vector that is held."""
    return signal[None] if signal.ndim == 2 else signal.transpose(1, 0, 2)


def accepted(x: ArrayLike, record: Input, steps: int, kind: str) -> NDArray[Any]:
    """Return `x` as an array that the input takes, or raise ValueError.

    x:    (batch, inputs) where it is held, else (batch, steps, inputs); whole numbers
    kind: a row of INPUTS, for the message
    """
    array = finite("x", x)
    wanted = (record.size,) if record.held else (steps, record.size)
    if array.shape[1:] != wanted or array.ndim != len(wanted) + 1:
        raise ValueError(
            f"x: found shape {array.shape}; {kind} input needs (batch, "
            f"{', '.join(map(str, wanted))})"
        )
    if array.size and (array.min() < record.low or array.max() > record.high):
        raise ValueError(
            f"x: holds {array.min()} to {array.max()}; the network was made for {record.low} "
            f"to {record.high}"
        )
    if array.dtype.kind == "f" and (array != np.rint(array)).any():
        raise ValueError("x: holds fractions; must hold whole numbers (see qat.data.encode)")
    return array
