"""Formats of data that are no tables and no arrays: a module each, and the table of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from qat.data.formats.bearings import USES as BEARINGS_USE
from qat.data.formats.bearings import bearings, is_bearings
from qat.data.formats.cifar import cifar, is_cifar
from qat.data.formats.found import Found
from qat.data.formats.har import USES as HAR_USES
from qat.data.formats.har import har, is_har
from qat.data.formats.heartbeats import USES as HEARTBEATS_USE
from qat.data.formats.heartbeats import heartbeats, is_heartbeats
from qat.data.formats.heidelberg import USES as HEIDELBERG_USES
from qat.data.formats.heidelberg import heidelberg, is_heidelberg
from qat.data.formats.idx import idx_pair, is_idx
from qat.data.formats.nmnist import USES as NMNIST_USES
from qat.data.formats.nmnist import is_nmnist, nmnist
from qat.data.formats.sounds import USES as SOUNDS_USE
from qat.data.formats.sounds import is_sounds, sounds
from qat.data.formats.strokes import USES as STROKES_USE
from qat.data.formats.strokes import is_strokes, strokes
from qat.data.reading import Reading


@dataclass(frozen=True)
class Format:
    """A format: what it is called, whether a path is of it, and its reader.

    uses: fields of Reading that the reader obeys
    """

    name: str
    is_one: Callable[[Path], bool]
    read: Callable[[Path, Reading], Found]
    uses: tuple[str, ...] = ()


def _without(read: Callable[[Path], Found]) -> Callable[[Path, Reading], Found]:
    return lambda path, how: read(path)


FORMATS = (
    Format("CIFAR-10's binary version, a folder", is_cifar, _without(cifar)),
    Format("UCI-HAR, a folder", is_har, har, HAR_USES),
    Format("heartbeats: .hea, .dat and .atr", is_heartbeats, heartbeats, HEARTBEATS_USE),
    Format("N-MNIST, a folder of .bin or .bs2", is_nmnist, nmnist, NMNIST_USES),
    Format("SHD or SSC, .h5", is_heidelberg, heidelberg, HEIDELBERG_USES),
    Format("strokes, .json", is_strokes, strokes, STROKES_USE),
    Format("bearings, a folder of .mat or .npz", is_bearings, bearings, BEARINGS_USE),
    Format("sound, a folder of .wav", is_sounds, sounds, SOUNDS_USE),
    Format("pictures, IDX (train-images-idx3-ubyte)", is_idx, _without(idx_pair)),
)
"""All of them; the first that fits reads."""

TIMING = (
    *("window", "hop", "group", "by", "bins", "span", "merge", "most"),
    *("spectrum", "pattern"),
)
"""Fields of Reading that would change the samples: one that a format does not obey is refused."""

EVENTS = ("bins", "span", "merge", "most")
"""Those that only formats obey."""

HEARD = ("spectrum", "pattern")
"""Those that only sound obeys."""


def format_of(path: Path) -> Format | None:
    """Return the format of a file or folder, None for none of the table."""
    try:
        found = next((one for one in FORMATS if one.is_one(path)), None)
        return FORMATS[-1] if found is None and "-ubyte" in path.name else found
    except OSError:
        return None


def read_format(form: Format, path: Path, how: Reading) -> Found:
    """Return what a reader finds; ValueError for what it cannot be told.

    A file that is read for a model comes with the model's windows: those of a format of its own
    windows are as long, which is checked by their shape.
    """
    if not how.training:
        unused: dict[str, Any] = {name: None for name in TIMING if name not in form.uses}
        how = replace(how, **unused)
    refuse_unused(how, TIMING, form.uses, form.name)
    return form.read(path, how)


def refuse_unused(how: Reading, names: tuple[str, ...], used: tuple[str, ...], what: str) -> None:
    """Raise ValueError for one of the fields that is set and is not among those used."""
    for name in names:
        if getattr(how, name) is not None and name not in used:
            takes = f"takes {', '.join(used)}" if used else "takes no such thing"
            raise ValueError(f"{name}: found {getattr(how, name)}; {what}, {takes}; leave it out")
