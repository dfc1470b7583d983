"""Speakers whom a network never heard: each is left out once, and kinds of networks compared.

Which one is for a speaker is chosen without him: by those before and behind him in the file, each
of whom is left out of a training that lacks him as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bench.temporal import spoken
from bench.temporal.rows import CONV, FRAMES, LEAKS, SPOKEN, Row

from qat.data.dataset import Dataset
from qat.model import Model
from qat.train.export import export
from qat.train.fit import evaluate, fit

SPEAKERS = 6
BASE, EPOCHS = "feed-forward", 16

_HEARD = replace(SPOKEN, epochs=EPOCHS, augment=spoken.OTHERS)
_MAPS = replace(CONV, epochs=EPOCHS, averaging=0.99, augment=spoken.Raised(spoken.OTHERS))


def _official(path: Path | None, seed: int) -> Dataset:
    assert path is not None
    return spoken.official(path)


def _variant(layers: str, **network: Any) -> Row:
    return Row(_official, layers, _HEARD, network={**FRAMES, **network})


VARIANTS: Mapping[str, Row] = MappingProxyType(
    {
        BASE: _variant("64-64"),
        "delays": _variant("64-64", delays=15),
        "leaks by classes": _variant("64-64", leaks=LEAKS),
        "recurrent": _variant("64-64r"),
        "adaptive": _variant("64-64", neuron="alif"),
        "convolution": Row(_official, "32c5-p2-32c5s2-pg", _MAPS, network={"levels": 3}),
    }
)
"""Networks of one task, the first of neurons with a leak alone."""


def neighbours(speaker: int) -> tuple[int, int]:
    """Return the speakers who choose for one."""
    return (speaker - 1) % SPEAKERS, (speaker + 1) % SPEAKERS


def left_out(
    row: Row, path: Path, speakers: tuple[int, ...], seed: int
) -> tuple[Model, Any, list[float]]:
    """Train without some speakers, in rising order.

    Returns the model, the inputs of the first one's recordings, and the accuracy on each speaker.
    """
    data = spoken.unheard(path, speakers)
    data = data.as_maps() if row.recipe is _MAPS else data
    net = row.untrained(data, seed)
    fit(net, data, seed, recipe=row.recipe_of(net))
    model = export(net)
    each = len(data.y_test) // len(speakers)
    parts = [slice(i * each, (i + 1) * each) for i in range(len(speakers))]
    reached = [evaluate(model, data.x_test[p], data.y_test[p]) for p in parts]
    return model, data.x_test[parts[0]], reached
