"""Modules of torch around the twins of qat.train: parameters and buffers of their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from qat.model import INPUT
from qat.torch.functions import LayerCall, ReadoutPass, Tensors, layer_pass
from qat.train.arrays import host
from qat.train.fold import Constants
from qat.train.heads import AccumulateTwin
from qat.train.norm import STATISTICS, Moments, Parameters
from qat.train.twins import LayerTwin

DTYPES = (torch.float32, torch.float64)
"""Of parameters: what the quantizers of training are written for."""


class _Weighted(nn.Module):
    """What layers and readouts share: parameters, and the constants that these fold to.

    twin:   its description
    number: its place in the network, for messages
    """

    def __init__(
        self, twin: LayerTwin | AccumulateTwin, number: int, parameters: Parameters
    ) -> None:
        super().__init__()
        self.number = number
        for name, value in parameters.items():
            tensor = torch.tensor(np.asarray(value))
            if name in STATISTICS:
                self.register_buffer(name, tensor)
            else:
                self.register_parameter(name, nn.Parameter(tensor))
        self.names = tuple(parameters)
        self._twin = twin

    def tensors(self) -> Tensors:
        """Return parameters and statistics by the names that they have in the twin."""
        return {name: getattr(self, name) for name in self.names}

    def values(self) -> Parameters:
        """Return them as arrays of NumPy, within their ranges.

        While the module trains, parameters that an optimizer has moved out of their ranges are
        moved back, as `qat.fit` does behind each update.

        Raises ValueError for NaN, infinity, and other dtypes than float32 and float64.
        """
        found: Parameters = {}
        for name, tensor in self.tensors().items():
            if tensor.dtype not in DTYPES:
                raise ValueError(
                    f"layer {self.number}, {name}: is {tensor.dtype}; parameters are float32 or "
                    "float64: leave .half() and .bfloat16() out"
                )
            if not torch.isfinite(tensor).all():
                raise ValueError(
                    f"layer {self.number}, {name}: holds NaN or infinity: the training diverged; "
                    "use a lower learning rate"
                )
            found[name] = host(tensor).copy()  # an optimizer may write to the tensor meanwhile
        allowed = self._twin.constrain(found)
        if self.training:
            self._move_back(found, allowed)
        return allowed

    def _move_back(self, found: Parameters, allowed: Parameters) -> None:
        for name, value in allowed.items():
            if (value != found[name]).any():
                with torch.no_grad():
                    getattr(self, name).copy_(torch.as_tensor(value))

    def folded(self) -> Constants:
        """Return the constants of the integer model, arrays of NumPy."""
        return self._twin.fold(self.values())


class Layer(_Weighted):
    """A synapse with its further edges, a batch norm if there is one, neurons and a pool.

    twin:       of qat.train.twins, which has the equations
    parameters: its initial ones; statistics of a batch norm become buffers
    """

    def __init__(self, twin: LayerTwin, number: int, parameters: Parameters) -> None:
        super().__init__(twin, number, parameters)
        self.twin = twin
        self.moments: Moments | None = None
        """Of the sums of the last batch, behind a forward pass in training."""
        others = {edge.source for edge in twin.more if not edge.itself} - {number - 1}
        self.sources = (number - 1, *sorted(others))

    def forward(self, signals: Mapping[int, Tensor]) -> Tensor:
        """Return what it sends, (steps, batch, values), whole numbers unless its weights are real.

        signals: what every source sent, (steps or 1, batch, values), by its number; the input is -1
        """
        own = self.tensors()
        constants = self.folded()
        batch_norm = self.training and self.twin.normalised
        call = LayerCall(self.twin, constants, self.sources, self.names, batch_norm)
        sent = layer_pass(call, signals, own)
        self.moments = call.moments
        return sent

    def extra_repr(self) -> str:
        """Return what it is made of."""
        twin = self.twin
        reads = ", ".join("the input" if s == INPUT else f"layer {s}" for s in self.sources)
        kind = type(twin.neuron).__name__.removesuffix("Twin")
        return f"{twin.n_in} -> {twin.sends}, bits={twin.bits}, {kind}, reads {reads}"


class Readout(_Weighted):
    """Summed currents or leaky integrators: what the last layer sends becomes scores."""

    def __init__(self, twin: AccumulateTwin, number: int, parameters: Parameters) -> None:
        super().__init__(twin, number, parameters)
        self.twin = twin

    def forward(self, signal: Tensor) -> Tensor:
        """Return the scores, (batch, outputs), whole numbers unless its weights are real.

        signal: (steps, batch, values)
        """
        own = self.tensors()
        given: tuple[Any, ...] = (self.twin, self.folded(), self.names, signal)
        return ReadoutPass.apply(*given, *own.values())

    def extra_repr(self) -> str:
        """Return what it is made of."""
        kind = type(self.twin).__name__.removesuffix("Twin")
        return f"{self.twin.n_in} -> {self.twin.n_out}, bits={self.twin.bits}, {kind}"
