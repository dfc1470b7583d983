"""A worker of a search: it asks for networks, trains those that can fit, and tells what came.

A network is trained anew on every rung of the halving: with few epochs, with more, and with all of
its recipe, the last from several seeds. Each of these trainings comes to its end, with a learning
rate that has fallen, so that what is compared are networks and not how quickly they begin; and each
leaves a trained network, which tells what the network takes.

Workers know of each other only by the storage. Each says by a growing number that it is alive; a
trial whose number stands still is given to another one. No clock of another machine is read.
"""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import fmean
from typing import TYPE_CHECKING, Any, Protocol, cast

from qat.study.search.costs import Costs
from qat.study.search.space import Options, Space
from qat.study.search.trials import Living, give_back, model_name, progress_of
from qat.train.divergence import DivergedError

if TYPE_CHECKING:
    from optuna import Study, Trial

PULSE = 10.0
"""Seconds after which a worker says again that it is alive."""
MISSED = 6
"""Pulses without which a worker counts as dead."""
MOST_UNFIT = 300
"""Networks in a row that cannot fit, after which a search ends."""
IMPOSSIBLE = 10.0
"""Excess over every limit of a network that cannot be made at all."""
REDUCTION = 3
"""Of the networks that reach a rung of the halving, one of so many goes on."""
SHARES = (REDUCTION**2, REDUCTION, 1)
"""The rungs, as parts of all epochs: a ninth, a third, all."""
MARGIN = 0.03
"""By which part a network may exceed a limit on a rung below the last: more training changes what
it takes, seldom by more."""


@dataclass(frozen=True)
class Trained:
    """What came of a training.

    model:          the model file
    accuracy, loss: on validation data
    """

    model: bytes
    accuracy: float
    loss: float
    costs: Costs


class Prepared(Protocol):
    """A network that was made and not trained."""

    @property
    def options(self) -> Options:
        """Its options, with every setting resolved."""

    @property
    def epochs(self) -> int:
        """Epochs of its training."""

    @property
    def costs(self) -> Costs:
        """What it takes at least: its bytes, and the instructions of a quiet network."""

    def train(self, epochs: int, seed: int, told: Callable[[], None]) -> Trained:
        """Train it anew for so many epochs, and return what came of it.

        told: called after every epoch; may raise to end the training

        Raises DivergedError, or ValueError where nobody knows what the trained network takes.
        """


Make = Callable[[Options], Prepared]
"""Makes a network of options; ValueError for one that cannot be."""


class _PrunedError(Exception):
    """The halving ends a network; args[0] is by how much it exceeds each limit."""


def rungs(epochs: int) -> list[int]:
    """Return the epochs of the trainings of one network, each more than the one before."""
    return sorted({-(-epochs // share) for share in SHARES})


@dataclass
class Worker:
    """One worker.

    name:   of this worker, unlike all others
    limits: {field of Costs: largest value}
    trials: trained networks after which the search is over, over all workers
    seed:   of the sampler; a worker alone tries the same networks for the same seed
    seeds:  trainings with all epochs of a network that reaches the last rung
    pulse:  seconds between signs of life
    begins: asked before every trial; False ends the worker
    goes_on: asked after every epoch; False gives the trial back and ends the worker
    """

    study: Study
    space: Space
    make: Make
    limits: Mapping[str, float]
    trials: int
    seed: int
    name: str
    seeds: int = 1
    pulse: float = PULSE
    begins: Callable[[], bool] = lambda: True
    goes_on: Callable[[], bool] = lambda: True
    _seen: dict[int, tuple[int, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> None:
        """Work until the search is over; Ctrl-C gives the trial back and is passed on."""
        while (trial := self._next()) is not None:
            try:
                self._do(trial)
            except BaseException:
                give_back(self.study, trial=trial.number)
                raise

    # ---------------------------------------------------------- which trial

    def _next(self) -> Trial | None:
        """Return the next trial; None when enough networks were trained, or none can fit."""
        while self.begins() and self.goes_on():
            self.free_the_dead()
            now = progress_of(self.study)
            if now.trained >= self.trials or self._hopeless():
                return None
            if now.trained + now.running < self.trials:
                trial = self._ask()
                if not self._is_one_too_many(trial):
                    return trial
                give_back(self.study, trial=trial.number)
                continue
            time.sleep(min(self.pulse, 1.0))  # the others' trials may still die
        return None

    def _ask(self) -> Trial:
        from optuna.samplers import TPESampler  # noqa: PLC0415  # an extra

        count = len(self.study.get_trials(deepcopy=False))
        # Made anew for each trial: what it suggests then follows from what was found so far.
        self.study.sampler = TPESampler(
            seed=(self.seed * 1_000_003 + count) % 2**32,
            multivariate=True,
            group=True,
            constant_liar=True,
        )
        trial = self._again() or self.study.ask()
        trial.set_user_attr("worker", self.name)
        return trial

    def _again(self) -> Trial | None:
        """Return a trial that was given back, None without one; `Study.ask` has it last."""
        from optuna.trial import Trial, TrialState  # noqa: PLC0415  # an extra

        for one in self.study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
            known = one._trial_id  # as Study.ask takes what waits
            if "again" in one.user_attrs and self.study._storage.set_trial_state_values(
                known, state=TrialState.RUNNING
            ):
                return Trial(self.study, known)
        return None

    def _is_one_too_many(self, trial: Trial) -> bool:
        """Return True if others asked at the same moment, and before: then they are enough."""
        from optuna.trial import TrialState  # noqa: PLC0415  # an extra

        running = self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        before = sum(one.number < trial.number for one in running)
        return progress_of(self.study).trained + before >= self.trials

    def _hopeless(self) -> bool:
        last = self.study.get_trials(deepcopy=False)[-MOST_UNFIT:]
        return len(last) == MOST_UNFIT and not any("trained" in t.user_attrs for t in last)

    def free_the_dead(self) -> None:
        """Give back the trials of workers that have not said for MISSED pulses that they live."""
        from optuna.trial import TrialState  # noqa: PLC0415  # an extra

        now = time.monotonic()
        for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            beat = trial.user_attrs.get("pulse", -1)
            known, since = self._seen.get(trial.number, (None, now))
            self._seen[trial.number] = (beat, since if known == beat else now)
            if known == beat and now - since > MISSED * self.pulse:
                give_back(self.study, trial=trial.number)

    # ------------------------------------------------------ what is done of it

    def _do(self, trial: Trial) -> None:
        from optuna.exceptions import UpdateFinishedTrialError  # noqa: PLC0415  # an extra

        asked = self.space.suggest(trial)
        try:
            with self._beating(trial):
                value, over = self._outcome(trial, asked)
            self._tell(trial, value, over)
        except UpdateFinishedTrialError:  # it was given to another worker: ours came too late
            return

    def _tell(self, trial: Trial, value: float | None, over: Sequence[float]) -> None:
        from optuna.trial import TrialState  # noqa: PLC0415  # an extra

        for name, excess in zip(self.limits, over, strict=True):
            trial.set_constraint(name, excess)
        state = TrialState.PRUNED if value is None else TrialState.COMPLETE
        self.study.tell(trial, value, state=state, skip_if_finished=True)

    def _outcome(self, trial: Trial, asked: Options) -> tuple[float | None, Sequence[float]]:
        """Return the accuracy of a network, and by how much each limit is exceeded.

        No accuracy for one that cannot fit, or was ended early.
        """
        try:
            prepared = self.make(asked)
        except ValueError as error:
            self._note(trial, why=str(error))
            return None, [IMPOSSIBLE] * len(self.limits)
        over = prepared.costs.over(self.limits)
        self._note(trial, costs=prepared.costs.to_json(), options=dict(prepared.options))
        if max(over, default=0.0) > 0:
            return None, over
        self._note(trial, trained=True)
        try:
            trained = self._climb(trial, prepared)
        except _PrunedError as behind:
            return None, behind.args[0]
        except (DivergedError, ValueError) as error:  # or its costs are not known on this core
            self._note(trial, why=str(error))
            return None, over
        return self._judged(trial, trained)

    def _climb(self, trial: Trial, prepared: Prepared) -> list[Trained]:
        """Train a network rung by rung; return what came of the last one, for every seed.

        Raises _PrunedError where it exceeds a limit by more than MARGIN, or falls behind those that
        do not: what is too large is no measure for others.
        """
        *lower, last = rungs(prepared.epochs)
        for rung, epochs in enumerate(lower):
            done = prepared.train(epochs, self.seed, self._alive)
            over = done.costs.over(self.limits)
            self._note(trial, costs=done.costs.to_json())
            if max(over, default=0.0) > MARGIN:
                self._note(trial, seen=done.accuracy)
                raise _PrunedError(over)
            with self._lock:
                trial.report(done.accuracy, REDUCTION**rung)
                behind = self._is_behind(trial.number)
            if behind:
                raise _PrunedError(over)
        return [prepared.train(last, self.seed + i, self._alive) for i in range(self.seeds)]

    def _is_behind(self, number: int) -> bool:
        """Return True if a trial does not go on, by its last report and those of the others."""
        from optuna.pruners import SuccessiveHalvingPruner  # noqa: PLC0415  # an extra

        halving = SuccessiveHalvingPruner(1, REDUCTION)
        return halving.prune(cast("Study", Living(self.study)), self.study.get_trials()[number])

    def _alive(self) -> None:
        if not self.goes_on():
            raise KeyboardInterrupt

    def _judged(self, trial: Trial, trained: Sequence[Trained]) -> tuple[float, Sequence[float]]:
        """Return the mean accuracy, and the excess of the seed that is kept."""

        def merit(one: Trained) -> tuple[float, float, float]:
            return max(0.0, *one.costs.over(self.limits)), -one.accuracy, one.loss

        kept = min(trained, key=merit)
        files = [base64.b64encode(one.model).decode() for one in trained]
        self._note(
            trial,
            **{model_name(number): text for number, text in enumerate(files)},
            costs=kept.costs.to_json(),
            loss=fmean(one.loss for one in trained),
            by_seed=[one.accuracy for one in trained],
            kept=trained.index(kept),
        )
        return fmean(one.accuracy for one in trained), kept.costs.over(self.limits)

    def _note(self, trial: Trial, **values: Any) -> None:
        with self._lock:
            for name, value in values.items():
                trial.set_user_attr(name, value)

    @contextmanager
    def _beating(self, trial: Trial) -> Iterator[None]:
        """Say over and over that this worker is alive."""
        done = threading.Event()

        def beat() -> None:
            count = 0
            while not done.wait(self.pulse):
                count += 1
                try:
                    self._note(trial, pulse=count)
                except Exception:  # the trial is another's now, or the storage is away
                    return

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
