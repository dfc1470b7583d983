"""The trials of a search, whoever works at them: how many are done, what was found or lost."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qat.study.search.costs import Costs
from qat.study.search.front import Found

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial


@dataclass(frozen=True)
class Progress:
    """How far a search is: trials that were trained, that are at it, that could not fit."""

    trained: int
    running: int
    unfit: int


def progress_of(study: Study) -> Progress:
    """Return how far a search is, over all workers."""
    from optuna.trial import TrialState  # noqa: PLC0415  # an extra

    trained = running = unfit = 0
    for trial in study.get_trials(deepcopy=False):
        if trial.state == TrialState.RUNNING:
            running += 1
        elif trial.state in (TrialState.COMPLETE, TrialState.PRUNED):
            trained += "trained" in trial.user_attrs
            unfit += "trained" not in trial.user_attrs
    return Progress(trained, running, unfit)


def found_by(study: Study) -> list[Found]:
    """Return every network that was trained to the end, in the order of trials."""
    from optuna.trial import TrialState  # noqa: PLC0415  # an extra

    done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return [
        Found(
            trial.number,
            trial.user_attrs["options"],
            float(trial.value or 0.0),
            Costs(**trial.user_attrs["costs"]),
            tuple(base64.b64decode(trial.user_attrs[name]) for name in _models_of(trial)),
            trial.user_attrs["loss"],
            tuple(trial.user_attrs["by_seed"]),
            trial.user_attrs["kept"],
        )
        for trial in done
    ]


def _models_of(trial: FrozenTrial) -> list[str]:
    """Return the names of the attributes that hold models: one each, since a value has its limit.

    Of every training with all epochs one, in the order of seeds.
    """
    return [model_name(seed) for seed in range(len(trial.user_attrs["by_seed"]))]


def model_name(number: int) -> str:
    """Return the name of the attribute that holds the model of a seed, counted from 0."""
    return f"model{number}"


def give_back(study: Study, worker: str | None = None, trial: int | None = None) -> None:
    """End the running trials of a worker, or one; their networks are asked for next."""
    from optuna.trial import TrialState  # noqa: PLC0415  # an extra

    for one in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if one.number != trial and (worker is None or one.user_attrs.get("worker") != worker):
            continue
        try:
            study.tell(one.number, state=TrialState.FAIL)
        except ValueError:  # somebody else was faster
            continue
        if asked := _asked(one):
            study.enqueue_trial(asked, user_attrs={"again": one.number})


def _asked(trial: FrozenTrial) -> dict[str, Any]:
    """Return what is known of a trial's network: what was put into the queue, and suggested."""
    return {**trial.system_attrs.get("fixed_params", {}), **trial.params}


class Living:
    """A study without the trials that were given back, which are no measure for others.

    Their networks may come again so late that the search ends before, and all others had fallen
    behind them.
    """

    def __init__(self, study: Study) -> None:
        self._study = study

    def get_trials(self, deepcopy: bool = True) -> list[FrozenTrial]:
        """Return the other trials."""
        from optuna.trial import TrialState  # noqa: PLC0415  # an extra

        found = self._study.get_trials(deepcopy=deepcopy)
        return [trial for trial in found if trial.state != TrialState.FAIL]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._study, name)
