"""The verb search: the most accurate network within limits of a board."""

from __future__ import annotations

import shlex
import sys
import time
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codegen.cli import INTERRUPTED, parser
from codegen.cli.before import require_folder
from codegen.cli.data import load_data, say_notes
from codegen.cli.output import Output
from codegen.cli.pictures import check_formats
from codegen.cli.printable import printable
from codegen.cli.searching.candidates import Maker, limits_of
from codegen.cli.searching.fronts import Row, lines_of_trials, say_front, write_front
from codegen.cli.searching.workers import Crew, has_parent, has_time
from codegen.target.boards import find_board
from codegen.target.compiler import find_cross_compiler
from qat import evaluate
from qat.data.dataset import Dataset
from qat.model import Model, write_file
from qat.study.plots import new_figure
from qat.study.search.first import first_networks
from qat.study.search.front import Found, front, within
from qat.study.search.space import NUMBER as SPACE
from qat.study.search.space import Space
from qat.study.search.storage import close, opened, require_optuna, study_of
from qat.study.search.trials import found_by, progress_of
from qat.study.search.worker import Worker
from qat.train.runs import data_digest

if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import BaseStorage

LONGER = 2
"""The command that trains the best network longer does so for so many times the epochs."""
BETWEEN_LOOKS = 0.5
"""Seconds between two looks at the workers."""


@dataclass(frozen=True, eq=False)
class Task:
    """What all processes of a search know."""

    arguments: Namespace
    limits: Mapping[str, float]
    data: Dataset
    maker: Maker
    study: Study
    storage: BaseStorage

    @classmethod
    def of(cls, argv: Sequence[str], arguments: Namespace, data: Dataset) -> Task:
        """Return the task of a command line, its study opened or made."""
        limits = limits_of(arguments.budget)
        where = arguments.storage or str(Path(arguments.output) / "search.journal")
        told = ",".join(f"{name}={limit:g}" for name, limit in limits.items())
        name = f"{data.name} on {arguments.board}: {told}"
        settings = {
            "data": data_digest(data),
            "epochs": arguments.epochs,
            "seed": arguments.seed,
            "seeds": arguments.seeds,
            "space": SPACE,
        }
        storage = opened(where)
        study = study_of(storage, name, settings)
        return cls(arguments, limits, data, Maker(argv, arguments, data), study, storage)

    def worker(self, name: str) -> Worker:
        """Return a worker for this process."""
        return Worker(
            self.study,
            Space.of(self.data),
            self.maker,
            self.limits,
            self.arguments.trials,
            self.arguments.seed,
            name,
            self.arguments.seeds,
            begins=has_time(self.arguments.minutes),
            goes_on=has_parent(),
        )


def work(argv: Sequence[str], name: str) -> None:
    """Be one worker: the main function of a process of its own."""
    arguments = parser().parse_args(list(argv))
    try:
        data = load_data(arguments.data, arguments, arguments.seed)
        Task.of(argv, arguments, data).worker(name).run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except (ValueError, OSError, RuntimeError) as error:
        sys.exit(f"spikemcu search: {printable(str(error))}")  # a line, in place of a traceback


def search(arguments: Namespace) -> int:
    """Search, print, draw and write."""
    out = Output(arguments)
    _check_before_the_work(arguments)
    out.progress(f"reading {arguments.data}")
    data = load_data(arguments.data, arguments, arguments.seed)
    say_notes(out, data)
    task = Task.of(arguments.argv, arguments, data)
    out.say(
        f"{data.name} on {arguments.board}: at most {arguments.budget}; flash, RAM and stack as "
        "linked, instructions and latency typical, of the activity on validation data"
    )
    try:
        _begin(task, out)
        _watch(task, out)
        return _finish(task, out)
    except KeyboardInterrupt:
        out.warn("interrupted; the same command goes on")
        raise
    finally:
        close(task.storage)


def _check_before_the_work(arguments: Namespace) -> None:
    """Refuse now what would only fail after the trainings."""
    require_optuna()
    limits_of(arguments.budget)
    find_cross_compiler(find_board(arguments.board).architecture)
    check_formats(arguments.format)
    new_figure(1, 1)
    require_folder(arguments.output)


def _begin(task: Task, out: Output) -> None:
    """Say what an older search of the same found; a new one starts with usual networks."""
    now = progress_of(task.study)
    if now.trained or now.unfit or now.running:
        out.say(f"goes on: {now.trained} networks were trained, {now.unfit} could not fit")
        return
    out.progress("looking for usual networks that fit")
    networks = first_networks(
        Space.of(task.data), lambda options: task.maker(options).costs, task.limits
    )
    if not task.study.get_trials(deepcopy=False):  # another machine may have begun meanwhile
        for network in networks:
            task.study.enqueue_trial(network)


def _watch(task: Task, out: Output) -> None:
    """Let the workers work, and print what they find."""
    crew = Crew(work, task.arguments.argv, task.arguments.workers, task.study)
    told: set[int] = set()
    lines_of_trials(task.study, task.limits, told)  # those of before
    if progress_of(task.study).trained >= task.arguments.trials:
        return
    crew.start()
    try:
        while crew.at_work:
            time.sleep(BETWEEN_LOOKS)
            for line in crew.look():
                out.warn(line)
            for line in lines_of_trials(task.study, task.limits, told):
                out.say(line)
            now = progress_of(task.study)
            out.progress(
                f"{now.trained} of {task.arguments.trials} networks trained, {now.running} in "
                f"work, {now.unfit} cannot fit"
            )
    finally:
        crew.stop()


def _finish(task: Task, out: Output) -> int:
    """Print and write the front; return 1 if no network keeps the limits."""
    arguments, found = task.arguments, found_by(task.study)
    best = within(found, task.limits)
    now = progress_of(task.study)
    out.say(f"\n{now.trained} networks trained, {len(found)} of them to the end; {now.unfit} were "
            "not trained, since they cannot fit or cannot be made")  # fmt: skip
    if now.trained < arguments.trials:
        out.warn(
            f"ended before {arguments.trials} networks were trained: --minutes are over, nothing "
            "fits any more, or the workers died; the same command goes on"
        )
    if not best:
        out.warn(f"no network keeps {arguments.budget}; try more --trials, or wider limits")
        out.result({**_json(task, []), "files": [], "next": None})
        return 1
    out.progress("judging the front on test data")
    rows = [_row(task, number, one) for number, one in enumerate(front(best), 1)]
    say_front(out, rows)
    files = write_front(rows, best, task.limits, task.data.name, arguments)
    for path in files:
        out.say(f"wrote {path}")
    longer = {**best[0].options, "epochs": LONGER * best[0].options["epochs"]}
    words = shlex.join(["spikemcu", *task.maker.words(longer, _longer(task))])
    out.say(f"next, the first one trained for twice as many epochs:\n  {words}")
    out.result({**_json(task, rows), "files": files, "next": words})
    return 0


def _longer(task: Task) -> str:
    return str(Path(task.arguments.output) / f"{task.data.name}-longer.npz")


def _row(task: Task, number: int, one: Found) -> Row:
    """Return a line of the front, its models written: the storage is not trusted, `load` looks.

    The test part, on which nothing is chosen, judges it, and the networks of its other seeds.
    """
    start = Path(task.arguments.output) / f"{task.data.name}-{number}"
    paths = [_path(start, i, one.kept) for i in range(len(one.models))]
    for path, content in zip(paths, one.models, strict=True):
        write_file(path, content)
    models, data = [Model.load(path) for path in paths], task.maker.data_of(one.options)
    if not len(data.y_test):
        return Row(one, paths, ())
    return Row(one, paths, tuple(evaluate(m, data.x_test, data.y_test) for m in models))


def _path(start: Path, number: int, kept: int) -> Path:
    """Return the file of a training of a network of the front."""
    return start.with_name(f"{start.name}.npz" if number == kept else f"{start.name}-{number}.npz")


def _json(task: Task, rows: Sequence[Row]) -> dict[str, Any]:
    now = progress_of(task.study)
    return {
        "data": task.data.name,
        "board": task.arguments.board,
        "limits": dict(task.limits),
        "trained": now.trained,
        "unfit": now.unfit,
        "front": [row.to_json() for row in rows],
    }
