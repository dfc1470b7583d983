"""The verb evaluate: how often a model is right on data with labels."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.cli.data import data_of, tell
from codegen.cli.judgement import as_json, class_words, say_classes, say_confusion
from codegen.cli.output import Output
from codegen.cli.targets import prepare
from codegen.render.generated import generated
from codegen.target.boards import Board, find_board
from codegen.target.emulated import TargetModel, require_emulated
from qat.data.dataset import Dataset
from qat.data.named import DATASETS
from qat.model import Model
from qat.train.judging import Progress, judge

Answer = Callable[[NDArray[Any]], NDArray[np.int64] | None]


def evaluate(arguments: Namespace) -> int:
    """Judge a model on the part of the data that did not train it."""
    out = Output(arguments)
    model = Model.load(arguments.model)
    board = None if arguments.board is None else find_board(arguments.board)
    if board is not None:
        require_emulated(board)
    require_classes(model)
    out.progress("reading the data")
    data, trained_on = data_of(model, arguments)
    tell(out, data)
    x, y = data.x_test[: arguments.limit], data.y_test[: arguments.limit]
    with _answers(model, board, out) as answer:
        judged = judge(answer, x, y, model.outputs, _show(out, len(x)))
    names = class_words(model, data)
    part = part_of(data, is_named(arguments), trained_on, len(x))
    where = "" if board is None else f", on {board.name}"
    out.say(f"{model.name} on {part}{where}: {judged.samples:,} samples")
    out.say(f"accuracy {100 * judged.accuracy:.2f} % ({judged.right:,} of {judged.samples:,})\n")
    say_classes(out, judged, names)
    say_confusion(out, judged, names)
    about = {
        "model": model.name,
        "digest": model.digest(),
        "data": data.name,
        "part": "test" if trained_on or is_named(arguments) else "all",
        "judged_on": part,
        "trained_on": trained_on,
        "board": None if board is None else board.name,
    }
    out.result(about | as_json(judged, names))
    return 0


def require_classes(model: Model) -> None:
    """Raise ValueError for a model that gives no classes."""
    if model.readout is None:
        raise ValueError(f"{model.name}: runs free and gives no classes; needs a readout")


def is_named(arguments: Namespace) -> bool:
    """Return True if the data are a set that has a name, not a file."""
    return arguments.data is None or arguments.data in DATASETS


def part_of(data: Dataset, named: bool, trained_on: bool, samples: int) -> str:
    """Return in words what part of the data is used."""
    what = f"the first {samples:,}" if samples < len(data.x_test) else "all"
    if trained_on:
        return f"{what} of the test part of {data.name}, whose other parts trained it"
    if named:
        return f"{what} of the test part of {data.name}, which did not train it"
    return f"{what} of {data.name}, which did not train it"


@contextmanager
def _answers(model: Model, board: Board | None, out: Output) -> Iterator[Answer]:
    """Yield what gives the classes of inputs: the integer model here, or its firmware."""
    if board is None:
        yield lambda x: model.run(x).predictions
        return
    made = generated(model)
    prepare(made, (board,), out)
    with TargetModel(made, board) as target:
        yield lambda x: target.run(x).predictions


def _show(out: Output, total: int) -> Progress:
    return lambda done: out.progress(f"{done:,} of {total:,} samples")
