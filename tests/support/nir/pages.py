# ruff: noqa: PLC0415  # each framework is imported where it is used
"""Run the program of a page, page.py of a folder, on a network and inputs that stand for a user's.

    python pages.py FRAMEWORK FOLDER

It runs where the frameworks are installed.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from frameworks import full, set_weights, spikes


def snntorch() -> Any:
    import snntorch as snn
    from torch import nn

    def leaky(size: int) -> Any:
        return snn.Leaky(full(0.9, size), threshold=full(1.0, size), init_hidden=True)

    return nn.Sequential(nn.Linear(12, 16), leaky(16), nn.Linear(16, 5), leaky(5))


def norse() -> Any:
    import norse.torch as snn
    from torch import nn

    parts = (nn.Linear(12, 16), snn.LIFBoxCell(), nn.Linear(16, 5), snn.LIFBoxCell())
    return snn.SequentialState(*parts)


def spikingjelly() -> Any:
    from spikingjelly.activation_based import layer, neuron
    from torch import nn

    parts = (layer.Linear(12, 16), neuron.LIFNode(), layer.Linear(16, 5), neuron.LIFNode())
    return nn.Sequential(*parts)


NETWORKS = {"snntorch": (snntorch, 0.5), "norse": (norse, 4.0), "spikingjelly": (spikingjelly, 2.0)}
"""Networks, each with a gain of its weights with which it spikes."""


def main() -> int:
    import torch

    framework, folder = sys.argv[1:]
    make, gain = NETWORKS[framework]
    net = make()
    set_weights(net, gain)
    os.chdir(folder)
    names = {"net": net, "x": torch.tensor(spikes(12))}
    exec(Path("page.py").read_text(), names)
    return 0


if __name__ == "__main__":
    sys.exit(main())
