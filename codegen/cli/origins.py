"""The lines that verbs print about the data that trained a model."""

from __future__ import annotations

from collections.abc import Sequence

from qat.data.origin import DataOrigin
from qat.model import Model, Spectrum
from qat.model.checks import plain

MOST_NAMES = 20
"""Names that a line lists."""


def listed(names: Sequence[str]) -> str:
    """Return some names, printable, and how many more there are."""
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(map(plain, names[:MOST_NAMES])) + more


def classes_text(model: Model) -> str:
    """Return the word of every output, `0 run, 1 sit`; "" for a model that has none."""
    return listed([f"{i} {name}" for i, name in enumerate(model.class_names)])


def rate_of(model: Model) -> float | None:
    """Return the samples a second of the data that trained a model, None where that is unknown."""
    if isinstance(model.sensor, Spectrum):
        return model.sensor.rate
    try:
        origin = DataOrigin.of(model)
    except ValueError:
        return None
    return None if origin is None else origin.rate


def origin_lines(model: Model) -> list[str]:
    """Return what a model knows of its data, none for one that knows nothing."""
    classes = classes_text(model)
    lines = [f"classes: {classes}"] if classes else []
    try:
        origin = DataOrigin.of(model)
    except ValueError as error:
        return [*lines, f"data: what the model file says of them cannot be used ({plain(error)})"]
    if origin is None:
        return lines
    counts = zip(origin.samples, ("train", "validate", "test"), strict=False)
    samples = ", ".join(f"{count:,} {what}" for count, what in counts)
    name = plain(origin.file or origin.name)
    lines.append(f"data: {name}; {samples}; {plain(origin.division.text)}")
    read = _columns(origin)
    return [*lines, f"read from: {'; '.join(read)}"] if read else lines


def _columns(origin: DataOrigin) -> list[str]:
    """Return what the columns of a file were."""
    said = [f"channels {listed(origin.channels)}"] if origin.channels else []
    if origin.label:
        said.append(f"label {plain(origin.label)}")
    if origin.by:
        said.append(f"recordings by {plain(origin.by)}")
    if origin.ignored:
        said.append(f"left out {listed(origin.ignored)}")
    if origin.rate:
        said.append(f"{origin.rate:g} samples a second")
    return said
