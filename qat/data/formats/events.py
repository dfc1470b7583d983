"""Events, each a time and a place, as steps of inputs: how often each place was met in each step.

With t the time of an event from the start of its sample, in microseconds, span that of a sample
and B the bins,

    b = floor(t * B / span)                         events with b >= B are left out
    x[b, i] = min(events of input i in bin b, most)

A device does the same with one counter an input.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qat.data.reading import Reading
from qat.machine.memory import BYTES_PER_INPUT, require

SECOND = 1_000_000
"""Microseconds."""

MOST_BINS = 2**14
"""Time steps of a sample."""

HELD_MOST = 15
"""The largest count of a picture of events, one bin, by default; else 1, a spike."""


class Events(NamedTuple):
    """The events of a sample: microseconds from its start, int64, in order; inputs, int64."""

    times: NDArray[np.int64]
    inputs: NDArray[np.int64]


@dataclass(frozen=True)
class Binning:
    """How events become steps.

    bins: time steps of a sample; span: its microseconds; most: the largest count of an input in a
    step; 1 makes spikes
    """

    bins: int
    span: int
    most: int

    @classmethod
    def of(cls, how: Reading, bins: int, longest: int) -> Binning:
        """Return what the user said, else `bins` over the longest sample, in whole bins of a ms."""
        count = bins if how.bins is None else how.bins
        if not 1 <= count <= MOST_BINS:
            raise ValueError(f"bins: found {count}; must be 1 to {MOST_BINS:,}")
        span = None if how.span is None else round(how.span * SECOND)
        if span is None:
            each = max(1, -(-(longest + 1) // (count * 1000)))
            span = each * 1000 * count
        if span < count:
            raise ValueError(f"span: found {span} us for {count} bins; must be 1 us a bin or more")
        most = how.most if how.most is not None else HELD_MOST if count == 1 else 1
        return cls(count, span, most)

    @property
    def settled(self) -> dict[str, Any]:
        """The fields of Reading that say the same."""
        return {"bins": self.bins, "span": self.span / SECOND, "most": self.most}

    @property
    def text(self) -> str:
        """It in words."""
        counts = "1 where any event fell" if self.most == 1 else f"counts of up to {self.most}"
        return f"bins: {self.bins} of {self.span / self.bins / 1000:g} ms; {counts}"

    def steps(self, samples: Iterable[Events], count: int, inputs: int) -> NDArray[np.uint8]:
        """Return uint8 (count, bins, inputs); one bin makes vectors that are held, (count, inputs).

        Raises ValueError where they would not fit into the memory.
        """
        size = self.bins * inputs
        require(
            f"{count:,} samples of {self.bins} bins of {inputs:,} inputs",
            BYTES_PER_INPUT * count * size,
            "use fewer bins, merge neighbours, or give a part of it",
        )
        found = np.empty((count, size), np.uint8)
        for row, events in enumerate(samples):
            bins = events.times * self.bins // self.span
            kept = bins < self.bins
            at = bins[kept] * inputs + events.inputs[kept]
            np.minimum(np.bincount(at, minlength=size), self.most, out=found[row], casting="unsafe")
        return found.reshape(count, self.bins, inputs) if self.bins > 1 else found

    def left_out(self, parts: Mapping[str, Sequence[Events]]) -> list[str]:
        """Return a line for every part of which events come after the last bin.

        parts: the samples of each, by its name
        """
        lines = []
        for name, samples in parts.items():
            total = sum(len(events.times) for events in samples)
            late = sum(int((events.times >= self.span).sum()) for events in samples)
            if late:
                lines.append(f"{name} part: {late:,} of {total:,} events come later: left out")
        return lines


def in_order(times: NDArray[np.int64], name: str) -> None:
    """Refuse events that are not in the order of time, or begin before it."""
    if not len(times):
        raise ValueError(f"{name}: holds no event; leave it out")
    back = np.flatnonzero(np.diff(times) < 0)
    if len(back):
        event = int(back[0]) + 2
        raise ValueError(
            f"{name}: event {event} comes at {times[event - 1]} us, after one at "
            f"{times[event - 2]} us; events must be in the order of time"
        )
    if times[0] < 0:
        raise ValueError(f"{name}: event 1 comes at {times[0]} us, before the start")


def merged(length: int, how: Reading) -> tuple[int, int]:
    """Return (neighbours that are one input, inputs of `length` places)."""
    by = how.merge or 1
    if by > length:
        raise ValueError(f"merge: found {by}; the sensor has {length} places in a row")
    return by, -(-length // by)


def longest_of(samples: Iterable[Events]) -> int:
    """Return the time of the last event of all."""
    return max(int(events.times[-1]) for events in samples)
