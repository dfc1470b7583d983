"""The role of each column of a table: label, name of a recording, feature, or left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from qat.data.reading import LABELS, NoColumnError, Reading
from qat.model import did_you_mean

ENDS = {"first": 0, "last": -1}

GUESSED = "; --label names another"
"""How a line ends that says a guess."""

AXES = {"x", "y", "z"}
"""Beside x and z, y is an axis and no label."""


@dataclass(frozen=True)
class Columns:
    """What the columns of a table are, by their numbers from 0.

    names:    of all of them, each another one; none without a header
    label, by, ignored, features: which columns; label: None for a file without labels
    notes, warnings: what was found or guessed, and what is probably not meant
    training: False where a model knows the classes, and its inputs are settled
    guessed: True if nothing but its place tells the label column
    """

    names: tuple[str, ...]
    label: int | None
    by: int | None
    ignored: tuple[int, ...]
    features: tuple[int, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    training: bool = True
    guessed: bool = False

    def called(self, column: int | None) -> str:
        """Return what finds a column again: its name, else its number from 1."""
        if column is None:
            return ""
        return self.names[column] if self.names else str(column + 1)

    def shown(self, column: int) -> str:
        """Return what a message calls a column."""
        return self.names[column] if self.names else f"column {column + 1}"

    def feature(self, column: int) -> str:
        """Return what a message calls the column of a feature."""
        return f"feature {self.names[column]}" if self.names else self.shown(column)


def settle(header: Sequence[str] | None, width: int, how: Reading) -> Columns:
    """Return what every column is.

    header: the names as they stand in the file, or None
    Raises ValueError for a column that is not there, or that is wanted twice.
    """
    names, notes = _names(header)
    known = _Known(tuple(header or ()), names, width)
    if how.channels and not names:
        raise ValueError(
            "has no header by which the model finds its channels; begin it with a line of names: "
            f"{', '.join([*how.channels, how.label or 'label'])}, as they stand in the file"
        )
    by = None if how.by is None else known.find("by", how.by)
    ignored = tuple(dict.fromkeys(known.find("ignore", name) for name in how.ignore))
    channels = known.channels(how.channels, ignored)
    label, said = _label(how, known, {by, *ignored, *channels})
    for what, column in (("label", label), ("by", by)):
        if column in ignored:
            raise ValueError(f"the column {known.shown(column)} is named as {what} and as ignored")
    if label is not None and label == by:
        raise ValueError(f"the column {known.shown(label)} is named as label and as by")
    features = tuple(i for i in range(width) if i not in {label, by, *ignored})
    if channels:
        features = channels
        ignored = tuple(i for i in range(width) if i not in {label, by, *channels})
    if not features:
        raise ValueError("has no feature left beside its label")
    warnings = [
        f"column {names[i]} is an input beside the label column {known.shown(label)}; --ignore "
        f"{names[i]} leaves it out"
        for i in features
        if names and names[i].lower() in LABELS and how.training
    ]
    told = (*notes, *said)
    guessed = any(line.endswith(GUESSED) for line in said)
    return Columns(
        names, label, by, ignored, features, told, tuple(warnings), how.training, guessed
    )


def _names(header: Sequence[str] | None) -> tuple[tuple[str, ...], list[str]]:
    """Return a name for every column, each another one, and what was made up."""
    if header is None:
        return (), []
    names: dict[str, None] = {}
    standing, notes = set(header), []
    for i, name in enumerate(header):
        own, count = name or f"column{i + 1}", 2
        made = own
        while made in names or (made != name and made in standing):
            made, count = f"{own}_{count}", count + 1
        if made != name:
            what = f"has the name {name!r} again" if name else "has no name"
            notes.append(f"column {i + 1} {what}: it is called {made}")
        names[made] = None
    return tuple(names), notes


@dataclass(frozen=True)
class _Known:
    """The columns among which one is looked for."""

    header: tuple[str, ...]
    names: tuple[str, ...]
    width: int

    def shown(self, column: int | None) -> str:
        if column is None:
            return ""
        return self.names[column] if self.names else str(column + 1)

    def find(self, what: str, name: str, ends: bool = False) -> int:
        """Return the column of a name, else of a number from 1."""
        wanted = name.strip()
        same = [i for i, own in enumerate(self.header) if own == wanted]
        if len(same) > 1:
            numbers = ", ".join(str(i + 1) for i in same)
            raise ValueError(f"{what}: the columns {numbers} are called {name!r}; give a number")
        if same:
            return same[0]
        if wanted in self.names:
            return self.names.index(wanted)
        if ends and wanted in ENDS:
            return range(self.width)[ENDS[wanted]]
        if wanted.isdecimal() and 1 <= int(wanted[:9]) <= self.width:
            return int(wanted) - 1
        kind = "label column" if what == "label" else "column"
        of = "" if what == "label" else f" ({what})"
        near = did_you_mean(wanted, self.names)
        raise NoColumnError(name, f"has no {kind} {name!r}{of}; {self._all(ends)}{near}")

    def channels(self, names: Sequence[str], ignored: Sequence[int]) -> tuple[int, ...]:
        """Return the columns of a model's channels, which are found by their names alone."""
        missing = [name for name in names if name not in self.names]
        if missing:
            near = did_you_mean(missing[0], [own for own in self.names if own not in names])
            raise NoColumnError(
                missing[0],
                f"has no column {', '.join(map(repr, missing))}, which the model takes; "
                f"{self._all(ends=False)}{near}",
            )
        found = tuple(map(self.names.index, names))
        for column in found:
            if column in ignored:
                raise ValueError(f"the model takes the column {self.shown(column)}: not to ignore")
        return found

    def _all(self, ends: bool) -> str:
        if self.names:
            return f"it has the columns {', '.join(self.names)}"
        ends_too = "first, last or " if ends else ""
        return f"it has no header: use {ends_too}a number from 1 to {self.width}"


def _label(how: Reading, known: _Known, taken: set[int | None]) -> tuple[int | None, list[str]]:
    """Return the label column, and how it was found if it was not named."""
    if how.label is not None:
        try:
            column = known.find("label", how.label, ends=True)
        except NoColumnError:
            if how.labelled:
                raise
            return None, []
        numbered = known.names and known.names[column] != how.label.strip()
        return column, [f"label: column {known.names[column]}"] if numbered else []
    free = [i for i in range(known.width) if i not in taken]
    if not free and how.labelled:
        raise ValueError("has no column left for the label")
    lower = [name.lower() for name in known.header]
    named = [i for usual in LABELS for i in free if lower and lower[i] == usual]
    if named and lower.count(lower[named[0]]) > 1:
        known.find("label", known.header[named[0]])
    axes = set(lower) >= AXES
    if not named and not axes:
        named = [i for i in free if lower and lower[i] == "y"]
    if named:
        return named[0], [f"label: column {known.shown(named[0])}"]
    if not how.labelled:
        return None, []
    if axes and lower[free[-1]] in AXES:
        raise ValueError("has the axes x, y and z and no label column; name it with --label")
    guess = f"{known.shown(free[-1])}, the last one" if known.names else "the last one"
    return free[-1], [f"label: column {guess}{GUESSED}"]


def repeated(words: Sequence[str]) -> tuple[str, str] | None:
    """Return two words that differ in the case of letters alone, or None."""
    counts = Counter(word.casefold() for word in words)
    for word in words:
        if counts[word.casefold()] > 1:
            other = next(w for w in words if w != word and w.casefold() == word.casefold())
            return word, other
    return None
