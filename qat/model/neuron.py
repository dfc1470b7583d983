"""What every kind of neuron answers: how currents become spikes.

A neuron answers for itself: the names of its state arrays, its step, the ranges that its values
can reach, what the digest hashes. Whoever runs or bounds a model asks it and knows no kind.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qat.model.checks import IntArray
from qat.model.intervals import Interval

Int32 = NDArray[np.int32]
Signal = NDArray[Any]
"""Spikes, bool; or counts of spikes, uint8 or uint16."""

MAX_SPIKES = 7
"""Spikes that a neuron may emit in a step."""


class Step(NamedTuple):
    """What a step gives, all of shape (batch, neurons): u, spikes, the state arrays after it.

    spikes: bool, or uint8 of a neuron that may emit several
    """

    u: Int32
    spikes: Signal
    state: tuple[Int32, ...]


class Reach(NamedTuple):
    """Proved ranges by channel: u before and after a saturation, the state arrays between steps."""

    u_raw: Interval
    u: Interval
    state: tuple[Interval, ...]


class Neuron(ABC):
    """What every kind of neuron answers.

    Its constants are one for the layer or one for each channel: for each neuron of a layer without
    positions.

    STATE: the names of its state arrays, the membrane first; each starts at 0; () without memory
    """

    STATE: ClassVar[tuple[str, ...]] = ("v",)

    @property
    @abstractmethod
    def most(self) -> int:
        """Spikes that it emits in a step at most."""

    @property
    @abstractmethod
    def least(self) -> IntArray:
        """What u must reach for a spike, one for the layer or one for each channel."""

    @abstractmethod
    def check(self, channels: int) -> None:
        """Raise ValueError where a constant does not fit a layer of so many channels."""

    @abstractmethod
    def step(self, state: tuple[Int32, ...], current: Int32) -> Step:
        """Return one step; `state` has an array (batch, neurons) for each name in STATE."""

    @abstractmethod
    def reach(self, current: Interval, steps: int | None) -> Reach:
        """Return what `steps` steps (None: any number) can reach, for any currents in a range.

        current: by channel. Raises ValueError where a value can leave int32 or has no bound.
        """

    @abstractmethod
    def narrowed(self, channels: int) -> Neuron:
        """Return what is left with only the first channels."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Return its constants as plain JSON values, for people."""

    @abstractmethod
    def digested(self, channels: int) -> Iterator[bytes]:
        """Yield what the digest hashes of a layer of so many channels, in order."""
