"""From microphone to word: what sound, a network and a detector take on an emulated Cortex-M4.

    python tests/bench/microphone.py fsdd.npz
    python tests/bench/microphone.py fsdd.npz --update .github/FIGURES.md

The file holds `audio` (int16 at 8 kHz, one recording behind the other), `length`, `y`, `index`
(the number of a recording of its speaker and digit). Recordings 0 to 4 test, 5 to 9 validate, the
rest trains: `spikemcu train` makes the network, `spikemcu listen` chooses the detector on
recordings that validate and judges it on those that test. Every result and detection of the
firmware is compared with the model's, and every call of it counted.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import re
import wave
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.checks.equivalence import compare_raw
from codegen.cli import main as spikemcu
from codegen.plan import cost
from codegen.plan.choose import plan
from codegen.report.report import Report, report
from codegen.report.summary import shape_text
from codegen.target.emulated import TargetModel
from qat.data.formats.sounds import framed, strength
from qat.machine.scratch import scratch
from qat.model import Model, Spectrum
from qat.study.listening import long_recording

BOARD, CORE, RATE = "qemu-m4", "cortex-m4", 8000
WINDOW = 256 + 35 * 128
"""Samples of a window: 36 frames."""

HEARD = 1 / 3
"""Of a word, at most, in a window that counts as noise."""

TRAIN = f"--spectrum bands=20 --window {WINDOW} --hidden 64 --output-bits 8 --epochs 40 --seed 0"
LISTEN = "--background noise --smooth 0,1"
COUNTED, COMPARED = 3, 40
"""Recordings of test data between pauses whose calls are counted, and whose results compared."""

PARTS = {
    "front end": ("sensor",),
    "network": ("shared", "layer 0", "readout", "currents", "decision"),
    "detector": ("detector",),
}
"""Rows of the table: parts of a report; the firmware's own code is in none of them."""

MARKS = "<!-- microphone table -->\n", "<!-- end microphone table -->\n"


def write_recordings(path: Path, folder: Path) -> Path:
    """Write windows of the recordings as .wav files, and a list of them; return the list.

    Each word lies anywhere in its window, in noise as strong as its faintest part. For each there
    is another window in which no more than a third of it is heard, of the class `noise`: so what
    slides past a word knows that it is not there yet, or no more.
    """
    rng = np.random.default_rng(0)
    with np.load(path) as file:
        audio, length, y, index = (file[name] for name in ("audio", "length", "y", "index"))
    rows, end = ["path,label,part"], np.cumsum(length)
    for row, (last, samples) in enumerate(zip(end, length, strict=True)):
        word = framed(audio[last - samples : last], min(int(samples), WINDOW))
        part = "test" if index[row] < 5 else "validation" if index[row] < 10 else "train"
        hidden = round(len(word) * rng.uniform(1 - HEARD, 1))
        places = {
            str(int(y[row])): int(rng.integers(0, WINDOW - len(word) + 1)),
            "noise": -hidden if rng.random() < 0.5 else WINDOW - len(word) + hidden,
        }
        for label, at in places.items():
            name = f"{label}_{row}.wav"
            with wave.open(str(folder / name), "wb") as wav:
                wav.setparams((1, 2, RATE, 0, "NONE", ""))
                wav.writeframes(placed(word, at, rng).astype("<i2").tobytes())
            rows.append(f"{name},{label},{part}")
    (folder / "list.csv").write_text("\n".join(rows) + "\n", "utf-8")
    return folder / "list.csv"


def placed(word: NDArray[np.int16], at: int, rng: np.random.Generator) -> NDArray[np.int16]:
    """Return a window with a word that begins at a sample of it, or before it."""
    noise = rng.normal(0, strength(word), WINDOW)
    found = np.clip(np.rint(noise), -(2**15), 2**15 - 1).astype(np.int16)
    first, last = max(at, 0), min(at + len(word), WINDOW)
    found[first:last] = word[first - at : last - at]
    return found


def told(*words: str | Path) -> dict[str, Any]:
    """Run a verb and return what it tells as JSON."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        status = spikemcu([*map(str, words), "--json"])
    assert status == 0, out.getvalue()
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def said(listed: Path, model: Model, recordings: int) -> NDArray[np.int16]:
    """Return recordings that test, between pauses, (samples, 1)."""
    from qat.data.named import load_for  # noqa: PLC0415  # only here

    data, _ = load_for(model, str(listed))
    assert data.raw is not None
    windows, labels = data.raw.test[:recordings], data.y_test[:recordings]
    return long_recording(windows, labels, RATE, 3).sound


def per_second(model: Model, sound: NDArray[np.int16]) -> tuple[float, float]:
    """Return the instructions of a second of sound, counted: of the front end, and of the network.

    A call that completes a frame and no window is the front end's; what one that ends a window
    takes besides is the network's.
    """
    sensor = model.sensor
    assert isinstance(sensor, Spectrum)
    with TargetModel(model, BOARD) as target:
        counts = target.sample_counts(sound).astype(float)
    first, window = sensor.samples_of(1) - 1, sensor.samples_of(model.window or 1) - 1
    frames = np.arange(first, len(counts), sensor.group)
    every = (sensor.hop or 1) * sensor.group
    ends = np.arange(window, len(counts), every)
    alone = np.setdiff1d(frames, ends)
    others = np.setdiff1d(np.arange(first + 1, len(counts)), frames)
    frame = counts[alone].mean()
    front = frame * RATE / sensor.group + counts[others].mean() * RATE * (1 - 1 / sensor.group)
    return front, (counts[ends] - frame).mean() * RATE / every


def detecting(model: Model) -> float:
    """Return the predicted instructions of a second of looks at scores."""
    program = plan(model)
    parts = [work for work in cost.around(program, CORE) if work.kind == "detector"]
    each = sum(cost.by_part(parts, CORE).values())
    sensor = model.sensor
    assert sensor is not None
    return each * RATE / (sensor.group * (sensor.hop or 1))


def memory(found: Report, parts: tuple[str, ...]) -> tuple[int, int]:
    """Return the flash and the RAM of some parts."""
    rows = [row for row in found.memory if row.part in parts]
    return sum(row.flash for row in rows), sum(row.ram for row in rows)


def table(model: Model, sound: NDArray[np.int16], compared: NDArray[np.int16]) -> str:
    """Return the table; AssertionError where the firmware gives another integer."""
    with TargetModel(model, BOARD) as target:
        beside = compare_raw(model, target, compared)
    assert beside.differing == 0, beside.line
    front, network = per_second(model, sound)
    found = report(model, BOARD)
    each = {"front end": front, "network": network, "detector": detecting(model)}
    rows = [(name, each[name], *memory(found, parts)) for name, parts in PARTS.items()]
    known = {part for parts in PARTS.values() for part in parts}
    assert {row.part for row in found.memory} <= known, "a part of the report is in no row"
    rows.append(("all", sum(each.values()), found.flash, found.ram))
    lines = ["| | instructions a second of sound | flash | RAM |", "|---|---|---|---|"]
    lines += [f"| {name} | {n:,.0f} | {flash:,} | {ram:,} |" for name, n, flash, ram in rows]
    predicted = found.instructions * (found.calls_a_second or 0)
    told_of = f"{found.worst * (found.calls_a_second or 0):,.0f}; {found.stack:,} bytes of stack. "
    results = f"None of {len(model.inputs_of(compared)):,} results of {len(compared):,} samples "
    lines += [
        "",
        f"`spikemcu report` predicts {predicted:,.0f} instructions a second, at most {told_of}"
        f"{results}differs from the model's.",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Train, listen, count, and print the table or write it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recordings", type=Path, help="fsdd.npz")
    parser.add_argument("--model", type=Path, help="one that is trained already, by these options")
    parser.add_argument("--train", default=TRAIN, help="options of spikemcu train")
    parser.add_argument("--update", type=Path, help="rewrite the table between its marks")
    arguments = parser.parse_args()
    with scratch() as name:
        folder = Path(name)
        listed = write_recordings(arguments.recordings, folder)
        trained, listens = folder / "words.npz", folder / "listens.npz"
        if arguments.model is None:
            told("train", listed, *arguments.train.split(), "-o", trained)
        else:
            trained = arguments.model
        heard = told("listen", trained, "--data", listed, *LISTEN.split(), "-o", listens)
        model = Model.load(listens)
        text = table(model, said(listed, model, COUNTED), said(listed, model, COMPARED))
    text = f"{_what(model, heard)}\n\n{text}"
    print(text)
    if arguments.update is not None:
        page = arguments.update.read_text("utf-8")
        pattern = re.compile(f"({MARKS[0]}).*?({MARKS[1]})", re.DOTALL)
        assert pattern.search(page), f"{arguments.update}: has no {MARKS[0].strip()}"
        arguments.update.write_text(pattern.sub(lambda m: m[1] + text + m[2], page), "utf-8")


def _what(model: Model, heard: dict[str, Any]) -> str:
    """Return what was trained, and how well it hears."""
    sensor, words = model.sensor, heard["hits"] + heard["misses"]
    assert isinstance(sensor, Spectrum)
    accuracy = 100 * model.metadata["accuracy"]["test"]
    return (
        f"{shape_text(model)}, "
        f"T = {model.steps}, {accuracy:.1f} % of single windows; a window "
        f"every {(sensor.hop or 1) * sensor.group / RATE * 1000:.0f} ms. Of {words} words between "
        f"pauses {heard['hits']} are detected, with {heard['false_accepts']} false accepts in "
        f"{heard['hours'] * 60:.1f} minutes."
    )


if __name__ == "__main__":
    main()
