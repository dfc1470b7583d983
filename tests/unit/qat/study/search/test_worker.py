"""A search finds, counts, halves and goes on; its networks here are numbers, its storage real."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
import pytest

from qat.study.search.costs import Costs
from qat.study.search.first import usual
from qat.study.search.front import within
from qat.study.search.space import Options, Space
from qat.study.search.storage import opened, study_of
from qat.study.search.trials import found_by, give_back, progress_of
from qat.study.search.worker import MISSED, MOST_UNFIT, Trained, Worker, rungs

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
