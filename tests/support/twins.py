"""That a network in training computes the integers of the model that it exports."""

from __future__ import annotations

from typing import Any

import numpy as np

import qat
from qat.model import Result
from qat.train.network import Network


def assert_twin_equals_record(net: Network, x: Any) -> Result:
    """Compare scores, spikes and membranes; return the model's result."""
    model, constants = qat.export(net), net.fold()
    result, own = model.run(x, trace=True), net.run(x)
    np.testing.assert_array_equal(result.scores, own.scores)
    np.testing.assert_array_equal(result.predictions, own.predictions)
    passed = net.forward(net.check(x), constants)
    for layer, trace in enumerate(passed.traces):
        np.testing.assert_array_equal(result.spikes[layer], own.spikes[layer])
        np.testing.assert_array_equal(result.u[layer], trace.u.transpose(1, 0, 2))
    return result
