"""The end of `train`: how good the model is, what could be better, and what to type next."""

from __future__ import annotations

import shlex
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from codegen.base.errors import TargetError
from codegen.cli.judgement import class_words, say_classes
from codegen.cli.output import Output, percent
from codegen.measure.spend import instructions
from codegen.render.generated import Generated, generated
from codegen.target.compiler import size_of
from codegen.target.emulated import footprint
from qat import History, Network
from qat.data.dataset import Dataset
from qat.model import Model
from qat.model.checks import plain
from qat.study.otherbits import BITS, validation_accuracy, with_other_bits
from qat.train.judging import Judged, judge

MOST_CODE = 16 * 1024
"""Bytes of constants above which the code, which is 1 to 4 KB, is not compiled to be counted."""
MOST_CLASSES = 40
MOST_NAMES = 12
FLAGS = ("--json", "--resume")
"""Options of a training that do not belong to the next one."""


@dataclass(frozen=True, eq=False)
class Trained:
    """A training that is over, and the model that it gave."""

    arguments: Namespace
    net: Network
    model: Model
    data: Dataset
    history: History

    @property
    def held_out(self) -> tuple[str, ...]:
        """Names of the recordings that test, where whole ones do."""
        division = self.data.division
        return () if division is None else division.tests

    @property
    def whole(self) -> bool:
        """True if it was neither interrupted nor diverged."""
        return not self.history.interrupted and self.history.diverged is None


def judged_on_test(trained: Trained) -> Judged | None:
    """Return how the model does on the test part; None where there is none."""
    model, data = trained.model, trained.data
    if model.readout is None or not len(data.y_test):
        return None
    return judge(lambda x: model.run(x).predictions, data.x_test, data.y_test, model.outputs)


# ------------------------------------------------------------------ classes


def say_test(out: Output, trained: Trained, judged: Judged) -> None:
    """Print which recordings were kept for the test, and the accuracy of every class."""
    kept = [plain(name) for name in trained.held_out]
    if kept:
        more = f" and {len(kept) - MOST_NAMES} more" if len(kept) > MOST_NAMES else ""
        out.say(f"kept for the test: {', '.join(kept[:MOST_NAMES])}{more}")
    names = class_words(trained.model, trained.data)
    if len(names) <= MOST_CLASSES:
        out.say("on test data, by class:")
        say_classes(out, judged, names)
    else:
        out.say("`spikemcu evaluate` tells the accuracy by class")


# --------------------------------------------------------------- other bits


@dataclass(frozen=True)
class Costs:
    """What weights of some bits cost, and what they reach.

    flash:    bytes: constants, with the code if `with_code`; ram: of the state and its vectors
    accuracy: on validation data; updates: of the weights since the model's, 0 if none
    """

    bits: int
    flash: int
    ram: int
    instructions: int
    accuracy: float
    updates: int
    with_code: bool

    def beats(self, own: Costs) -> bool:
        """Return True if it is no worse in accuracy and flash, and better in one of them."""
        mine, yours = (self.accuracy, -self.flash), (own.accuracy, -own.flash)
        return mine[0] >= yours[0] and mine[1] >= yours[1] and mine != yours


def costs_of_bits(out: Output, trained: Trained) -> list[Costs]:
    """Return what this network costs with its own bits, which come first, and with others."""
    board, own = trained.arguments.cost_board, trained.arguments.bits
    accuracy = validation_accuracy(trained.model, trained.data)
    found = [(own, 0, accuracy, trained.model)]
    for bits in BITS:
        if bits != own:
            out.progress(f"looking at weights of {bits} bits")
            other = with_other_bits(trained.net, trained.data, trained.history.settings, bits,
                                    trained.arguments.output_bits)  # fmt: skip
            if other is not None:
                found.append((bits, other.updates, other.accuracy, other.model))
    made = [generated(model) for *_, model in found]
    sizes = [footprint(one) for one in made]
    code = all(flash <= MOST_CODE for flash, _ in sizes)
    linked = [_flash(one, board, code) for one in made]
    code = code and None not in linked
    return [
        Costs(bits, size if code and size else flash, ram, instructions(one, board), accuracy,
              updates, code)
        for (bits, updates, accuracy, _), one, (flash, ram), size in zip(
            found, made, sizes, linked, strict=True)
    ]  # fmt: skip


def _flash(made: Generated, board: str, wanted: bool) -> int | None:
    """Return the bytes of code and constants, None if not wanted or without a compiler."""
    try:
        return size_of(made.files, board).flash if wanted else None
    except TargetError:
        return None


def say_bits(out: Output, costs: Sequence[Costs], arguments: Namespace) -> None:
    """Print what other bits would cost, and a command where they look better."""
    own, *others = costs
    if not others:
        return
    code = "with code" if own.with_code else "constants, without code"
    out.say(f"\nweights of other bits, on {arguments.cost_board} ({code}; accuracy on validation "
            f"data):")  # fmt: skip
    rows = [(f"{c.bits}", f"{c.flash:,}", f"{c.ram:,}", f"{c.instructions:,}", percent(c.accuracy),
             _how(c, own)) for c in costs]  # fmt: skip
    out.table(("bits", "flash, bytes", "RAM, bytes", "instructions", "accuracy", ""), rows)
    for c in others:
        if c.beats(own):
            out.say(f"{c.bits} bits look better than {own.bits} here ({_gain(c, own)}); "
                    f"to train them: {_again(arguments, bits=c.bits)}")  # fmt: skip


def _how(costs: Costs, own: Costs) -> str:
    if costs is own:
        return "this model"
    if not costs.updates:
        return "its weights rounded, not trained"
    return f"rounded, {costs.updates} updates of training"


def _gain(costs: Costs, own: Costs) -> str:
    return (
        f"{own.flash - costs.flash:,} bytes of flash less, "
        f"{100 * (costs.accuracy - own.accuracy):.1f} points more, {costs.instructions:,} "
        f"instructions in place of {own.instructions:,}"
    )


# --------------------------------------------------------------------- next


def say_best(out: Output, trained: Trained) -> bool:
    """Print which epoch was best; return True if it was the last, so that more may help."""
    history = trained.history
    assert history.best is not None
    best, planned = history.best.number, int(history.settings["epochs"])
    if history.settings.get("keep") == "last":
        out.say(f"the last epoch is kept: {best} of {planned} (--keep last)")
        return False
    out.say(f"best epoch on validation data: {best} of {planned}")
    last = best == planned == len(history.epochs)
    if last:
        more = _again(trained.arguments, epochs=2 * planned)
        out.say(f"it was the last one, so that more may do better: {more}")
    return last


def _again(arguments: Namespace, **changed: Any) -> str:
    """Return the command of this training with some options changed; the model is another one."""
    path = Path(arguments.output)
    new = "-".join(f"{value}-{name}" for name, value in changed.items())
    given = {"output": str(path.with_name(f"{path.stem}-{new}.npz")), **changed}
    words = _without(list(arguments.argv), [f"--{name}" for name in given] + ["-o", "--run"])
    return shlex.join(["spikemcu", *words, *_options(given)])


def _options(given: dict[str, Any]) -> list[str]:
    return [word for name, value in given.items() for word in (f"--{name}", str(value))]


def _without(words: list[str], options: Sequence[str]) -> list[str]:
    """Return words without these options and their values.

    What stands for one in a shortened form stays: the last one of an option counts.
    """
    kept: list[str] = []
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word in options:
            skip = True
        elif not word.startswith(tuple(f"{o}=" for o in options)) and word not in FLAGS:
            kept.append(word)
    return kept


def next_commands(arguments: Namespace) -> list[str]:
    """Return what to type next: paths as the shell takes them."""
    model, folder = arguments.output, str(Path(arguments.output).with_suffix("")) + "-c"
    return [
        shlex.join(["spikemcu", *words])
        for words in (
            ["evaluate", model, "--data", arguments.data],
            ["report", model, "--board", arguments.cost_board],
            ["generate", model, "-o", folder],
        )
    ]


def as_json(trained: Trained, judged: Judged | None, costs: Sequence[Costs]) -> dict[str, Any]:
    """Return what `train` ends in as JSON values."""
    names = class_words(trained.model, trained.data)
    shares = () if judged is None else judged.per_class
    return {
        "classes": list(names),
        "held_out": list(trained.held_out),
        "per_class": dict(zip(names, shares, strict=False)),
        "other_bits": [asdict(c) for c in costs],
        "next": next_commands(trained.arguments),
    }
