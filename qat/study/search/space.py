"""The networks that a search may try, as the options of `spikemcu train`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

from qat.data.augment import Affine
from qat.data.dataset import Dataset
from qat.train.recipes import recipe_for

Options = Mapping[str, Any]
"""Options of `spikemcu train`, without the dashes: {"layers": "32c3-p2", "output_bits": 4}.

Those of TRAINING are no options: they say a setting by the recipe's, and which recipe that is
follows from the network.
"""

NUMBER = 3
"""Counted up with every change of what may be tried, or of how: a search goes on as it began."""

TRAINING = ("rate_factor", "penalty_factor", "decay", "share")
"""rate_factor, penalty_factor: learning rate and firing-rate penalty, in those of the recipe
decay:                       of the weights; None for the recipe's
share:                       the part of all updates over which weights are averaged; None for the
                             recipe's"""

WIDTHS = (12, 16, 24, 32, 48, 64, 80, 96, 112, 128, 144, 160, 192, 256)
CHANNELS = (8, 12, 16, 24, 32, 48, 64)
KERNELS = (3, 5)
REDUCED = ("", "s2", "p2")
"""How a convolution leaves fewer positions: not at all, by a stride, by a pool behind it."""
BITS = (2, 4, 8)
STEPS = (2, 4, 6, 8, 12)
LEAKS = ("", "1", "2", "3", "4")
LEVELS = (1, 2, 3, 5, 7)
THRESHOLDS = ("layer", "neuron")
FACTORS = (0.3, 3.0)
"""Range of the learning rate, in those of the recipe."""
PENALTIES = (0.1, 10.0)
"""The same of the firing-rate penalty."""
DECAYS = (None, 0.0, 0.1, 0.3)
SHARES = (None, 0.0, 0.02, 0.1)
CHANGES = (0.5, 0.75, 1.0, 1.4)
"""How much training images are changed, in the changes of the recipe."""
RESOLUTIONS = (4, 8, 16)
"""Least thresholds in units of the membrane: half of it takes a plane off membranes."""
RECURRENT_DELAYS = (0, 7, 15)


class Suggests(Protocol):
    """What asks for values: an Optuna trial."""

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Return one of the choices."""

    def suggest_int(self, name: str, low: int, high: int) -> int:
        """Return a whole number from low to high."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """Return a number from low to high."""


@dataclass(frozen=True)
class Space:
    """What data allow.

    kinds:      of networks, those of KINDS
    in_time:    the data have a vector a step, so that T is theirs
    input_bits: numbers of upper bits of an input value that may be kept, most first
    filmed:     every step is a picture, so that neurons on maps take more steps than one
    changed:    the kinds whose recipe changes training images
    """

    kinds: tuple[str, ...]
    in_time: bool
    input_bits: tuple[int, ...]
    filmed: bool = False
    changed: tuple[str, ...] = ()

    @classmethod
    def of(cls, data: Dataset) -> Space:
        """Return the space of a data set: convolutions where there is a map, recurrence in time."""
        in_time = data.x_train.ndim > 2
        kinds = ["counts", "spikes"]  # what trains quickest comes first
        if in_time or data.grid is not None:
            kinds.append("maps")
        if in_time:
            kinds.append("recurrent")
        low, high = data.input_range
        has = max(high.bit_length(), (-low - 1).bit_length() if low < 0 else 0) + (low < 0)
        least = 2 + (low < 0)
        kept = tuple(bits for bits in (8, 6, 5, 4, 3, 2) if least <= bits < has)
        filmed = in_time and data.grid is not None
        changed = tuple(kind for kind in kinds if _is_changed(data, kind))
        return cls(tuple(kinds), in_time, (min(has, 8), *kept), filmed, changed)

    def suggest(self, trial: Suggests) -> dict[str, Any]:
        """Return the options of a network that a trial asks for."""
        kind = trial.suggest_categorical("kind", self.kinds)
        found = KINDS[kind](self, trial)
        found["bits"] = trial.suggest_categorical("bits", BITS)
        found["output_bits"] = trial.suggest_categorical("output_bits", BITS)
        found["input_bits"] = trial.suggest_categorical("input_bits", self.input_bits)
        found["rate_factor"] = trial.suggest_float("rate_factor", *FACTORS, log=True)
        found["penalty_factor"] = trial.suggest_float("penalty_factor", *PENALTIES, log=True)
        found["decay"] = trial.suggest_categorical("decay", DECAYS)
        found["share"] = trial.suggest_categorical("share", SHARES)
        if kind in self.changed:
            found["changes"] = trial.suggest_categorical("changes", CHANGES)
        return found


def _is_changed(data: Dataset, kind: str) -> bool:
    """Return True if the recipe of a kind of networks changes training images."""
    behind_norms = kind in ("counts", "maps")
    recipe = recipe_for(data.name, len(data.y_train), behind_norms, kind == "maps")
    return isinstance(recipe.augment, Affine)


def _widths(trial: Suggests, kind: str) -> str:
    layers = trial.suggest_int(f"{kind}/layers", 1, 2)
    found = [trial.suggest_categorical(f"{kind}/width{i}", WIDTHS) for i in range(layers)]
    return "-".join(map(str, found))


def _spikes(space: Space, trial: Suggests) -> dict[str, Any]:
    """Dense layers of leaky neurons that spike over several steps."""
    found = {"layers": _widths(trial, "spikes"), "neuron": "lif"}
    found["leak"] = trial.suggest_categorical("spikes/leak", LEAKS)
    found["resolution"] = trial.suggest_categorical("spikes/resolution", RESOLUTIONS)
    found["threshold"] = trial.suggest_categorical("spikes/threshold", THRESHOLDS)
    if not space.in_time:
        found["steps"] = trial.suggest_categorical("spikes/steps", STEPS)
    return found


def _counts(space: Space, trial: Suggests) -> dict[str, Any]:
    """Dense layers of neurons that emit a count in one step."""
    layers = _widths(trial, "counts")
    levels = trial.suggest_categorical("counts/levels", LEVELS)
    return {"layers": layers, "neuron": "burst", "levels": levels}


def _maps(space: Space, trial: Suggests) -> dict[str, Any]:
    """Convolutions, perhaps a dense layer: neurons that emit a count, of films ones that leak."""
    notes = []
    for i in range(trial.suggest_int("maps/layers", 1, 3)):
        channels = trial.suggest_categorical(f"maps/channels{i}", CHANNELS)
        kernel = trial.suggest_categorical(f"maps/kernel{i}", KERNELS)
        reduced = trial.suggest_categorical(f"maps/reduced{i}", REDUCED)
        notes.append(f"{channels}c{kernel}" + ("s2" if reduced == "s2" else ""))
        if reduced == "p2":
            notes.append("p2")
    dense = trial.suggest_categorical("maps/dense", (0, *WIDTHS[:6]))
    if dense:
        notes.append(str(dense))
    layers = "-".join(notes)
    if space.filmed:
        leak = trial.suggest_categorical("maps/leak", LEAKS)
        return {"layers": layers, "neuron": "lif", "leak": leak}
    levels = trial.suggest_categorical("maps/levels", LEVELS)
    return {"layers": layers, "neuron": "burst", "levels": levels}


def _recurrent(space: Space, trial: Suggests) -> dict[str, Any]:
    """One dense layer that reads itself, a step later or later still."""
    width = trial.suggest_categorical("recurrent/width", WIDTHS)
    delays = trial.suggest_categorical("recurrent/delays", RECURRENT_DELAYS)
    leak = trial.suggest_categorical("recurrent/leak", LEAKS)
    note = f"{width}t{delays}r{delays}" if delays else f"{width}r"
    return {"layers": note, "neuron": "lif", "leak": leak}


KINDS = MappingProxyType(
    {"spikes": _spikes, "counts": _counts, "maps": _maps, "recurrent": _recurrent}
)
"""Each adds the options of its network to what all kinds have."""
