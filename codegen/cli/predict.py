"""The verb predict: the class of every sample or window of data, with or without labels."""

from __future__ import annotations

import csv
import io
import json
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from codegen.cli.data import data_of
from codegen.cli.evaluate import is_named, require_classes
from codegen.cli.judgement import class_words
from codegen.cli.output import Output
from qat.data.dataset import Dataset
from qat.model import Model, write_file
from qat.train.judging import in_pieces


@dataclass(frozen=True)
class Row:
    """The answer to one sample or window.

    sample: which one, from 0, in the order of the data
    start:  the first sample of a window, from 0; None where every line stands alone
    label:  its class, of `index`
    step:   the time step after which the answer stood: the last one, or where the model stopped
    """

    sample: int
    start: int | None
    label: str
    index: int
    step: int
    scores: tuple[int, ...]


def predict(arguments: Namespace) -> int:
    """Write the class, the scores and the step of every sample."""
    out = Output(arguments)
    model = Model.load(arguments.model)
    require_classes(model)
    _check_output(arguments.output)
    out.progress("reading the data")
    data, _ = data_of(model, arguments, divided=False, labelled=False)
    for line in (*data.notes, *data.warnings):
        out.warn(f"{data.name}: {line}")  # stdout holds the rows and nothing else
    if is_named(arguments):
        out.warn(f"{data.name}: its test part")
    names = class_words(model, data)
    rows = list(_rows(model, data, names, arguments.limit, out))
    about = {"model": model.name, "digest": model.digest(), "data": data.name}
    values = about | {"classes": list(names), "predictions": [_json(row) for row in rows]}
    _write(out, arguments.output, rows, names, values)
    out.result(values | {"output": arguments.output})
    return 0


def _check_output(path: str | None) -> None:
    """Refuse now what would only fail after the work."""
    if path is not None and not Path(path).parent.is_dir():
        raise ValueError(f"{path}: cannot be written; {Path(path).parent} is no folder")


def _rows(
    model: Model, data: Dataset, names: tuple[str, ...], limit: int | None, out: Output
) -> Iterator[Row]:
    """Yield the answers in the order of the data; only a piece of them is run at once."""
    x, done = data.x_test[:limit], 0
    for piece in in_pieces(x):
        result = model.run(piece)
        assert result.scores is not None
        assert result.predictions is not None
        steps = np.full(len(piece), model.steps) if result.steps is None else result.steps
        for i, (index, step) in enumerate(zip(result.predictions, steps, strict=True)):
            start = None if data.starts is None else int(data.starts[done + i])
            scores = tuple(map(int, result.scores[i]))
            yield Row(done + i, start, names[index], int(index), int(step), scores)
        done += len(piece)
        out.progress(f"{done:,} of {len(x):,}")


def _write(
    out: Output, path: str | None, rows: list[Row], names: tuple[str, ...], values: dict[str, Any]
) -> None:
    """Write the rows to a file, JSON where its name says so; else print them, unless --json."""
    if path is None:
        if not out.json:
            out.say(_csv(rows, names).rstrip("\n"))
        return
    as_json = Path(path).suffix.lower() == ".json"
    text = json.dumps(values, indent=2) + "\n" if as_json else _csv(rows, names)
    write_file(Path(path), text.encode())
    out.say(f"wrote {path}: {len(rows):,} rows")


def _csv(rows: list[Row], names: tuple[str, ...]) -> str:
    """Return the rows as comma separated values, with a header."""
    text = io.StringIO()
    windows = any(row.start is not None for row in rows)
    writer = csv.writer(text, lineterminator="\n")
    start = ["start"] if windows else []
    writer.writerow(["sample", *start, "class", "step", *(f"score {name}" for name in names)])
    for row in rows:
        begins = [row.start] if windows else []
        writer.writerow([row.sample, *begins, row.label, row.step, *row.scores])
    return text.getvalue()


def _json(row: Row) -> dict[str, Any]:
    start = {} if row.start is None else {"start": row.start}
    return {
        "sample": row.sample,
        **start,
        "class": row.label,
        "index": row.index,
        "step": row.step,
        "scores": list(row.scores),
    }
