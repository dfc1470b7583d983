# ruff: noqa: PLC0415  # each framework is imported where it is used
"""What a framework computes of a NIR file that this project wrote.

    python loaders.py DIALECT FILE.nir INPUTS.npz OUTPUT.npz

It runs where the frameworks are installed. INPUTS.npz has x, (time, batch, ...); OUTPUT.npz gets
`output`, what the last node sends. Loaders of snnTorch and norse flatten the batch as well, so that
they are given one sample at a time.
"""

from __future__ import annotations

import json
import logging
import sys
import warnings
from typing import Any

import numpy as np


def spikingjelly(path: str) -> Any:
    from spikingjelly.activation_based.nir_exchange import import_from_nir

    return import_from_nir(path)


def norse(path: str) -> Any:
    import nir
    from norse.torch.utils.import_nir import from_nir

    return from_nir(nir.read(path))


def snntorch(path: str) -> Any:
    """Return a network with the resets that the file's metadata say: the loader takes zero, in the
    same step."""
    import nir
    from snntorch import SpikingNeuron
    from snntorch.import_nir import import_from_nir

    graph = nir.read(path)
    resets = json.loads(graph.metadata["reset"])
    net = import_from_nir(graph)
    for name, neuron in net.named_modules():
        if isinstance(neuron, SpikingNeuron) and resets[name].startswith("subtract"):
            neuron.reset_mechanism = "subtract"
            neuron.state_function = neuron._base_sub
            neuron.reset_delay = resets[name] == "subtract"
        elif isinstance(neuron, SpikingNeuron):
            neuron.reset_delay = resets[name] == "zero"
    return net


LOADERS = {"spikingjelly": spikingjelly, "norse": norse, "snntorch": snntorch}


def run(dialect: str, path: str, x: Any) -> np.ndarray:
    """Return what the last node sends, (time, batch, ...)."""
    net, state, found = LOADERS[dialect](path), None, []
    for step in x:
        signal, state = net(step) if dialect == "snntorch" else net(step, state)
        found.append(signal.detach().numpy())
    return np.stack(found)


def main() -> int:
    import torch

    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    dialect, path, inputs, output = sys.argv[1:]
    x = torch.tensor(np.load(inputs)["x"].astype(np.float32))
    if dialect == "spikingjelly":
        found = run(dialect, path, x)
    else:
        found = np.stack([run(dialect, path, x[:, b]) for b in range(x.shape[1])], axis=1)
    np.savez(output, output=found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
