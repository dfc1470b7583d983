"""The samples of a file as a model takes them, before they are divided into parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from qat.data.checks import checked_samples
from qat.data.files import arrays_of, is_table, settled, table_of
from qat.data.formats.soundlist import is_sound_list, recordings_in
from qat.data.formats.sounds import recordings_of, windows_of
from qat.data.labelling import UNLABELLED, listed, mapped
from qat.data.origin import DataOrigin, vector_size
from qat.data.pictures import flat
from qat.data.reading import NoColumnError, Progress, Reading
from qat.data.recordings import Windowing, cut
from qat.data.sensing import HIGH, LOW, given_unit, shown, to_samples
from qat.data.tables.table import Table
from qat.machine.memory import BYTES_PER_INPUT, require
from qat.model import Model, Spectrum
from qat.model.checks import finite

Found = TypeVar("Found")


@dataclass(frozen=True, eq=False)
class Samples:
    """Samples of a file before they are divided, each with its label.

    x:      what a sensor measures, int16 (samples, rows, channels); without a sensor inputs,
            (samples, inputs) or (samples, steps, inputs)
    labels: outputs of the model, UNLABELLED without
    by:     the recording of each, or None
    starts: of windows, the line where each begins
    given:  True for those that the file itself gives as its test part
    validates: of the others, True for those that the file gives to validate
    """

    x: NDArray[Any]
    labels: NDArray[np.int64]
    by: NDArray[Any] | None = None
    starts: NDArray[np.int64] | None = None
    given: NDArray[np.bool_] | None = None
    validates: NDArray[np.bool_] | None = None


@dataclass(frozen=True, eq=False)
class SampleFile:
    """A file that is read for a model; `how` is what training knew, and what the user says."""

    path: Path
    model: Model
    origin: DataOrigin
    how: Reading
    progress: Progress | None

    def samples(self) -> tuple[Samples, Reading, list[str]]:
        """Return the samples, how they were read, and what is to be said of it."""
        if isinstance(self.model.sensor, Spectrum):
            return self._heard()
        if not is_table(self.path):
            read = partial(arrays_of, self.path)
            (arrays, words, about), how, notes = self._read(read, self.how)
            found, said = self._of_arrays(arrays, words)
            return found, how, [*notes, *about, *said]
        table, how, notes = self._table()
        notes += [*table.notes, *self._left_out(table.ignored)]
        labels, said = self._mapped(table.y, table.classes)
        x, clipped = self._integers(table.x)
        found = self._lines(x, labels, table.by)
        return found, settled(how, table), notes + said + clipped

    def _heard(self) -> tuple[Samples, Reading, list[str]]:
        """Return recordings of sound as windows of the model's length."""
        find = recordings_in if is_sound_list(self.path) else recordings_of
        recordings, how, notes = self._read(partial(find, self.path), self.how)
        found = windows_of(recordings, how)
        if how.labelled and not found.classes:
            raise ValueError("is sound without classes: give a folder a class, or use predict")
        arrays = found.arrays
        x, y = (
            np.concatenate([arrays[key] for key in keys if key in arrays])
            for keys in (("x", "x_test"), ("y", "y_test"))
        )
        labels, said = self._mapped(y, found.classes)
        given = np.arange(len(y)) >= len(arrays["y"]) if "y_test" in arrays else None
        by, starts, validates = (arrays.get(key) for key in ("by", "starts", "validates"))
        samples = Samples(x, labels, by, starts, given, validates)
        said = [*notes, *found.notes, *found.warnings, *said]
        return samples, replace(how, **found.settled), said

    def _table(self) -> tuple[Table, Reading, list[str]]:
        """Return a table; the columns of training may be written in another form."""
        read = partial(table_of, self.path, progress=self.progress)
        other = replace(self.how, separator=None, decimal=None, encoding=None)
        try:
            return self._read(read, self.how)
        except ValueError:
            if other == self.how:
                raise
            return self._read(read, other)

    def _read(
        self, read: Callable[[Reading], Found], how: Reading
    ) -> tuple[Found, Reading, list[str]]:
        """Return what was read, and how: other recordings need no column that names them."""
        try:
            return read(how), how, []
        except NoColumnError as error:
            if how.by is None or error.name != how.by or how.by != self.origin.by:
                raise
            how = replace(how, by=None)
            return read(how), how, [f"has no column {error.name!r}: read as one recording"]

    def _left_out(self, ignored: Sequence[str]) -> list[str]:
        """Return a line about columns that training did not leave out."""
        known = (*self.origin.ignored, *self.how.ignore, self.origin.by, self.origin.label)
        new = [name for name in ignored if name not in known]
        return [f"left out, as the model has no such channel: {listed(new)}"] if new else []

    def _mapped(
        self, y: NDArray[Any], words: Sequence[str] = ()
    ) -> tuple[NDArray[np.int64], list[str]]:
        """Return labels as outputs of the model, and what is to be said of them."""
        none = np.full(len(y), UNLABELLED, np.int64)
        if not self.how.labelled and not words and (y == UNLABELLED).all():
            return none, []
        try:
            return mapped(y, words, self.origin.classes, self.model.outputs)
        except ValueError as error:
            if self.how.labelled:
                raise
            return none, [f"labels are not used: the file {error}"]

    def _of_arrays(self, arrays: dict[str, Any], words: Sequence[str]) -> tuple[Samples, list[str]]:
        given = (key for key in ("x", "x_test") if key in arrays)
        parts = {key: self._flat(key, finite(key, arrays[key])) for key in given}
        labels = [_labels(key.replace("x", "y"), arrays, len(x)) for key, x in parts.items()]
        y, notes = self._mapped(np.concatenate(labels), words)
        if parts["x"].ndim == 2 and self.how.window is not None:
            x, clipped = self._integers(parts["x"])
            lines = self._lines(x, y[: len(x)], arrays.get("by"), arrays.get("runs"))
            return lines, notes + clipped
        shape = checked_samples("x", parts["x"]).shape[1:]
        x = np.concatenate([checked_samples(key, x, shape) for key, x in parts.items()])
        x, clipped = self._integers(x)
        tests = np.arange(len(x)) >= len(parts["x"]) if "x_test" in parts else None
        found = Samples(self._shaped(x), y, arrays.get("by"), None, tests, arrays.get("validates"))
        return found, notes + clipped

    def _flat(self, what: str, x: NDArray[Any]) -> NDArray[Any]:
        """Return samples with vectors in place of pictures, which lie on the model's map."""
        x, grid = flat(what, x)
        known = self.model.input.grid
        if grid is not None and known is not None and grid != known:
            raise ValueError(f"{what}: found pictures of {grid}; the model takes {known}")
        return x

    def _lines(
        self, x: NDArray[Any], labels: NDArray[np.int64], by: Any, runs: Any = None
    ) -> Samples:
        """Return the samples that lines are: windows of them, or each for itself."""
        if by is not None and np.shape(by) != (len(x),):
            raise ValueError(f"by: found shape {np.shape(by)}; needs one name for each line of x")
        if self.how.window is None:
            return Samples(self._shaped(x), labels, by)
        timing = Windowing(self.how.window, self.how.hop, self.how.group or 1)
        columns = [np.asarray(column) for column in (labels, by, runs) if column is not None]
        starts, _ = cut(columns, timing)
        values = len(starts) * x.shape[1] * timing.window * (2 + BYTES_PER_INPUT // timing.group)
        require(f"{len(starts):,} windows", values, "give a shorter file")
        every = sliding_window_view(x, timing.window, axis=0).transpose(0, 2, 1)
        of = None if by is None else np.asarray(by)[starts]
        return Samples(every[starts], labels[starts], of, starts)

    def _shaped(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return samples that are no windows as the model takes them, refused if it does not."""
        model = self.model
        wanted = (model.input.size,) if model.input.held else (model.steps, model.input.size)
        each = vector_size(model)
        if model.input.held and each < model.input.size and x.ndim == 3:
            wanted = (model.input.size // each, each)
        if x.shape[1:] != wanted and not (model.steps is None and x.shape[2:] == wanted[1:]):
            raise ValueError(f"x: found samples of shape {x.shape[1:]}; the model takes {wanted}")
        alone = model.sensor is not None and model.input.held and x.ndim == 2
        return x[:, None] if alone else x

    def _integers(self, x: NDArray[Any]) -> tuple[NDArray[Any], list[str]]:
        """Return samples of the sensor, else inputs before bits are taken off, and what to say."""
        names = self.origin.channels
        size = vector_size(self.model) if x.ndim == 3 else self.model.input.size
        if x.ndim == 2 and self.how.window is not None:
            size = vector_size(self.model)
        if x.shape[-1] != size:
            raise ValueError(f"x: found {x.shape[-1]} features; the model takes {size}")
        if self.model.sensor is not None:
            return _samples_in(x, unit_of(self.how), names), []
        return _whole(x, self.model, self.origin)


def unit_of(how: Reading) -> ArrayLike:
    """Return the unit of samples: 1 where nothing says another one."""
    return 1.0 if how.unit is None else how.unit


def _labels(name: str, arrays: dict[str, Any], samples: int) -> NDArray[Any]:
    labels = np.asarray(arrays.get(name, np.full(samples, UNLABELLED)))
    if labels.shape != (samples,):
        raise ValueError(f"{name}: found shape {labels.shape} for {samples} samples")
    return labels


def _samples_in(x: NDArray[Any], unit: ArrayLike, names: Sequence[str]) -> NDArray[np.int16]:
    """Return real values as samples of a unit; ValueError for what no device measures."""
    units = given_unit(unit, x.shape[-1])
    flat = x.reshape(-1, x.shape[-1])
    for channel, one in enumerate(units):
        for worst in (flat[:, channel].min(), flat[:, channel].max()):
            if not LOW <= np.rint(worst / one) <= HIGH:
                raise ValueError(
                    f"channel {shown(channel, names)} holds {worst:g}, a sample of "
                    f"{worst / one:.0f} in the model's unit of {one:g}; int16 holds {LOW} to "
                    f"{HIGH}; leave such lines out, or give this file's own unit"
                )
    return to_samples(x, units)


def _whole(x: NDArray[Any], model: Model, origin: DataOrigin) -> tuple[NDArray[Any], list[str]]:
    """Return whole numbers in the range of training, as training clips them, and what to say."""
    if model.metadata.get("x_scale", 1.0) != 2.0**origin.dropped:
        raise ValueError(
            "the model takes real values that were scaled without samples of a sensor, which is "
            "not repeated here; train it with a unit, or scale them and call Model.run"
        )
    if (x != np.rint(x)).any():
        wrong = x[x != np.rint(x)][0]
        raise ValueError(f"x: holds {wrong:g}; the model was trained on whole numbers")
    low = model.input.low << origin.dropped
    high = ((model.input.high + 1) << origin.dropped) - 1
    outside = int(((x < low) | (x > high)).sum())
    said = [f"{outside:,} values beyond {low} to {high} count as these, as in training"]
    kind = np.int8 if low < 0 else np.uint8
    return np.clip(x, low, high).astype(kind), said if outside else []
