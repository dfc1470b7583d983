"""A search finds, counts, halves and goes on; its networks here are numbers, its storage real."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest

from qat.data.dataset import Dataset
from qat.model import Shape
from qat.study.search.costs import Costs
from qat.study.search.first import first_networks, usual
from qat.study.search.front import Found, front, within
from qat.study.search.space import KINDS, Options, Space
from qat.study.search.storage import opened, study_of
from qat.study.search.worker import (
    MISSED,
    MOST_UNFIT,
    Trained,
    Worker,
    found_by,
    give_back,
    progress_of,
    rungs,
)

SPACE = Space(("spikes", "counts"), False, (4, 2))
EPOCHS = 9
SEED = 3


def costs(flash: int = 100, instructions: int = 1000) -> Costs:
    return Costs(flash, 50, 10, instructions, 2 * instructions, 1.0)


@dataclass
class Network:
    """Accuracy and size follow from the options; epochs bring gains, later seeds lose a little.

    grown: by how much the trained network is larger than what it takes at least
    """

    options: Options
    trained: list[tuple[Options, int, int]] = field(default_factory=list)
    wait: Callable[[], object] = lambda: None
    epochs: int = EPOCHS
    grown: int = 0

    @property
    def size(self) -> int:
        return sum(int(width) for width in str(self.options["layers"]).split("-"))

    @property
    def costs(self) -> Costs:
        return costs(self.size, 10 * self.size)

    def train(self, epochs: int, seed: int, told: Callable[[], None]) -> Trained:
        self.trained.append((self.options, epochs, seed))
        for _ in range(epochs):
            self.wait()
            told()
        best = 1 - 1 / (self.size + self.options["rate_factor"])
        reached = best * epochs / self.epochs - 0.01 * (seed - SEED)
        size = self.size + self.grown
        return Trained(f"{size} {seed}".encode(), reached, 1 - best, costs(size, 10 * size))


def worker(
    study: optuna.Study,
    trials: int,
    trained: list[tuple[Options, int, int]] | None = None,
    **more: Any,
) -> Worker:
    log: list[tuple[Options, int, int]] = [] if trained is None else trained
    given = {"make": lambda options: Network(options, log), "limits": {"flash": 100}, "name": "a"}
    return Worker(study, SPACE, trials=trials, seed=SEED, **{**given, **more})


def new_study(path: Path | None = None, **settings: Any) -> optuna.Study:
    storage = optuna.storages.InMemoryStorage() if path is None else opened(str(path))
    return study_of(storage, "a task", settings)


def seen(study: optuna.Study) -> list[tuple[Any, ...]]:
    return [(t.number, t.params, t.state, t.value) for t in study.get_trials()]


def test_what_cannot_fit_is_never_trained_and_what_fits_is_found() -> None:
    study, trained = new_study(), []
    worker(study, 12, trained).run()
    assert progress_of(study).trained == 12
    assert progress_of(study).unfit > 0
    assert max(Network(options).size for options, _, _ in trained) <= 100
    best = within(found_by(study), {"flash": 100})[0]
    assert best.model == f"{best.costs.flash} {SEED}".encode()
    assert best.accuracy == max(one.accuracy for one in found_by(study))


def test_networks_are_trained_rung_by_rung_and_what_falls_behind_is_ended() -> None:
    study, trained = new_study(), []
    worker(study, 12, trained, seeds=2).run()
    by_rung = [sum(epochs == rung for _, epochs, _ in trained) for rung in rungs(EPOCHS)]
    done = found_by(study)
    assert rungs(EPOCHS) == [1, 3, 9]
    assert by_rung[0] == 12 > by_rung[1] >= len(done) == by_rung[2] / 2
    assert {seed for _, epochs, seed in trained if epochs < EPOCHS} == {SEED}
    trials = [t for t in study.get_trials() if "trained" in t.user_attrs]
    pruned = [t for t in trials if t.state.name == "PRUNED"]
    assert len(pruned) + len(done) == 12
    assert all("kept" not in t.user_attrs for t in pruned)


@pytest.mark.parametrize(
    ("epochs", "found"), [(1, [1]), (2, [1, 2]), (3, [1, 3]), (10, [2, 4, 10]), (60, [7, 20, 60])]
)
def test_the_rungs_are_a_ninth_a_third_and_all_of_the_epochs(epochs: int, found: list[int]) -> None:
    assert rungs(epochs) == found


def test_the_mean_of_the_seeds_counts_and_the_best_that_fits_is_kept() -> None:
    study = new_study()
    worker(study, 1, seeds=3).run()
    one = found_by(study)[0]
    assert one.accuracy == pytest.approx(sum(one.by_seed) / 3)
    assert one.by_seed[0] > one.by_seed[1] > one.by_seed[2]
    assert one.kept == 0
    assert [model.split()[1] for model in one.models] == [b"3", b"4", b"5"]

    def made(options: Options) -> Network:
        network = Network({**options, "layers": "960"})
        network.wait = lambda: setattr(network, "grown", 6 - len(network.trained))
        return network

    study = new_study()  # of the trainings with all epochs the first takes 963, of 962
    worker(study, 1, seeds=3, make=made, limits={"flash": 962}).run()
    one = found_by(study)[0]
    assert (one.kept, one.model, one.costs.flash) == (1, b"962 4", 962)


def test_a_network_that_comes_out_too_large_is_ended_after_its_first_training() -> None:
    study, trained = new_study(), []

    def growing(grown: int) -> Callable[[Options], Network]:
        return lambda options: Network({**options, "layers": "96"}, trained, grown=grown)

    worker(study, 1, make=growing(10)).run()
    trial = study.get_trials()[0]
    assert (trial.state.name, len(trained)) == ("PRUNED", 1)
    assert trial.user_attrs["costs"]["flash"] == 106
    assert found_by(study) == []
    study = new_study()
    worker(study, 1, make=growing(6)).run()  # by less than the margin: more training may mend it
    assert within(found_by(study), {"flash": 100}) == []
    assert len(found_by(study)) == 1


def test_what_is_too_large_is_no_measure_for_others() -> None:
    """The most accurate network of a first rung exceeds the limit once it is trained."""
    study = new_study()

    def made(options: Options) -> Network:
        first = not any("trained" in t.user_attrs for t in study.get_trials()[:-1])
        accurate = {"layers": "95", "rate_factor": 1e6 if first else 1.0}
        return Network({**options, **accurate}, grown=50 if first else 0)

    worker(study, 3, make=made).run()
    large, *others = (t for t in study.get_trials() if "trained" in t.user_attrs)
    assert (large.state.name, large.intermediate_values) == ("PRUNED", {})
    assert large.user_attrs["seen"] > 0
    assert [t.state.name for t in others] == ["COMPLETE", "COMPLETE"]


def test_a_search_that_is_resumed_finds_what_it_had_found_before(tmp_path: Path) -> None:
    whole, halves = new_study(), tmp_path / "search.journal"
    worker(whole, 10).run()
    worker(new_study(halves), 4).run()
    half = seen(new_study(halves))
    worker(new_study(halves), 10).run()
    assert seen(new_study(halves))[: len(half)] == half
    assert seen(new_study(halves)) == seen(whole)


def test_the_network_of_a_dead_worker_is_trained_by_another(tmp_path: Path) -> None:
    study = new_study(tmp_path / "search.journal")
    lost = study.ask()
    SPACE.suggest(lost)
    lost.set_user_attr("worker", "dead")
    worker(study, 5, name="alive", pulse=0.02).run()
    again = [t for t in study.get_trials() if t.user_attrs.get("again") == lost.number]
    assert [t.params for t in again] == [study.get_trials()[lost.number].params]
    assert all(t.state.is_finished() for t in study.get_trials())
    assert progress_of(study).trained == 5


def test_what_was_given_back_comes_before_what_waits() -> None:
    study = new_study()
    for networks in usual(SPACE, "spikes")[:2]:
        study.enqueue_trial(networks)
    lost = study.ask()
    SPACE.suggest(lost)
    give_back(study, trial=lost.number)
    again, other = (worker(study, 1)._ask() for _ in range(2))
    assert again.user_attrs["again"] == lost.number
    assert (other.number, "again" in other.user_attrs) == (1, False)


def test_what_a_dead_worker_reported_is_no_measure_for_others() -> None:
    study = new_study()
    lost = study.ask()
    SPACE.suggest(lost)
    lost.set_user_attr("worker", "dead")
    lost.report(2.0, 1)  # more than any network reaches
    study.pruner = optuna.pruners.SuccessiveHalvingPruner(1, 3)
    assert not lost.should_prune()
    give_back(study, "dead")
    worker(study, 3).run()
    assert study.get_trials()[lost.number].state.name == "FAIL"
    assert "COMPLETE" in [t.state.name for t in study.get_trials()]


def test_a_worker_that_is_alive_keeps_its_trial_however_long_it_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    study, now = new_study(), 0.0
    monkeypatch.setattr("qat.study.search.worker.time.monotonic", lambda: now)
    slow = study.ask()
    SPACE.suggest(slow)
    other = worker(study, 1, pulse=1.0)
    for beat in range(9):
        slow.set_user_attr("pulse", beat)
        other.free_the_dead()
        now += 0.9 * MISSED
    assert study.get_trials()[0].state.name == "RUNNING"
    other.free_the_dead()
    now += 1.1 * MISSED
    other.free_the_dead()
    assert [t.state.name for t in study.get_trials()] == ["FAIL", "WAITING"]


def test_ctrl_c_gives_the_trial_back() -> None:
    study = new_study()

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        worker(study, 3, make=lambda o: Network({**o, "layers": "8"}, wait=stop)).run()
    first, waiting = study.get_trials()
    assert first.state.name == "FAIL"
    assert waiting.state.name == "WAITING"
    worker(study, 3).run()
    assert study.get_trials()[1].params == first.params


def test_a_trial_is_given_back_once() -> None:
    study = new_study()
    SPACE.suggest(study.ask())
    for _ in range(3):
        give_back(study, trial=0)
    assert len(study.get_trials()) == 2


def test_a_search_in_which_nothing_fits_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred in a row are enough to show it: each is searched for among all before it."""
    monkeypatch.setattr("qat.study.search.worker.MOST_UNFIT", 100)
    assert MOST_UNFIT > 100
    study = new_study()
    worker(study, 5, limits={"flash": 1}).run()
    assert progress_of(study).trained == 0
    assert progress_of(study).unfit == 100


def test_a_network_that_cannot_be_made_says_why() -> None:
    study = new_study()

    def make(options: Options) -> Network:
        if options["neuron"] == "lif":
            raise ValueError("no such network")
        return Network({**options, "layers": "8"})

    worker(study, 8, make=make).run()
    told = {t.user_attrs["why"] for t in study.get_trials() if "why" in t.user_attrs}
    assert told == {"no such network"}
    assert progress_of(study).trained == 8


def test_no_trial_begins_when_the_time_is_up() -> None:
    study, left = new_study(), iter([True, True, False])
    worker(study, 9, begins=lambda: next(left)).run()
    assert all(t.state.is_finished() for t in study.get_trials())
    assert len(study.get_trials()) == 2


# --------------------------------------------------------------------- storage


def test_another_search_of_the_same_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "search.journal"
    new_study(path, epochs=5)
    with pytest.raises(ValueError, match=r"one with epochs 5; this one has 7; go on with the same"):
        new_study(path, epochs=7)


def test_a_file_that_is_no_journal_is_refused(tmp_path: Path) -> None:
    (path := tmp_path / "notes.txt").write_text("not a journal\n")
    with pytest.raises(ValueError, match=r"notes.txt: is no journal of a search"):
        opened(str(path))
    with pytest.raises(ValueError, match="is a folder; name a file in it"):
        opened(str(tmp_path))


def test_a_database_that_does_not_answer_is_one_line_without_the_password() -> None:
    with pytest.raises(ValueError, match="does not answer") as told:
        opened("postgresql://me:secret@127.0.0.1:9/none")
    assert "secret" not in str(told.value)
    assert "\n" not in str(told.value)


# ----------------------------------------------------------------------- space


def data(shape: tuple[int, ...], grid: Shape | None = None) -> Dataset:
    parts = (np.zeros((4, *shape), np.uint8), np.arange(4)) * 3
    return Dataset(*parts, 4, "made", "here", "none", (0, 255), grid=grid)


@pytest.mark.parametrize(
    ("given", "kinds"),
    [
        (data((6,)), ("counts", "spikes")),
        (data((16,), Shape(4, 4, 1)), ("counts", "spikes", "maps")),
        (data((5, 3)), ("counts", "spikes", "maps", "recurrent")),
    ],
)
def test_the_space_is_what_the_data_allow(given: Dataset, kinds: tuple[str, ...]) -> None:
    space = Space.of(given)
    assert space.kinds == kinds
    assert space.input_bits == (8, 6, 5, 4, 3, 2)
    for kind in kinds:
        for network in usual(space, kind):  # every usual network is one of the space
            study = optuna.create_study()
            study.enqueue_trial(network)
            trial = study.ask()
            space.suggest(trial)
            assert trial.params == network


def test_images_are_changed_where_the_recipe_of_the_kind_does_so() -> None:
    named = replace(data((64,), Shape(8, 8, 1)), name="digits")
    assert Space.of(named).changed == ("counts", "maps")
    assert Space.of(replace(named, name="mnist-16")).changed == ("counts", "spikes", "maps")
    assert Space.of(replace(named, name="mine")).changed == ()


def test_a_search_begins_with_the_largest_usual_networks_that_fit() -> None:
    space = Space.of(data((6,)))

    def costs_of(options: Options) -> Costs:
        if options["neuron"] == "burst" and int(options["layers"]) >= 64:
            raise ValueError("cannot be")
        return costs(100 * int(options["layers"]), 1)

    found = first_networks(space, costs_of, {"flash": 12_800})
    assert [(one["kind"], one[f"{one['kind']}/width0"], one["output_bits"]) for one in found] == [
        ("counts", 32, 8),
        ("counts", 32, 4),
        ("counts", 16, 8),
        ("spikes", 128, 8),
        ("spikes", 128, 4),
        ("spikes", 96, 8),
    ]
    assert [one.get("counts/levels") for one in found[:3]] == [7, 3, 7]
    assert first_networks(space, costs_of, {"flash": 100}) == []


def test_every_kind_has_networks() -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(0))
    space = Space(tuple(KINDS), True, (8,))
    kinds = {(trial := study.ask(), space.suggest(trial))[0].params["kind"] for _ in range(40)}
    assert kinds == set(KINDS)


# ----------------------------------------------------------------------- front


def test_the_front_is_what_no_other_beats() -> None:
    made = [
        Found(0, {}, 0.9, costs(100, 100), (b"",)),
        Found(1, {}, 0.8, costs(100, 100), (b"",)),  # beaten by 0
        Found(2, {}, 0.8, costs(50, 300), (b"",)),
        Found(3, {}, 0.95, costs(400, 400), (b"",)),
        Found(4, {}, 0.9, costs(100, 100), (b"",)),  # as 0, but later
    ]
    assert [one.number for one in front(made)] == [0, 2, 3]
    assert [one.number for one in within(made, {"flash": 100})] == [0, 4, 2, 1]


def test_what_is_as_accurate_is_told_apart_by_its_loss() -> None:
    small = Found(0, {}, 0.9, costs(100, 100), (b"",), 0.5)
    sure = Found(1, {}, 0.9, costs(200, 200), (b"",), 0.2)
    beaten = Found(2, {}, 0.9, costs(200, 200), (b"",), 0.3)
    assert within([small, sure, beaten], {}) == [sure, beaten, small]
    assert front([sure, beaten, small]) == [sure, small]


def test_a_network_of_the_queue_is_given_back_although_nothing_was_suggested_yet() -> None:
    study = new_study()
    study.enqueue_trial({"kind": "counts"})
    study.ask()
    give_back(study, trial=0)
    assert study.ask().suggest_categorical("kind", SPACE.kinds) == "counts"


def test_two_workers_that_ask_at_once_train_no_network_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    study = new_study()
    one, other = worker(study, 1, name="one"), worker(study, 1, name="other")
    ask, asked = Worker._ask, []

    def slowly(self: Worker) -> optuna.Trial:
        if self is one and not asked:  # the other has seen as many trials as this one
            asked.append(ask(other))
        return ask(self)

    monkeypatch.setattr(Worker, "_ask", slowly)
    one.begins = lambda: len(study.get_trials()) < 2
    assert one._next() is None
    assert [t.state.name for t in study.get_trials()] == ["RUNNING", "FAIL"]
    assert not other._is_one_too_many(asked[0])
