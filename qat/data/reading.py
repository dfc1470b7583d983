"""The settings by which a file of data is read, and what reading it found out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qat.data.hearing import Hearing

if TYPE_CHECKING:  # the options of the command line need no NumPy
    from numpy.typing import ArrayLike

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
"""What may stand between the cells of a line, and what it is called."""

DECIMALS = (".", ",")

ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "latin-1", "cp1252")

LABELS = ("label", "class", "activity", "target")
"""Names of a label column, whatever their case; the earlier ones come first. Then comes y."""

Progress = Callable[[str, bool], None]
"""Called with a line about what is being done, and True with the last one."""


class NoColumnError(ValueError):
    """A file has no column of this name."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.name = name


@dataclass(frozen=True)
class Reading:
    """How a file is read. `Dataset.reading` holds one with everything settled.

    label:  the label column of a table: its name in the header, "first", "last", or its number
            from 1; None for the column named label, class, activity or target (else y), else the
            last one
    by:     column of a table (array of an .npz) that names recordings or subjects, which are
            divided whole; not an input; its name, or its number from 1
    ignore: columns of a table to leave out, such as a time stamp; "" is one without a name
    window: samples of a window, where the lines of the file are samples in the order of time;
            None where every line stands alone
    hop:    samples from one window to the next; None for windows that do not overlap
    group:  samples of a step, which is their mean; None for 1
    unit:   the real value of 1 in a sample of the device, one or one per channel
    rate:   samples a second of the sensor, where it is known
    bins:   time steps that a sample of events, or a stroke, is divided into
    span:   seconds of a sample of events; what comes later is left out
    merge:  places of a sensor, in a row, that are one input
    most:   the largest count of events of an input in a step
    spectrum: how sound becomes input; None for what is no sound
    pattern: of the names of a folder's sounds, such as "{label}_{speaker}_*"; None for a folder a
            class
    channels: the columns of a table that are features, in this order, and no others; () for all
            that are left
    labelled: False for a file that may lack the label column
    training: False for a file that is read for a model: its labels may be of a single class, and
            what would be odd in an input is not said again
    separator, decimal, encoding: of a .csv; None to find them: keys of SEPARATORS, one of
            DECIMALS, one of ENCODINGS

    Raises ValueError for a hop or group without a window, numbers out of range, and for an unknown
    separator, decimal or encoding.
    """

    label: str | None = None
    by: str | None = None
    ignore: tuple[str, ...] = ()
    window: int | None = None
    hop: int | None = None
    group: int | None = None
    unit: ArrayLike | None = None
    rate: float | None = None
    bins: int | None = None
    span: float | None = None
    merge: int | None = None
    most: int | None = None
    spectrum: Hearing | None = None
    pattern: str | None = None
    channels: tuple[str, ...] = ()
    labelled: bool = True
    training: bool = True
    separator: str | None = None
    decimal: str | None = None
    encoding: str | None = None

    def __post_init__(self) -> None:
        if self.window is None and (self.hop is not None or self.group is not None):
            name = "group" if self.hop is None else "hop"
            raise ValueError(f"{name}: needs a window, the samples of a recording to classify")
        if self.rate is not None and not 0 < self.rate < float("inf"):
            raise ValueError(f"rate: found {self.rate}; must be samples a second, above 0")
        self._check_events()
        allowed = {"separator": SEPARATORS, "decimal": DECIMALS, "encoding": ENCODINGS}
        for name, known in allowed.items():
            found = getattr(self, name)
            if found is not None and found not in known:
                raise ValueError(
                    f"{name}: found {found!r}; must be one of {', '.join(map(repr, known))}"
                )
        if self.decimal == "," and self.separator == ",":
            raise ValueError("decimal: found ',', which is the separator as well; use another")

    def _check_events(self) -> None:
        """Refuse numbers of bins and counts that are none, and a span that is no time."""
        for name, most in (("bins", 2**14), ("merge", 2**14), ("most", 255)):
            found = getattr(self, name)
            if found is not None and not 1 <= found <= most:
                raise ValueError(f"{name}: found {found}; must be 1 to {most:,}")
        if self.span is not None and not 0 < self.span < float("inf"):
            raise ValueError(f"span: found {self.span}; must be seconds of a sample, above 0")
