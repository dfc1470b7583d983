"""How sound is heard, in words: what a Spectrum is made of, before the data say the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

FRAME_SECONDS = 0.032
LENGTHS = (64, 128, 256, 512, 1024)
"""As in qat.model.fourier, which --help does not load."""


@dataclass(frozen=True)
class Hearing:
    """The settings of a Spectrum; None leaves it to the data.

    bands:     of mel
    frame:     samples of a frame, a power of two; None for about 32 ms
    hop:       samples from one frame to the next; None for half a frame
    rate:      samples a second; None for those of the first file
    low, high: Hz where the first band begins and the last one ends; None: at half the rate
    """

    bands: int = 20
    frame: int | None = None
    hop: int | None = None
    rate: int | None = None
    low: float = 60.0
    high: float | None = None

    def at(self, rate: int) -> Hearing:
        """Return the same with everything settled for sound of this rate."""
        frame = self.frame or min(LENGTHS, key=lambda n: abs(n - FRAME_SECONDS * rate))
        high = self.high or rate / 2
        return replace(self, frame=frame, hop=self.hop or max(1, frame // 2), rate=rate, high=high)

    @classmethod
    def parse(cls, text: str) -> Hearing:
        """Return the settings of a text such as "bands=20,hop=128,rate=8000"; "" for none.

        Raises ValueError for another name, or no number.
        """
        found: dict[str, Any] = {}
        for item in filter(None, (part.strip() for part in text.split(","))):
            name, equals, value = (part.strip() for part in item.partition("="))
            if name not in FIELDS or not equals or name in found:
                raise ValueError(
                    f"spectrum: found {item!r}; must be NAME=NUMBER, each once, of "
                    f"{', '.join(FIELDS)}: such as bands=20,rate=8000"
                )
            try:
                found[name] = FIELDS[name](value)
            except ValueError:
                found[name] = -1
            if not 0 < found[name] + (name == "low") < 2**20:
                raise ValueError(f"spectrum: found {item!r}; must be a number above 0")
        return cls(**found)


FIELDS: dict[str, Callable[[str], float]] = {
    "bands": int,
    "frame": int,
    "hop": int,
    "rate": int,
    "low": float,
    "high": float,
}
"""The settings by name, and how each is read."""
