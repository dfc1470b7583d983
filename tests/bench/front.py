"""Fit the costs of what surrounds a network: samples, sound, windows that overlap, a detector.

    python tests/bench/front.py

These kinds of parts are fitted alone, on random sensors, spectra and detectors
(calibration.hearing); all other rows of costs.json stay.
"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from calibration.boards import boards
from calibration.fitting import Observation, fit
from calibration.hearing import (
    MOVE,
    MOVES,
    Hearing,
    Request,
    detectors,
    looks,
    sensors,
    spectra,
    stream,
)

from codegen import isa
from codegen.kernels.features import Features
from codegen.plan import cost, front
from codegen.plan.choose import plan
from codegen.plan.kinds import kinds
from codegen.target.boards import Board
from qat.model import Model

PATH = Path(cost.__file__).parent / "costs.json"
SPECTRA, SENSORS, DETECTORS, TRACED = 40, 32, 16, 2
MEAN, SINGLE = 1.0, 0.3
"""Weights of the mean of a stream's vectors, and of a single one."""


def features_of(model: Model, kind: str) -> Features | None:
    """Return the features of a kind of part for one vector, or one look; None if it has none."""
    program = plan(model)
    for work in cost.around(program, "cortex-m4"):
        if work.kind == kind:
            return kinds()[kind].count(program, replace(work.load, frames=1.0))
    return None


def of_moves(counting: Hearing) -> list[Observation]:
    """Return what moving memory takes."""
    model, none = next(spectra(1)), np.zeros(0, "<i2")
    counts = counting.counts(model, [Request(MOVE, none, *one) for one in MOVES])
    return [
        Observation("moved samples", front.moved(*one), float(n), float(n))
        for one, n in zip(MOVES, counts, strict=True)
    ]


def of_stream(
    counting: Hearing, model: Model, kind: str, moves: dict[str, Any] | None
) -> Iterator[Observation]:
    """Yield what the vectors of a stream take, as a mean, and each of them alone.

    moves: coefficients of what moves, which is taken off
    """
    sensor = model.sensor
    assert sensor is not None
    counts = counting.counts(model, stream(model, sensor.width)).astype(float)
    first = sensor.samples_of(1)
    kept = features_of(model, "moved samples")
    less = 0.0 if kept is None or moves is None else _value(moves, kept)
    ends = counts[first - 1 :: sensor.group] - less
    between = counts[first:].reshape(-1, sensor.group)[:, :-1].sum(axis=1)
    found = features_of(model, kind)
    assert isinstance(found, front.Hearing | front.Scaling)
    whole = float(ends[1:].mean() + between.mean())
    yield Observation(kind, found, whole, whole, MEAN)
    alone = replace(found, samples=1.0)
    grouped = isinstance(found, front.Scaling) and found.summed > 0
    if grouped:
        alone = replace(alone, summed=found.values)
    for one in ends:
        yield Observation(kind, alone, float(one), float(one), SINGLE)
    if sensor.group > 1 and not grouped:
        each = float(between.mean()) / (sensor.group - 1)
        yield Observation(kind, type(found)(samples=1.0), each, whole / sensor.group, SINGLE)


def _value(row: dict[str, Any], features: Features) -> float:
    return float(sum(row["typical"].get(name, 0.0) * n for name, n in features.numbers().items()))


def observe(board: Board) -> dict[str, list[Observation]]:
    """Return what each kind of part took on a board."""
    with Hearing(board) as counting:
        found = {"moved": of_moves(counting)}
        moves = fit(found["moved"])
        for name, models in (("sound", spectra(SPECTRA)), ("samples", sensors(SENSORS))):
            found[name] = [
                one for model in models for one in of_stream(counting, model, name, moves)
            ]
            print(f"{board.name}: {name}", flush=True)
        found["detector"] = [
            one
            for number, model in enumerate(detectors(DETECTORS))
            for one in of_looks(counting, model, number)
        ]
    return found


def of_looks(counting: Hearing, model: Model, number: int) -> Iterator[Observation]:
    """Yield what a detector takes: the mean of some looks, and each of them."""
    counts = counting.counts(model, looks(model, number))[1:].astype(float)
    found = features_of(model, "detector")
    assert found is not None
    yield Observation("detector", found, float(counts.mean()), float(counts.mean()), MEAN)
    for one in counts:
        yield Observation("detector", found, float(one), float(one), SINGLE)


def measure_cycles(board: Board) -> dict[str, float]:
    """Return the estimated cycles per instruction of each kind of part on a board's core."""
    found = {}
    with Hearing(board) as counting:
        none = np.zeros(0, "<i2")
        moves = [Request(MOVE, none, *one) for one in MOVES]
        rows: dict[str, list[tuple[Model, list[Request]]]] = {
            "sound": [(model, stream(model, 1)) for model in spectra(TRACED)],
            "samples": [(model, stream(model, 1)) for model in sensors(TRACED)],
            "detector": [(model, looks(model, 1)) for model in detectors(TRACED)],
            "moved samples": [(next(spectra(1)), moves)],
        }
        for kind, asked in rows.items():
            each = [counting.cycles(model, requests) for model, requests in asked]
            found[kind] = round(sum(c for c, _ in each) / sum(n for _, n in each), 3)
    return found | {"moved vectors": found["moved samples"]}


def _write(table: str, key: str, fresh: dict[str, Any]) -> None:
    known = json.loads(PATH.read_text("utf-8"))
    rows = known[table].setdefault(key, {})
    known[table][key] = dict(sorted({**rows, **fresh}.items()))
    PATH.write_text(json.dumps(known, indent=1) + "\n", "utf-8")


def main() -> None:
    """Measure, and write the rows of costs.json."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--board", default="all", help="a board, or all")
    parser.add_argument("--cycles", action="store_true", help="cycles alone")
    arguments = parser.parse_args()
    for board in boards(arguments.board):
        if isa.find(board.core).cores[0] == board.core and not arguments.cycles:
            fresh = {name: fit(seen) for name, seen in observe(board).items()}
            _write("costs", isa.find(board.core).name, fresh)
            for name, row in fresh.items():
                errors = f"{row['mean_error']:.1%} mean, {row['largest_error']:.1%} at most"
                print(f"{board.name:9} {name:10} {row['observations']:4} counts, error {errors}")
        _write("cycles", board.core, measure_cycles(board))


if __name__ == "__main__":
    main()
