"""The rows of both tables: tasks with their goals, and kinds of memory that are told apart.

Settings were chosen on validation data; what is measured is the integer model on the test part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bench.temporal import copies, made, spoken

from qat.data.dataset import Dataset
from qat.train.network import Network
from qat.train.recipes import Recipe, for_recurrent


@dataclass(frozen=True)
class Row:
    """A task, a network and how it is trained.

    data:    returns the data of a seed; path: of the user's file, None where there is none
    layers:  in the notation of layers
    recipe:  of the training; networks with recurrent edges have RECURRENT in its place
    goal:    test accuracy, None for none; below: it shall stay below that; within: of the float
             network of the same seeds; file: the name of the file that it needs, "" for none
    bits:    of the weights of hidden layers and of the readout
    network: further settings of qat.Network
    teacher: the row whose networks teach this one, "" for none
    """

    data: Callable[[Path | None, int], Dataset]
    layers: str
    recipe: Recipe
    goal: float | None = None
    below: float | None = None
    within: float | None = None
    file: str = ""
    bits: tuple[int, int] = (2, 8)
    network: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    teacher: str = ""

    def untrained(self, data: Dataset, seed: int, real: bool = False) -> Network:
        """Return the network, with real weights if asked for."""
        hidden, last = self.bits
        layers = sum(not word.startswith(("p", "a")) for word in self.layers.split("-"))
        steps = None if data.x_train.ndim == 2 else data.x_train.shape[1]
        return Network(
            [data.inputs, data.classes],
            None if real else [hidden] * layers + [last],
            steps,
            layers=self.layers,
            grid=data.grid,
            input_range=data.input_range,
            seed=seed,
            **({"neuron": "burst", "input": "analog"} if steps is None else {}) | self.network,
        )

    def recipe_of(self, net: Network) -> Recipe:
        """Return the recipe of a network of this row."""
        return for_recurrent(self.recipe) if net.recurrent else self.recipe

    def settings(self) -> dict[str, Any]:
        """Return what a result depends on, the seed apart, as plain JSON values."""
        return {
            "layers": self.layers, "bits": list(self.bits), "recipe": self.recipe.settings(),
            "network": {name: str(value) for name, value in self.network.items()},
            **({"teacher": self.teacher} if self.teacher else {}),
        }  # fmt: skip


def _file(path: Path | None) -> Path:
    assert path is not None
    return path


def _order(path: Path | None, seed: int) -> Dataset:
    return made.order_of_events(seed)


def _columns(path: Path | None, seed: int) -> Dataset:
    return made.digits_by_column(seed)


def _strokes(path: Path | None, seed: int) -> Dataset:
    return copies.strokes(_file(path)).as_maps()


def _events(path: Path | None, seed: int) -> Dataset:
    return copies.events(_file(path), bins=3)


def _spoken(path: Path | None, seed: int) -> Dataset:
    return spoken.official(_file(path))


def _spoken_maps(path: Path | None, seed: int) -> Dataset:
    return spoken.official(_file(path)).as_maps()


SPIKES: Mapping[str, Any] = MappingProxyType({"input": "spikes"})
FRAMES: Mapping[str, Any] = MappingProxyType({"input": "frames", "norm": True})

LEAKS = ((1,), (3,), (5,))

ORDER = Recipe(60, 50, 5e-3, weight_decay=0.0, rate_penalty=0.0, averaging=0.99)
COLUMNS = Recipe(200, 32, 5e-3, weight_decay=0.0, rate_penalty=0.01, averaging=0.997, keep="last")
DRAWN = Recipe(
    300, 64, 2e-2, 0.0, rate_penalty=0.005, warm_up=100, final_rate=0.0, square_kept=0.99,
    even_penalty=True, averaging=0.99, keep="last", augment=copies.Drawn(),
)  # fmt: skip
SEEN = Recipe(
    45, 64, 2e-2, 0.0, rate_penalty=0.005, warm_up=100, final_rate=0.0, square_kept=0.99,
    even_penalty=True, augment=copies.Seen(17, 6),
)  # fmt: skip
SPOKEN = Recipe(
    90, 64, 6e-3, weight_decay=0.0, rate_penalty=0.05, rate_target=0.05, averaging=0.99,
    even_penalty=True, augment=spoken.Spoken(),
)  # fmt: skip
TAUGHT = replace(SPOKEN, epochs=110, keep="last", augment=spoken.AGAIN)

CONV = Recipe(
    120, 64, 2e-2, 0.0, rate_penalty=0.005, warm_up=100, final_rate=0.0, square_kept=0.99,
    even_penalty=True, averaging=0.99, augment=spoken.Raised(spoken.AGAIN),
)  # fmt: skip

TASKS: Mapping[str, Row] = MappingProxyType(
    {
        "order": Row(
            _order, "32r", ORDER, goal=0.99, within=0.01, network={**SPIKES, "leaks": LEAKS}
        ),
        "order, feed-forward": Row(_order, "32", ORDER, below=0.75, network=SPIKES),
        "digits by column": Row(
            _columns, "64-64", COLUMNS, within=0.005, network={**FRAMES, "delays": 7}
        ),
        "wand strokes": Row(
            _strokes, "24c5s2-32c5s2-32c5s2", DRAWN, goal=0.95, within=0.01,
            file="magic_wand_digits.npz", network={"levels": 3},
        ),
        "N-MNIST small": Row(
            _events, "24c5s2-32c3s2-48c3v-pg", SEEN, goal=0.9, within=0.01, file="nmnist_small.npz",
            network={"levels": 3},
        ),
        "spoken digits": Row(
            _spoken, "80-80", TAUGHT, goal=0.985, within=0.01, file="fsdd.npz", bits=(4, 8),
            network={**FRAMES, "delays": 15}, teacher="spoken digits, convolution",
        ),
        "spoken digits, convolution": Row(
            _spoken_maps, "32c5-p2-32c5s2-pg", CONV, goal=0.985, within=0.01, file="fsdd.npz",
            network={"levels": 3},
        ),
    }
)  # fmt: skip
"""Rows of the table of tasks."""

_MEMORIES: Mapping[str, tuple[str, dict[str, Any]]] = {
    "leak alone": ("32", {}),
    "leaks by classes": ("32", {"leaks": LEAKS}),
    "current-based": ("32", {"neuron": "cuba", "leak_c": (3,)}),
    "adaptive": ("32", {"neuron": "alif"}),
    "delays": ("32", {"delays": 31}),
    "delays, leaks by classes": ("32", {"delays": 31, "leaks": LEAKS}),
    "recurrent": ("32r", {}),
    "recurrent, delays": ("32r15", {}),
    "recurrent, leaks by classes": ("32r", {"leaks": LEAKS}),
    "recurrent, current-based": ("32r", {"neuron": "cuba", "leak_c": (3,)}),
    "recurrent, adaptive": ("32r", {"neuron": "alif"}),
}

MEMORIES: Mapping[str, Row] = MappingProxyType(
    {
        name: Row(_order, layers, ORDER, network={**SPIKES, **more})
        for name, (layers, more) in _MEMORIES.items()
    }
)
"""Rows of the table of memories: the task of order by 32 neurons of each kind."""
