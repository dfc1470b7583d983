"""What a model knows of the data that trained it: enough to read another file in the same way.

It lies in a model's metadata under "data", outside the digest. Anyone may have written a model
file: reading it trusts nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from qat.data.dataset import Dataset
from qat.data.division import HASH_DIGITS, RULES, SKETCHED, Division, unwritten
from qat.data.formats import EVENTS
from qat.data.reading import DECIMALS, ENCODINGS, SEPARATORS
from qat.model import Model
from qat.model.checks import plain

KEY = "data"
"""Where a model's metadata hold it."""

MAX_WORD = 1000
"""Characters of a name of a class, channel or recording."""

MAX_WORDS = 2**16
"""Names of a kind: more classes or channels than any microcontroller takes."""

PARTS = ("train", "validation", "test")

HASH_DIGIT = f"[0-9a-f]{{{HASH_DIGITS}}}"

MAX_NUMBER = 2**53
"""The largest seed or count: every reader of JSON keeps it exactly."""


def vector_size(model: Model) -> int:
    """Return the values of a line of data: of all inputs, or of one position of a map of steps."""
    if model.sensor is not None:
        return model.sensor.channels
    grid = model.input.shape
    return grid.channels if model.input.held and grid.height == 1 else model.input.size


@dataclass(frozen=True)
class DataOrigin:
    """How the data of a training were read and divided.

    name:      of the data set
    file:      the file's name, without its folder; "" for named sets and arrays
    classes:   words for the outputs, in their order; () where labels are the numbers of the outputs
    channels:  names of the inputs of a vector, in their order; () without such
    label, by: the label column, and the one that names recordings, as `Reading` takes them
    ignored:   columns that were left out
    separator, decimal, encoding: of the text of the file
    unit:      the real value of 1 in a sample of the device, one or one per channel
    rate:      samples a second of the sensor, where the user said it
    bins, span, merge, most: how events, or the points of a stroke, became steps
    pattern:   of the names of recordings of sound, as `Reading` takes it
    window, hop, group: samples of a window, from one to the next, and of a step
    input_bits: bits of an input
    dropped:   lower bits that were taken off whole numbers to make inputs of them
    samples:   that trained, validated and tested
    division:  the rule by which they were divided, and what tells them from others

    Raises ValueError, naming the field, for values that no training writes.
    """

    name: str
    file: str = ""
    classes: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    label: str | None = None
    by: str | None = None
    ignored: tuple[str, ...] = ()
    separator: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    unit: float | tuple[float, ...] | None = None
    rate: float | None = None
    bins: int | None = None
    span: float | None = None
    merge: int | None = None
    most: int | None = None
    pattern: str | None = None
    window: int | None = None
    hop: int | None = None
    group: int | None = None
    input_bits: int | None = None
    dropped: int = 0
    samples: tuple[int, ...] = ()
    division: Division = field(default_factory=lambda: Division("classes"))

    @classmethod
    def of_data(cls, data: Dataset) -> DataOrigin:
        """Return what is known of a data set."""
        raw, read = data.raw, data.reading
        known: dict[str, Any] = {}
        if read is not None:
            names = ("label", "by", "separator", "decimal", "encoding", "rate", "pattern", *EVENTS)
            known = {name: getattr(read, name) for name in names}
            known |= {"file": data.source.partition(";")[0], "ignored": tuple(read.ignore)}
        if raw is not None:
            unit = raw.plain_unit
            known["unit"] = tuple(unit) if isinstance(unit, list) else unit
        if raw is not None and raw.framed:
            window = raw.train.shape[1]
            hop = window if raw.hop is None else raw.hop * raw.group
            known |= {"window": window, "hop": hop, "group": raw.group}
        low, high = data.input_range
        return cls(
            data.name,
            classes=_usable(data.class_names),
            channels=_usable(data.channel_names),
            input_bits=high.bit_length() + (low < 0),
            dropped=data.dropped,
            samples=tuple(len(getattr(data, f"y_{part}")) for part in PARTS),
            division=data.division or Division("unknown"),
            **known,
        )

    @classmethod
    def of(cls, model: Model) -> DataOrigin | None:
        """Return what a model knows; None for one without, as older files are.

        Raises ValueError, naming the field, for what no training writes, or what does not belong
        to the model.
        """
        values = model.metadata.get(KEY)
        if not isinstance(values, Mapping) or "division" not in values:
            return None
        origin = cls.from_json(values)
        if len(origin.classes) > model.outputs:
            raise ValueError(
                f"classes: found {len(origin.classes)}; the model has {model.outputs} outputs"
            )
        channels = vector_size(model)
        if origin.channels and len(origin.channels) not in (channels, model.input.size):
            raise ValueError(
                f"channels: found {len(origin.channels)}; the model has {channels} inputs"
            )
        return origin

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values; what is not known is left out."""
        values = {key: value for key, value in asdict(self).items() if value not in (None, (), "")}
        values |= {"name": self.name, "division": self.division.to_json()}
        return {key: _plain(value) for key, value in values.items()}

    @classmethod
    def from_json(cls, values: Any) -> DataOrigin:
        """Return what `to_json` gave; unknown fields are left out, a newer version may know them.

        Raises ValueError, naming the field, for anything else.
        """
        known = {f.name for f in fields(cls)}
        given = {key: value for key, value in _mapping("data", values).items() if key in known}
        if "name" not in given:
            raise ValueError("name: is missing")
        return cls(**{key: READERS[key](key, value) for key, value in given.items()})


def _usable(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return names by which something can be found again, or none."""
    short = all(len(name) <= MAX_WORD for name in names) and len(names) <= MAX_WORDS
    return names if short and len(set(names)) == len(names) else ()


def _plain(value: Any) -> Any:
    """Return tuples as lists."""
    return list(value) if isinstance(value, tuple) else value


# ------------------------------------------------------- what a stranger may have written


def _refuse(key: str, value: Any, allowed: str) -> ValueError:
    return ValueError(f"{key}: found {plain(repr(value)[:80])}; must be {allowed}")


def _mapping(key: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _refuse(key, value, "an object")
    return value


def _word(key: str, value: Any) -> str:
    if not isinstance(value, str) or len(value) > MAX_WORD:
        raise _refuse(key, value, f"a text of at most {MAX_WORD} characters")
    return value


def _words(key: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MAX_WORDS:
        raise _refuse(key, value, f"a list of at most {MAX_WORDS:,} texts")
    return tuple(_word(key, word) for word in value)


def _distinct(key: str, value: Any) -> tuple[str, ...]:
    words = _words(key, value)
    if len(set(words)) != len(words):
        raise ValueError(f"{key}: names something twice")
    return words


def _one_of(allowed: Any) -> Any:
    def read(key: str, value: Any) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise _refuse(key, value, f"one of {', '.join(map(repr, allowed))}")
        return value

    return read


def _number(key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e30:
        raise _refuse(key, value, "a number above 0")
    return float(value)


def _unit(key: str, value: Any) -> float | tuple[float, ...]:
    if not isinstance(value, list):
        return _number(key, value)
    if not 0 < len(value) <= MAX_WORDS:
        raise _refuse(key, value, "one number above 0, or one for each channel")
    return tuple(_number(key, one) for one in value)


def _whole(low: int, high: int) -> Any:
    def read(key: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise _refuse(key, value, f"a whole number from {low} to {high}")
        return value

    return read


def _counts(key: str, value: Any) -> tuple[int, ...]:
    if not isinstance(value, list) or len(value) > len(PARTS):
        raise _refuse(key, value, f"at most {len(PARTS)} whole numbers")
    return tuple(_whole(0, MAX_NUMBER)(key, number) for number in value)


def _sketch(key: str, value: Any) -> tuple[int, ...]:
    if not isinstance(value, str) or not re.fullmatch(f"({HASH_DIGIT}){{0,{SKETCHED}}}", value):
        raise _refuse(key, value, f"at most {SKETCHED} numbers of {HASH_DIGITS} hex digits")
    return unwritten(value)


def _division(key: str, value: Any) -> Division:
    known = _mapping(key, value)
    if "rule" not in known:
        raise ValueError(f"{key}.rule: is missing")
    given = {name: read for name, read in DIVISION.items() if name in known}
    return Division(**{name: read(f"{key}.{name}", known[name]) for name, read in given.items()})


DIVISION: Mapping[str, Any] = {
    "rule": _one_of(RULES),
    "seed": _whole(-MAX_NUMBER, MAX_NUMBER),
    "tests": _words,
    "validates": _words,
    "digest": _word,
    "sketch": _sketch,
}
"""How each field of a division is read."""

READERS: Mapping[str, Any] = {
    "name": _word,
    "file": _word,
    "classes": _distinct,
    "channels": _distinct,
    "label": _word,
    "by": _word,
    "ignored": _words,
    "separator": _one_of(SEPARATORS),
    "decimal": _one_of(DECIMALS),
    "encoding": _one_of(ENCODINGS),
    "unit": _unit,
    "rate": _number,
    "bins": _whole(1, 2**14),
    "span": _number,
    "merge": _whole(1, 2**14),
    "most": _whole(1, 255),
    "pattern": _word,
    "window": _whole(1, 2**31),
    "hop": _whole(1, 2**31),
    "group": _whole(1, 2**31),
    "input_bits": _whole(1, 8),
    "dropped": _whole(0, 8),
    "samples": _counts,
    "division": _division,
}
"""How each field is read."""
