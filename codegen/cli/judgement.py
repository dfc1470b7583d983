"""The lines that verbs print about how good a model is, class by class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from codegen.cli.output import Output, percent
from qat.data.dataset import Dataset
from qat.model import Model
from qat.model.checks import plain
from qat.train.judging import Judged

MOST_COLUMNS = 100
"""Characters of a line of the confusion matrix; what is wider is told as its largest entries."""
MOST_PAIRS = 20


def class_words(model: Model, data: Dataset | None = None) -> tuple[str, ...]:
    """Return a word for every output: the model's, else those of the data, else numbers."""
    known = model.class_names or (() if data is None else data.class_names)
    if len(known) != model.outputs:
        known = tuple(map(str, range(model.outputs)))
    return tuple(map(plain, known))


def say_classes(out: Output, judged: Judged, names: Sequence[str]) -> None:
    """Print the accuracy of every class, and what it was most often taken for."""
    rows: list[tuple[Any, ...]] = []
    shares = zip(names, judged.of_class, judged.per_class, strict=True)
    for label, (name, samples, share) in enumerate(shares):
        other, times = judged.mistaken(label)
        told = f"{names[other]} ({times})" if times else ""
        rows.append((name, samples, "-" if share is None else percent(share), told))
    out.table(("class", "samples", "right", "most often taken for"), rows)


def say_confusion(out: Output, judged: Judged, names: Sequence[str]) -> None:
    """Print how many samples of each class were taken for each."""
    widths = [max(len(name), len(f"{judged.samples:,}")) for name in names]
    if sum(widths) + 2 * len(widths) + max(map(len, names)) <= MOST_COLUMNS:
        out.say("\nrows: the class; columns: what it was taken for")
        rows = [(name, *map(int, row)) for name, row in zip(names, judged.confusion, strict=True)]
        out.table(("", *names), rows)
        return
    wrong = judged.confusion.copy()
    for label in range(len(names)):
        wrong[label, label] = 0
    order = wrong.argsort(axis=None, kind="stable")[::-1][:MOST_PAIRS]
    pairs = [(int(wrong.flat[i]), *divmod(int(i), len(names))) for i in order if wrong.flat[i]]
    out.say("\nmost frequent mistakes (--json has the whole matrix)")
    out.table(("class", "taken for", "times"), [(names[a], names[b], n) for n, a, b in pairs])


def as_json(judged: Judged, names: Sequence[str]) -> dict[str, Any]:
    """Return what was judged as JSON values."""
    return {
        "samples": judged.samples,
        "accuracy": judged.accuracy,
        "classes": list(names),
        "per_class": dict(zip(names, judged.per_class, strict=True)),
        "confusion": judged.confusion.tolist(),
    }
