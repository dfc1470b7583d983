"""The layers' passes as functions of torch's autograd: the twins of qat.train on its tensors.

Nothing is computed here. `fold` makes integers of the parameters (with NumPy, on the CPU), the
twin's forward and backward pass work on tensors, on the device where these are, and torch is told
which gradient belongs to which tensor. Tensors of the CPU are handed on as arrays of NumPy in the
same memory, for which there are compiled loops.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from qat.train.arrays import as_of, host, is_numpy
from qat.train.fold import Constants
from qat.train.heads import AccumulateTwin
from qat.train.norm import Moments
from qat.train.twins import LayerTwin

Tensors = dict[str, Tensor]

SHARED = frozenset({"cpu"})
"""Devices whose tensors are arrays of NumPy as well."""


def _given(tensor: Tensor) -> Any:
    """Return a tensor as the twins take it: as an array of NumPy where that costs nothing."""
    return host(tensor) if tensor.device.type in SHARED else tensor.detach()


def _taken(found: Any) -> Any:
    """Return what a twin gave as a tensor; None as it is."""
    if found is None or not is_numpy(found):
        return found
    array = np.asarray(found)
    return torch.as_tensor(array if array.flags.writeable else array.copy())


class LayerPass(torch.autograd.Function):
    """A layer: what its sources send, and its parameters, become what it sends."""

    @staticmethod
    def forward(ctx: Any, call: LayerCall, *tensors: Tensor) -> Tensor:
        """Return its signal, (steps, batch, values)."""
        count = len(call.sources)
        given = [_given(tensor) for tensor in tensors]
        ctx.call, ctx.own = call, dict(zip(call.names, given[count:], strict=True))
        ctx.signals = dict(zip(call.sources, given[:count], strict=True))
        first, constants = given[0], call.constants.on(ctx.own["weight"])
        own = ctx.own if call.training else None
        ctx.trace = call.twin.forward(constants, first, parameters=own, signals=ctx.signals)
        call.moments = ctx.trace.moments
        signal: Tensor = _taken(ctx.trace.spikes).detach()  # another tensor: it would hold itself
        ctx.save_for_backward(signal, *tensors[count:])  # who changes them meanwhile is told so
        return signal

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d: Tensor) -> tuple[Any, ...]:
        """Return the gradients of sources and parameters."""
        call, _ = ctx.call, ctx.saved_tensors
        wanted = ctx.needs_input_grad[1]
        with torch.autocast(d.device.type, enabled=False):
            back = call.twin.backward(ctx.own, ctx.trace, _given(d), ctx.signals, wanted=wanted)
        sent = dict(back.others)
        if wanted and back.before is not None:
            first = call.sources[0]
            sent[first] = sent[first] + back.before if first in sent else back.before
        found = (*(sent.get(s) for s in call.sources), *map(back.parameters.get, call.names))
        return None, *map(_taken, found)


class LayerCall:
    """What a LayerPass computes with beside tensors.

    sources:  numbers of what is read, that of the layer before first
    names:    of the parameters
    moments:  of a batch norm in training, known behind the forward pass
    """

    def __init__(
        self,
        twin: LayerTwin,
        constants: Constants,
        sources: tuple[int, ...],
        names: tuple[str, ...],
        training: bool,
    ) -> None:
        self.twin, self.constants, self.sources = twin, constants, sources
        self.names, self.training = names, training
        self.moments: Moments | None = None


def layer_pass(call: LayerCall, signals: Mapping[int, Tensor], own: Tensors) -> Tensor:
    """Return what a layer sends."""
    read = (signals[source] for source in call.sources)
    return LayerPass.apply(call, *read, *(own[name] for name in call.names))


class ReadoutPass(torch.autograd.Function):
    """A readout with weights: what the last layer sends becomes scores."""

    @staticmethod
    def forward(
        ctx: Any,
        twin: AccumulateTwin,
        constants: Constants,
        names: tuple[str, ...],
        signal: Tensor,
        *own: Tensor,
    ) -> Tensor:
        """Return the scores, (batch, outputs)."""
        weight = _given(own[names.index("weight")])
        ctx.constants = constants.on(weight)
        scores, ctx.kept = twin.forward(ctx.constants, _given(signal))
        ctx.twin, ctx.names, ctx.weight = twin, names, weight
        ctx.save_for_backward(signal, *own)
        found: Tensor = _taken(scores)
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d: Tensor) -> tuple[Any, ...]:
        """Return the gradients of the signal and the parameters."""
        signal = ctx.saved_tensors[0]
        with torch.autocast(d.device.type, enabled=False):
            given = as_of(_given(d), ctx.weight)
            own, before = ctx.twin.backward(ctx.constants, ctx.kept, given)
        gradients = (_taken(own.get(name)) for name in ctx.names)
        return None, None, None, _taken(before).expand(signal.shape), *gradients
