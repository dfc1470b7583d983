"""When a stream of windows detects a class: scores smoothed, a lead that is enough, a pause."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qat.model.checks import INT32_MAX, integer
from qat.model.digest import line

MAX_SMOOTH = 8
MAX_PAUSE = 2**24

NOTHING = -1
"""A window with which nothing is detected."""


class Heard(NamedTuple):
    """What a detector keeps from window to window.

    smoothed: (outputs,) int64, a
    pause:    windows that are still let pass
    """

    smoothed: NDArray[np.int64]
    pause: int


@dataclass(frozen=True)
class Detector:
    """When windows of a stream, one behind the other, detect a class.

    With s the scores of a window, and a = 0 and pause = 0 at the start of a stream,

        a_c = a_c - (a_c >> smooth) + s_c
        c = the first class with the largest a, lead = a_c - the largest a of another class

        pause > 0:                                   pause = pause - 1, nothing
        c no background and lead >= threshold:       c is detected, pause = refractory
        else                                         nothing

    so that a is 2**smooth times a mean of scores whose weights halve every 0.7 * 2**smooth windows.
    A value of a lies between min(0, 2**smooth * low) and max(0, 2**smooth * high), low and high the
    ends of the proved range of the scores: a - (a >> smooth) never falls where a rises, and at each
    end it takes off as much as a score may add.

    threshold:  of the lead, in units of a, 1 to 2**31 - 1
    smooth:     0 (scores as they are) to 8
    refractory: windows that nothing is detected with behind one with which something is
    background: numbers of classes that are never detected, such as noise and other words
    """

    threshold: int
    smooth: int = 1
    refractory: int = 0
    background: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "threshold", integer("Detector.threshold", self.threshold, 1, INT32_MAX))
        set_(self, "smooth", integer("Detector.smooth", self.smooth, 0, MAX_SMOOTH))
        set_(self, "refractory", integer("Detector.refractory", self.refractory, 0, MAX_PAUSE))
        if not isinstance(self.background, tuple | list):
            raise ValueError(f"Detector.background: found {self.background!r}; must be classes")
        known = {integer("Detector.background", c, 0, INT32_MAX) for c in self.background}
        set_(self, "background", tuple(sorted(known)))

    def check(self, outputs: int, largest: int) -> None:
        """Raise ValueError for scores, so many and none farther from 0, that do not fit."""
        if outputs < 2:
            raise ValueError("Detector: needs a readout of at least two outputs")
        if self.background and self.background[-1] >= outputs:
            raise ValueError(
                f"Detector.background: found class {self.background[-1]}; the model has "
                f"{outputs} outputs"
            )
        if len(self.background) == outputs:
            raise ValueError("Detector.background: holds every class: none is left to detect")
        if largest << self.smooth > INT32_MAX:
            raise ValueError(
                f"Detector.smooth: found {self.smooth}; scores reach {largest}, and 2**smooth "
                "times that does not fit int32: use less"
            )

    def start(self, outputs: int) -> Heard:
        """Return what is kept at the start of a stream."""
        return Heard(np.zeros(outputs, np.int64), 0)

    def step(self, heard: Heard, scores: NDArray[np.int64]) -> tuple[Heard, int]:
        """Return what is kept after a window, and the class that it detects or NOTHING."""
        smoothed = heard.smoothed - (heard.smoothed >> self.smooth) + scores
        if heard.pause:
            return Heard(smoothed, heard.pause - 1), NOTHING
        best = int(smoothed.argmax())
        lead = int(smoothed[best]) - int(np.delete(smoothed, best).max())
        if best in self.background or lead < self.threshold:
            return Heard(smoothed, 0), NOTHING
        return Heard(smoothed, self.refractory), best

    def run(self, scores: ArrayLike) -> NDArray[np.int64]:
        """Return the class that is detected with each window of a stream, NOTHING for none.

        scores: (windows, outputs) whole numbers, in the order of time. Returns (windows,).
        """
        rows = np.asarray(scores).astype(np.int64)
        heard, found = self.start(rows.shape[1]), np.full(len(rows), NOTHING)
        for i, row in enumerate(rows):
            heard, found[i] = self.step(heard, row)
        return found

    def digested(self) -> Iterator[bytes]:
        """Yield what the digest hashes, in order."""
        yield line("detector", self.threshold, self.smooth, self.refractory, *self.background)
