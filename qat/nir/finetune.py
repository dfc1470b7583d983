"""Training on from a network of others: its weights begin what `qat.fit` continues.

Rounding a network after training costs accuracy where bits are few; some epochs with the integers
in the forward pass win it back. Only chains of dense layers with one kind of neuron, one leak and
one reset are trained on: what `qat.Network` has with the neurons of the file.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.data.dataset import Dataset
from qat.data.own import from_arrays
from qat.model import Model
from qat.model.leak import LeakClasses
from qat.nir.data import Recording
from qat.nir.imported import Imported, predictions
from qat.nir.plan import Stage
from qat.nir.whole import Whole
from qat.train.export import export
from qat.train.fit import fit
from qat.train.network import Network

LEARNING_RATE = 1e-3
"""A tenth of that of fresh weights: these are trained already."""


@dataclass(frozen=True)
class Tuned:
    """What training on did: shares of samples that are right.

    test: (the framework, the integer model before, the model after), on samples that trained
          and chose nothing
    validation: (the integer model before, after), by which the better one was kept
    kept: False where training on made it worse, and the model is that from before
    """

    epochs: int
    validation: tuple[float, float]
    test: tuple[float, float, float]
    kept: bool

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        own, before, after = self.test
        return {
            "epochs": self.epochs,
            "kept": self.kept,
            "validation": dict(zip(("before", "after"), self.validation, strict=True)),
            "test": {"float": own, "before": before, "after": after},
        }


def finetuned(made: Imported, data: Recording, epochs: int, seed: int = 0) -> tuple[Model, Tuned]:
    """Return (a model that trained on, or the same if that was no better; what it did).

    data: with labels; a fifth of each class is set aside for the test, a tenth validates

    Raises ValueError for a network that `qat.Network` does not have, and data without labels.
    """
    if data.labels is None:
        raise ValueError("--finetune: needs labels; give --data with x and y")
    net = network_of(made)
    given = made.inputs.given()
    parts = from_arrays(given, data.labels, seed=seed, sensor=False, name="data")
    parts = replace(parts, input_range=(made.model.input.low, made.model.input.high))
    fit(net, parts, seed, epochs=epochs, learning_rate=LEARNING_RATE)
    after = export(net, made.model.name)
    after = replace(after, metadata={**made.model.metadata, **after.metadata})
    validation = [_right(m, parts.x_validation, parts.y_validation) for m in (made.model, after)]
    tests = [_right(m, parts.x_test, parts.y_test) for m in (made.model, after)]
    own = _of_framework(made, data, parts)
    kept = validation[1] > validation[0]
    told = Tuned(epochs, (validation[0], validation[1]), (own, tests[0], tests[1]), kept)
    return (after if kept else made.model), told


def _right(model: Model, x: NDArray[Any], y: NDArray[np.int64]) -> float:
    predictions = model.run(x).predictions
    assert predictions is not None
    return float((predictions == y).mean())


def _of_framework(made: Imported, data: Recording, parts: Dataset) -> float:
    """Return how often the framework is right on the test part, found by its samples."""
    assert data.labels is not None
    own = predictions(made.read, data, made.score)
    rows = {row.tobytes(): i for i, row in enumerate(made.inputs.given().astype(np.int16))}
    places = [rows[row.tobytes()] for row in parts.x_test.astype(np.int16)]
    right = [int(a == b) for a, b in zip(own, data.labels, strict=True)]
    return float(np.mean([right[place] for place in places]))


def network_of(made: Imported) -> Network:
    """Return a trainable network with the weights of the file; ValueError where there is none."""
    stages, last = made.plan.stages, made.plan.last
    layers = stages if last is None else (*stages, last)
    first = made.parts[0]
    for stage, part in zip(layers, made.parts, strict=True):
        _check(stage, part, first, spiking=stage is not last)
    readout: dict[str, Any] = {"readout": "count"}
    if last is not None:
        leak = made.parts[-1].leak
        readout = {"readout": "accumulate"}
        if leak and leak != (0,):
            readout = {"readout": "li", "readout_leak": leak, "score": made.score}
    neuron = stages[0].neuron
    assert not isinstance(first.leak, LeakClasses)
    record = made.model.input
    kind = type(record).__name__.lower()
    net = Network(
        [record.size, *(stage.map.size for stage in layers)],
        bits=[part.bits for part in made.parts],
        steps=made.model.steps,
        neuron="lif" if first.leak_c is None else "cuba",
        leak_c=first.leak_c,
        leak=first.leak,
        reset="late" if neuron.late else "zero" if neuron.reset == "value" else "subtract",
        input=kind,  # type: ignore[arg-type]  # one of analog, frames, spikes
        input_range=None if kind == "spikes" else (record.low, record.high),
        threshold="neuron",
        bias=True,
        **readout,
    )
    net.parameters = {**net.parameters, **_parameters(net, layers, made)}
    return net


def _check(stage: Stage, part: Whole, first: Whole, *, spiking: bool) -> None:
    """Refuse a layer that a trainable network does not have."""
    link, what = stage.links[0], None
    if len(stage.links) > 1 or np.any(link.delay) or link.window is not None or stage.pool:
        what = "has more than dense weights of the layer before"
    elif spiking and isinstance(part.leak, LeakClasses):
        what = "has neurons that leak by classes"
    elif spiking and (part.leak, part.leak_c) != (first.leak, first.leak_c):
        what = "leaks otherwise than the first layer"
    elif spiking and (stage.neuron.reset, stage.neuron.late) != (
        first.stage.neuron.reset,
        first.stage.neuron.late,
    ):
        what = "is reset otherwise than the first layer"
    elif spiking and (stage.neuron.several or np.any(part.reset_to)):
        what = "emits several spikes, or is reset elsewhere than to 0"
    if what is not None:
        raise ValueError(f"--finetune: node {stage.node!r} {what}; leave the option out")


def _parameters(net: Network, layers: tuple[Stage, ...], made: Imported) -> dict[str, Any]:
    """Return the weights of the file as parameters: every threshold is 1, rows scaled to it."""
    found: dict[str, Any] = {}
    for i, stage in enumerate(layers):
        threshold = stage.neuron.threshold
        each = np.ones(stage.map.size) if threshold is None else np.asarray(threshold)
        weight = stage.links[0].weight / each[:, None]
        if i == 0:
            weight = weight * _worth(net, made)
        found[f"{i}.weight"] = weight.astype(np.float32)
        found[f"{i}.bias"] = np.broadcast_to(stage.bias / each, each.shape).astype(np.float32)
    return found


def _worth(net: Network, made: Imported) -> float:
    """Return what the largest input, 1 to the network, is to the framework."""
    worth = made.inputs.worth
    low, high = net.encoder.reads
    return 1.0 if worth is None else worth * max(high, -low)
