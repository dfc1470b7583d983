"""Tasks in time: their data, the file of results, and the tables of the page."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bench import speakers
from bench import time_tasks as script
from bench.temporal import copies, made, spoken
from bench.temporal.rows import MEMORIES, ORDER, TASKS, Row

from qat.data.dataset import Dataset
from qat.train.recipes import Recipe

ROOT = Path(script.__file__).resolve().parents[2]
RESULTS = ROOT / "tests/examples/time.json"


def parts_of(data: Dataset) -> dict[str, Any]:
    return {name: getattr(data, f"x_{name}") for name in ("train", "validation", "test")}


def test_only_the_order_of_two_events_tells_the_classes() -> None:
    data = made.order_of_events(3)
    x, y, half = data.x_test, data.y_test, made.LINES
    assert (np.bincount(y) > 900).all()
    spikes = x[:, 1:].sum(axis=1, dtype=np.int64)
    each = np.stack([spikes[y == label].mean(axis=0) for label in (0, 1)])
    assert abs(each[0] - each[1]).max() < 0.1  # as many on every line
    volleys = np.stack([x[..., :half].sum(axis=2), x[..., half:].sum(axis=2)])
    first = volleys[:, :, 1:].argmax(axis=2)  # the step of each event
    assert ((first[1] < first[0]) == y).mean() > 0.99
    gaps = abs(first[1] - first[0])
    assert made.GAPS[0] <= np.percentile(gaps, 1) <= np.percentile(gaps, 99) <= made.GAPS[1]
    assert len({one.tobytes() for one in np.concatenate(list(parts_of(data).values()))}) == 6500


def test_digits_come_a_column_a_step() -> None:
    data = made.digits_by_column(0)
    from qat.data.named import load  # noqa: PLC0415  # the pictures themselves

    whole = load("digits").x_test.reshape(-1, 8, 8)
    np.testing.assert_array_equal(data.x_test[:, 2], whole[:, :, 2])


def test_strokes_are_those_of_the_file(tmp_path: Path) -> None:
    rng, length = np.random.default_rng(0), np.array([40, 33, 50] * 10, np.int16)
    y = np.repeat(np.arange(3), 10).astype(np.uint8)
    xy = rng.integers(-64, 64, (int(length.sum()), 2)).astype(np.int16)
    np.savez(tmp_path / "wand.npz", xy=xy, length=length, y=y)
    data = copies.strokes(tmp_path / "wand.npz")
    assert {n: x.shape for n, x in parts_of(data).items()} == {
        "train": (18, 32, 2), "validation": (6, 32, 2), "test": (6, 32, 2),
    }  # fmt: skip
    assert data.y_test.tolist() == [0, 0, 1, 1, 2, 2]
    np.testing.assert_array_equal(data.x_train[0, [0, -1]], xy[[0, 39]])
    changed = copies.Drawn()(data.x_train, rng)
    assert (changed.shape, changed.dtype) == (data.x_train.shape, data.x_train.dtype)
    assert (changed != data.x_train).any()


def test_events_are_counted_by_place_polarity_and_part_of_their_time(tmp_path: Path) -> None:
    count = np.full(20, 3, np.int32)
    of_each = {"ev_x": [0, 1, 33], "ev_y": [0, 1, 32], "ev_p": [0, 0, 1], "ev_t": [0, 5, 94]}
    events = {name: np.tile(values, 20) for name, values in of_each.items()}
    ids, y = np.arange(20), np.arange(20) % 2
    np.savez(
        tmp_path / "n.npz", id=ids, y=y.astype(np.uint8), count=count, test100=ids[16:], **events
    )
    data = copies.events(tmp_path / "n.npz", bins=2)
    assert data.grid is not None
    assert data.grid.sides == (17, 17, 4)
    maps = data.x_test.reshape(-1, 17, 17, 4)
    assert len(maps) == 4
    assert maps[0, 0, 0].tolist() == [2, 0, 0, 0]
    assert maps[0, 16, 16].tolist() == [0, 0, 0, 1]
    assert maps[0].sum() == 3
    seen = copies.Seen(17, 4)(data.x_train, np.random.default_rng(0))
    assert (seen.shape, seen.dtype) == (data.x_train.shape, np.uint8)


def test_recordings_are_parted_by_their_number(tmp_path: Path) -> None:
    rng, index = np.random.default_rng(0), np.arange(12).astype(np.uint8)
    length = np.full(12, 3000, np.int32)
    audio = rng.normal(0, 900, 36_000).astype(np.int16)
    np.savez(
        tmp_path / "f.npz", audio=audio, length=length, y=index % 3, index=index, speaker=index * 0
    )
    data = spoken.official(tmp_path / "f.npz")
    assert [len(x) for x in parts_of(data).values()] == [2, 5, 5]
    assert data.x_test.shape[1:] == (spoken.FRAMES, spoken.BANDS)
    assert (data.x_test[:, -5:] == spoken.LOW).all()  # silence behind the recording
    maps = data.as_maps()
    np.testing.assert_array_equal(maps.x_test, data.x_test.reshape(5, -1) - spoken.LOW)
    raised = spoken.Raised(spoken.AGAIN)(data.x_train + 8, rng)
    assert (raised.shape, raised.dtype) == (data.x_train.shape, np.uint8)
    sound = np.zeros((1, spoken.SPECTRUM.samples_of(spoken.FRAMES), 1), np.int16)
    sound[0, :3000, 0] = audio[:3000]
    for form in (data, maps):  # what the model's front end makes of the sound
        assert form.sensor is not None
        found = form.sensor.scale(sound, *form.input_range).reshape(form.x_test[0].shape)
        np.testing.assert_array_equal(found, form.x_test[0])


def test_speakers_who_are_left_out_are_in_no_other_part(tmp_path: Path) -> None:
    speaker = np.tile(np.arange(3), 24).astype(np.uint8)
    index, length = np.repeat(np.arange(24), 3).astype(np.uint8), np.full(72, 3000, np.int32)
    audio = np.random.default_rng(1).normal(0, 900, 72 * 3000).astype(np.int16)
    np.savez(
        tmp_path / "f.npz", audio=audio, length=length, y=speaker, index=index, speaker=speaker
    )
    data = spoken.unheard(tmp_path / "f.npz", (2, 1))
    assert data.y_test.tolist() == [1] * 24 + [2] * 24
    assert set(data.y_train.tolist()) == set(data.y_validation.tolist()) == {0}
    assert [len(x) for x in parts_of(data).values()] == [14, 10, 48]


def test_who_chooses_for_a_speaker_never_heard_him() -> None:
    pairs = {f"{a},{b}": [0.5, 0.5] for a, b in [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (0, 5)]}
    alone = {str(speaker): {"0": {"test": speaker / 10}} for speaker in range(6)}
    results = {name: {"pairs": dict(pairs), "alone": alone} for name in ("feed-forward", "delays")}
    assert speakers.chosen(results, 3) == "feed-forward"
    results["delays"]["pairs"] |= {"2,3": [0.9, 0.1], "3,4": [0.1, 0.3]}
    assert speakers.heard(results["delays"], 3) == pytest.approx((0.9 + 0.3) / 2)
    assert [speakers.chosen(results, who) for who in range(6)] == [
        "feed-forward", "feed-forward", "feed-forward", "delays", "feed-forward", "feed-forward",
    ]  # fmt: skip
    results["delays"]["alone"] = {who: {"0": {"test": 0.9}} for who in alone}
    assert speakers.gain(results) == pytest.approx(100 * (0.9 - 0.3) / 6)


def test_the_page_has_the_table_of_speakers(capsys: pytest.CaptureFixture[str]) -> None:
    kept = ROOT / "tests/examples/speakers.json"
    assert speakers.main(["--table-only", "-o", str(kept)]) == 0
    shown = capsys.readouterr().out.strip().split("\n\n")[0]
    assert shown in (ROOT / ".github/FIGURES.md").read_text()
    for name, entry in script.read_results(kept).items():
        settings = json.loads(json.dumps(speakers.VARIANTS[name].settings()))
        assert entry["settings"] == settings, name


def test_results_are_kept_and_shared_by_rows_of_the_same_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, bool]] = []

    def reached(row: Any, path: Path | None, seed: int, real: bool) -> dict[str, Any]:
        asked.append((seed, real))
        return {"validation": 0.5, "test": 0.25 * (seed + 1), "firing_rates": [0.1],
                "weight_bytes": 10, "flash": 20, "ram": 30, "instructions": 40}  # fmt: skip

    monkeypatch.setattr(script, "trial", reached)
    path = str(tmp_path / "r.json")
    for row in ("order", "order", "recurrent, leaks by classes"):
        assert script.main(["--row", row, "--seeds", "2", "-o", path]) == 0
    assert asked == [(0, False), (0, True), (1, False), (1, True)]
    assert script.main(["--row", "wand strokes", "--seeds", "1", "-o", path]) == 0
    assert asked[4:] == [(0, False), (0, True)]
    page = tmp_path / "page.md"
    page.write_text("".join(f"<!-- time {n} -->\n<!-- end time {n} -->\n" for n in script.TABLES))
    assert script.main(["--table-only", "-o", path, "--markdown", str(page)]) == 0
    assert (
        "37.50 (25.00 to 50.00) | 99.0, float - 1.0 | 10.0 % | 10 | 20 | 30 | 40 | 2 |"
        in page.read_text()
    )


def test_a_row_learns_from_the_networks_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows read at once teach steps: each network of the row that teaches, the same ones."""
    recipe = Recipe(1, 64)
    teacher = Row(lambda _, seed: made.digits_by_column(seed).as_maps(), "16", recipe)
    taught = Row(lambda _, seed: made.digits_by_column(seed), "8", recipe, teacher="teacher",
                 network={"input": "frames"})  # fmt: skip
    monkeypatch.setattr(script, "ROWS", {"teacher": teacher, "taught": taught})
    monkeypatch.setattr(script, "taken", lambda model, x: {"digest": model.digest()})
    script.models_of.cache_clear()
    alone = script.trial(replace(taught, teacher=""), None, 0, real=False)["digest"]
    assert script.trial(taught, None, 0, real=False)["digest"] != alone
    models = script.models_of("teacher", None)
    assert len({model.digest() for model in models}) == script.TEACHERS
    assert models[1].digest() == script.trial(teacher, None, 1, real=False)["digest"]
    script.models_of.cache_clear()


def test_a_row_that_is_not_known_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script.main(["--row", "ordr", "-o", str(tmp_path / "r.json")]) == 2
    assert "time_tasks: row 'ordr': is not known; use order" in capsys.readouterr().err


def test_what_is_kept_is_of_the_rows_as_they_are() -> None:
    kept = json.loads(RESULTS.read_text())["rows"]
    assert kept.keys() <= script.ROWS.keys()
    for name, entry in kept.items():
        assert entry["settings"] == json.loads(json.dumps(script.ROWS[name].settings())), name


@pytest.mark.parametrize("name", script.TABLES)
def test_the_page_has_the_table_of_the_results(name: str) -> None:
    kept = script.read_results(RESULTS)
    text = script.markdown(script.table(script.TABLES[name], kept, goals=name == "tasks"))
    assert text in (ROOT / ".github/FIGURES.md").read_text()


def test_memories_differ_in_nothing_else() -> None:
    assert {row.recipe for row in MEMORIES.values()} == {ORDER}
    assert {row.data for row in MEMORIES.values()} == {TASKS["order"].data}
