"""The verb data: the list of data sets, or what one of them holds."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

import numpy as np

from codegen.cli.data import load_data, say_notes, source_of
from codegen.cli.models import heard_text
from codegen.cli.output import Output
from codegen.plan.spectrum import sound_of
from qat.data.dataset import Dataset
from qat.data.heard import Heard
from qat.data.named import DATASETS, Named
from qat.data.sensing import Raw

MOST_NAMES = 12
"""Channels that a line names."""

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
    out.say(
        "`spikemcu data NAME` fetches and prepares one; `spikemcu data PATH` reads yours: "
        ".csv, .parquet, .npz, or a folder of pictures, events or sound"
    )
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
    named = arguments.data in DATASETS
    out.progress(f"{'fetching and reading' if named else 'reading'} {arguments.data}")
    loaded = load_data(arguments.data, arguments)
    counts = {part: _balance(loaded, part) for part in PARTS}
    low, high = loaded.input_range
    out.say(f"{loaded.name}: {source_of(loaded)}")
    say_notes(out, loaded)
    shape = loaded.x_train.shape[1:]
    out.say(f"inputs {shape_text(shape)}, whole numbers from {low} to {high}")
    if loaded.raw is not None:
        out.say(sensor_text(loaded.raw, loaded.channel_names))
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
            "notes": list(loaded.notes),
            "warnings": list(loaded.warnings),
            "sensor": None if loaded.raw is None else _sensor(loaded.raw, loaded.channel_names),
        }
    )
    return 0


def sensor_text(raw: Raw, names: tuple[str, ...]) -> str:
    """Return one line about the samples that inputs are made of."""
    channels, unit = raw.train.shape[-1], raw.plain_unit
    known = f" ({', '.join(names)})" if 0 < len(names) <= MOST_NAMES else ""
    each = ", ".join(f"{u:g}" for u in (unit if isinstance(unit, list) else [unit])[:MOST_NAMES])
    line = f"raw samples: int16, {channels} channels{known}, 1 stands for {each}"
    if not raw.framed:
        return line
    window = raw.train.shape[1]
    hop = window if raw.hop is None else raw.hop * raw.group
    if isinstance(raw, Heard):
        line = heard_text(_sound(raw), raw.group)
        return f"{line}; windows of {window:,} samples, one every {hop:,}"
    return f"{line}; windows of {window}, {raw.group} to a step, one every {hop}"


def _sound(raw: Heard) -> dict[str, Any]:
    """Return what a Spectrum is made of, as JSON values."""
    assert raw.spectrum is not None
    return sound_of(raw.spectrum).describe()


def _sensor(raw: Raw, names: tuple[str, ...]) -> dict[str, Any]:
    steps = raw.train.shape[1] // raw.group
    return {
        "channels": list(names) or raw.train.shape[-1],
        "unit": raw.plain_unit,
        "window": raw.train.shape[1],
        "hop": (steps if raw.hop is None else raw.hop) * raw.group,
        "group": raw.group,
        **({"sound": _sound(raw)} if isinstance(raw, Heard) else {}),
    }


def _balance(loaded: Dataset, part: str) -> list[int]:
    """Return how many samples of every class a part holds."""
    labels = getattr(loaded, f"y_{part}")
    return [int(n) for n in np.bincount(labels, minlength=loaded.classes)]
