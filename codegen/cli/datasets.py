"""The verb data."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

import numpy as np

from codegen.cli.output import Output
from qat.datasets import DATASETS, Dataset, Named, load

PARTS = ("train", "validation", "test")
PART_TITLES = ("training", "validation", "test")


def data(arguments: Namespace) -> int:
    """List the data sets, or prepare one and print what it holds."""
    out = Output(arguments)
    return _list(out) if arguments.data is None else _prepare(out, arguments)


def shape_text(shape: tuple[int, ...]) -> str:
    """Return (64,) as "64" and (25, 12) as "25 x 12": steps, then inputs."""
    return " x ".join(map(str, shape))


def _row(name: str, row: Named) -> dict[str, Any]:
    return {
        "name": name,
        "shape": list(row.shape),
        "input": "analog" if len(row.shape) == 1 else "frames",
        "classes": row.classes,
        "samples": dict(zip(PARTS, row.samples, strict=True)),
        "licence": row.licence,
        "source": row.source,
        "ready": row.ready,
        "from": row.fetched.package.requirement if row.fetched else "shipped",
    }


def _list(out: Output) -> int:
    rows = [_row(name, row) for name, row in DATASETS.items()]
    header = ["name", "input", "shape", "classes", *PART_TITLES, "licence", "here"]
    out.table(header, [_cells(row) for row in rows])
    out.say("`spikemcu data NAME` fetches and prepares one; .npz, .csv and IDX files work as well")
    out.result({"datasets": rows})
    return 0


def _cells(row: dict[str, Any]) -> list[Any]:
    about = [row["name"], row["input"], shape_text(tuple(row["shape"])), row["classes"]]
    return [*about, *row["samples"].values(), row["licence"], _here(row)]


def _here(row: dict[str, Any]) -> str:
    if row["from"] == "shipped":
        return "shipped"
    return "cached" if row["ready"] else f"no; {row['from']}"


def _prepare(out: Output, arguments: Namespace) -> int:
    loaded = load(arguments.data, label=arguments.label)
    counts = {part: _balance(loaded, part) for part in PARTS}
    low, high = loaded.input_range
    out.say(f"{loaded.name}: {loaded.source}; {loaded.licence}")
    shape = loaded.x_train.shape[1:]
    out.say(f"inputs {shape_text(shape)}, whole numbers from {low} to {high}")
    names = loaded.class_names or tuple(map(str, range(loaded.classes)))
    columns = [counts[part] for part in PARTS]
    rows = [[name, *row] for name, row in zip(names, zip(*columns, strict=True), strict=True)]
    out.table(["class", *PART_TITLES], [*rows, ["all", *map(sum, columns)]])
    out.result(
        {
            "name": loaded.name,
            "shape": list(shape),
            "input_range": [low, high],
            "classes": list(names),
            "samples": counts,
            "licence": loaded.licence,
            "source": loaded.source,
        }
    )
    return 0


def _balance(loaded: Dataset, part: str) -> list[int]:
    """Return how many samples of every class a part holds."""
    labels = getattr(loaded, f"y_{part}")
    return [int(n) for n in np.bincount(labels, minlength=loaded.classes)]
