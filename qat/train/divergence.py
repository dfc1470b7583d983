"""Training that diverged: numbers beyond what floats hold, found at once, told in one line.

Numbers that grow without bound show in one of four places: the loss, a gradient, a parameter after
its update, the loss on validation data. Each is checked where it arises, so that NumPy's own
warnings about them, which name neither layer nor setting, are not needed there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from qat.train.chain import Pass
    from qat.train.network import Network
    from qat.train.recipes import Recipe

Arrays = Mapping[str, NDArray[Any]]

_LARGEST: tuple[tuple[str, float, float], ...] = (
    ("learning_rate", 3e-3, 3e-3),
    ("weight_decay", 1.0, 0.1),
    ("rate_penalty", 1.0, 5e-3),
    ("cost_penalty", 10.0, 0.1),
)
"""Settings that make numbers grow: their names, what is no longer usual, what is."""

WORDS = {
    "weight": "weights",
    "bias": "biases",
    "threshold": "thresholds",
    "gain": "gains",
    "shift": "shifts",
    "delay": "delays",
}


class DivergedError(RuntimeError):
    """A training has diverged before its first epoch was finished; the message says where."""


class Unbounded(Exception):  # noqa: N818  # becomes a DivergedError, or a line of the History
    """A number is no longer finite; `args` say what it is, and of which layer."""


def unchecked() -> np.errstate:
    """Return the context in which NumPy keeps quiet, because one of the checks here follows."""
    return np.errstate(over="ignore", invalid="ignore", divide="ignore")


def is_finite(values: NDArray[Any]) -> bool:
    """Return False if a value, or the sum of their squares, is beyond what the dtype holds.

    The sum of squares is as quick as a look at every value, and Adam forms the squares anyway.
    """
    flat = np.ravel(values)
    return bool(np.isfinite(np.dot(flat, flat)))


def check_loss(net: Network, loss: float, run: Pass) -> None:
    """Raise Unbounded if the loss of a batch is not finite, naming the first layer that is not."""
    if np.isfinite(loss):
        return
    for i, trace in enumerate(run.traces):
        if not np.isfinite(trace.u).all():
            raise Unbounded(f"the membranes of layer {i}")
    raise Unbounded(f"the scores of {_layer(net, len(net.twins) - 1)}")


def check_arrays(net: Network, kind: str, values: Arrays, backwards: bool = False) -> None:
    """Raise Unbounded if one of the arrays, named as a network's parameters are, is not finite.

    kind: what they are, empty for the parameters themselves; backwards: the last layer comes first
    """
    for name in _ordered(values, backwards):
        if not is_finite(values[name]):
            raise Unbounded(f"{kind}{_parameter(net, name)}")


def _ordered(values: Arrays, backwards: bool) -> Iterable[str]:
    return reversed(list(values)) if backwards else values


def _parameter(net: Network, name: str) -> str:
    index, _, kind = name.rpartition(".")
    if not index:
        return "the scale of the scores"
    kind, _, edge = kind.partition("_")
    further = f" edge {edge}" if edge else ""
    return f"the {WORDS.get(kind, kind)} of {_layer(net, int(index))}{further}"


def _layer(net: Network, index: int) -> str:
    return f"layer {index}" if index < len(net.layers) else "the readout"


def in_words(fault: Unbounded, epoch: int, recipe: Recipe) -> str:
    """Return one line about a training that has diverged: where, when, and what to do.

    epoch: the one that was not finished, from 1
    """
    large = [(name, usual) for name, most, usual in _LARGEST if getattr(recipe, name) > most]
    if not large:
        large = [("learning_rate", recipe.learning_rate / 10)]
    found = " and ".join(f"{_plain(name)} {getattr(recipe, name):g}" for name, _ in large)
    better = " and ".join(f"{_plain(name)} {usual:g}" for name, usual in large)
    if "learning_rate" not in dict(large):
        found = f"learning rate {recipe.learning_rate:g}, {found}"
    return (
        f"training diverged in epoch {epoch}: {fault} grew beyond what floats hold "
        f"({found}); try {better}"
    )


def _plain(name: str) -> str:
    return name.replace("_", " ")
