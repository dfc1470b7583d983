"""Whether a plan, and a model, do what the framework does: spike by spike, on the same inputs."""

from __future__ import annotations

import numpy as np

from qat.nir import Imported
from qat.nir.data import Recording
from qat.nir.drift import run_model, shares, signals
from qat.nir.imported import observed
from qat.nir.layout import as_model
from qat.nir.plan import Plan
from qat.nir.twin import Twin

SAMPLES, RATE = 64, 0.3
"""New inputs, and their rate of spikes."""


def differing(twin: Twin, plan: Plan, x: np.ndarray) -> list[int]:
    """Return how many spikes of each layer of a plan are not those of the twin.

    x: (steps, batch, ...) as the framework takes it
    """
    graph = twin.graph
    extent = graph.nodes[graph.source].extent
    x = x.reshape(*x.shape[:2], *extent)
    sent = twin.run(x)
    own = plan.run(as_model(x.astype(float), extent))
    counts = []
    for stage, found in zip(plan.stages, own, strict=False):
        wanted = as_model(sent[stage.node], graph.nodes[stage.node].extent)
        neuron = twin.neurons.get(stage.node)
        if neuron is not None and neuron.behind:  # they leave the neuron a step later
            counts.append(int((wanted[1:] != found[:-1]).sum()))
        else:
            counts.append(int((wanted != found).sum()))
    return counts


def on_new_inputs(made: Imported, steps: int, seed: int = 99) -> list[float]:
    """Return the share of spikes that differ on 64 inputs that chose nothing, layer by layer."""
    graph = made.read.twin.graph
    shape = (steps, SAMPLES, *graph.nodes[graph.source].extent)
    x = (np.random.default_rng(seed).random(shape) < RATE).astype(np.float64)
    seen = observed(made.read, made.plan, Recording(x))
    found, _ = run_model(made.model, seen.inputs)
    return shares(signals(made.plan, seen.emitted), found)
