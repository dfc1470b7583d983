"""What surrounds a network takes what was predicted, on models that nothing was fitted to."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from calibration.hearing import Hearing, detectors, looks, sensors, spectra, stream
from microphone import WINDOW, per_second, placed
from support.crossed import ALIKE, some
from support.zoo.heard import MODES, clip

from codegen.plan import cost
from codegen.plan.choose import plan
from codegen.report.report import report
from codegen.target.boards import load_boards
from codegen.target.emulated import TargetModel
from qat.model import Activity, Model

pytestmark = [pytest.mark.target, pytest.mark.usefixtures("recorded_builds")]

UNSEEN = 10_000
"""First seed of models that nothing was fitted to."""

BOARDS = tuple(
    name
    for name, board in load_boards().items()
    if board.hardware is None and cost.measured("sound", board.core)
)
APART = (*ALIKE, "qemu-m3")
ORDINARY = some(BOARDS, [board for board in BOARDS if board not in APART])
"""Those run the instructions of qemu-m4, or fewer of them: in the proof."""

LOOSE, FEW = 0.2, 60
"""Part of a count by which a prediction may miss it, and instructions beside."""


@pytest.fixture(scope="module")
def counting(request: pytest.FixtureRequest) -> Iterator[Hearing]:
    """Count on a board."""
    with Hearing(request.param) as found:
        yield found


def values(model: Model, core: str, kinds: set[str]) -> tuple[float, float]:
    """Return what one vector's parts of some kinds take, predicted and at worst."""
    parts = [w for w in cost.around(plan(model), core, True, vectors=1) if w.kind in kinds]
    typical = sum(cost.evaluate(work, core) for work in parts)
    return typical, sum(cost.evaluate(work, core, "worst") for work in parts)


def vectors(counts: np.ndarray, model: Model) -> np.ndarray:
    """Return the instructions of the samples of each vector behind the first."""
    assert model.sensor is not None
    return counts[model.sensor.samples_of(1) :].reshape(-1, model.sensor.group).sum(axis=1)


@pytest.mark.parametrize("counting", ORDINARY, indirect=True)
def test_samples_take_what_was_predicted_and_never_more_than_the_bound(counting: Hearing) -> None:
    core, kinds = counting.board.core, {"sound", "moved samples", "samples"}
    for number, model in enumerate([*spectra(2, UNSEEN), *sensors(2, UNSEEN)]):
        counts = vectors(counting.counts(model, stream(model, number)), model)
        typical, worst = values(model, core, kinds)
        assert abs(typical - counts.mean()) <= LOOSE * counts.mean() + FEW, number
        assert counts.max() <= worst, number


@pytest.mark.parametrize("counting", ORDINARY, indirect=True)
def test_a_detector_takes_no_more_than_its_bound(counting: Hearing) -> None:
    core = counting.board.core
    for number, model in enumerate(detectors(3, UNSEEN)):
        counts = counting.counts(model, looks(model, number))[1:]
        typical, worst = values(model, core, {"detector"})
        assert abs(typical - counts.mean()) <= LOOSE * counts.mean() + FEW
        assert counts.max() <= worst


def test_a_second_of_sound_takes_what_its_calls_take() -> None:
    """The two figures of tests/bench/microphone.py are all that the calls take."""
    model, sound = MODES["sound, ring"], clip(0.5)
    with TargetModel(model, "qemu-m4") as target:
        counts = target.sample_counts(sound)
    assert sum(per_second(model, sound)) == pytest.approx(2 * counts.sum(), rel=0.1)


def test_a_word_lies_where_it_is_placed() -> None:
    word = np.full(600, 900, np.int16)
    for at, first, last in ((100, 100, 700), (-400, 0, 200), (WINDOW - 200, WINDOW - 200, WINDOW)):
        found = placed(word, at, np.random.default_rng(1))
        assert len(found) == WINDOW
        assert (found[first:last] == 900).all()
        assert (found == 900).sum() < last - first + 60


def test_a_report_has_what_the_stream_takes_from_one_result_to_the_next() -> None:
    model, sound = MODES["sound, ring"], clip(0.25)
    assert model.sensor is not None
    first, every = model.sensor.samples_of(model.window or 1), 2 * model.sensor.group
    activity = Activity.measure(model, model.inputs_of(sound))
    with TargetModel(model, "qemu-m4") as target:
        counts = target.sample_counts(sound)
    whole = (len(counts) - first) // every
    results = counts[first : first + whole * every].reshape(whole, every).sum(axis=1)
    core = "cortex-m4"
    parts = cost.works(plan(model), model.input, activity, core) + cost.around(plan(model), core)
    predicted = sum(cost.by_part(parts, core).values())
    assert predicted == pytest.approx(results.mean(), rel=LOOSE)
    found = report(model, "qemu-m4")
    assert found.worst > counts[:first].sum()
    assert found.worst > results.max()
    assert {"sensor"} < {part.part for part in found.parts}
    assert found.calls_a_second == pytest.approx(8000 / every)
