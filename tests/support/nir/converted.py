# ruff: noqa: PLC0415  # torch and the frameworks are where this runs, not where it is linted
"""A network of a framework becomes an integer model by `qat.torch.from_module`.

    python converted.py FRAMEWORK FOLDER

writes model.npz, and tells as JSON how many of the framework's outputs the reading of its graph
misses. It runs where the frameworks are installed.
"""

from __future__ import annotations

import json
import logging
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))


def main() -> int:
    import torch
    from frameworks import set_weights, spikes
    from pages import NETWORKS

    import qat

    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    framework, folder = sys.argv[1:]
    make, gain = NETWORKS[framework]
    net = make()
    set_weights(net, gain)
    found = qat.torch.from_module(net, torch.tensor(spikes(12)), name=framework)
    found.model.save(Path(folder) / "model.npz")
    twin = qat.torch.from_import(found)
    assert found.read.comparison is not None
    assert found.drift is not None
    print(json.dumps({
        "differing": found.read.comparison.differing,
        "drift": max(layer.differing for layer in found.drift.layers),
        "training": net.training,
        "layers": len(twin.layers),
    }))  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
