"""The ways in which data reach a network: held, step by step, as spikes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from numpy.typing import NDArray

from qat.model import Shape
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
