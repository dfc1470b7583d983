"""The layers' passes as functions of torch's autograd: the twins of qat.train on its tensors.

Nothing is computed here. `fold` makes integers of the parameters (with NumPy, on the CPU), the
twin's forward and backward pass work on tensors, on the device where these are, and torch is told
which gradient belongs to which tensor.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from qat.train.fold import Constants
from qat.train.norm import Moments
from qat.train.twins import AccumulateTwin, LayerTwin

Tensors = dict[str, Tensor]


class LayerPass(torch.autograd.Function):
    """A layer: what its sources send, and its parameters, become what it sends."""

    @staticmethod
    def forward(ctx: Any, call: LayerCall, *tensors: Tensor) -> Tensor:
        """Return its signal, (steps, batch, values)."""
        count = len(call.sources)
        ctx.call, ctx.own = call, dict(zip(call.names, tensors[count:], strict=True))
        ctx.signals = dict(zip(call.sources, tensors[:count], strict=True))
        first = ctx.signals[call.sources[0]]
        own = ctx.own if call.training else None
        ctx.trace = call.twin.forward(call.constants, first, parameters=own, signals=ctx.signals)
        call.moments = ctx.trace.moments
        signal: Tensor = ctx.trace.spikes.detach()  # another tensor: else it would hold itself
        return signal

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d: Tensor) -> tuple[Any, ...]:
        """Return the gradients of sources and parameters."""
        call = ctx.call
        wanted = ctx.needs_input_grad[1]
        with torch.autocast(d.device.type, enabled=False):
            back = call.twin.backward(ctx.own, ctx.trace, d, ctx.signals, wanted=wanted)
        sent = dict(back.others)
        if wanted and back.before is not None:
            first = call.sources[0]
            sent[first] = sent[first] + back.before if first in sent else back.before
        own = (back.parameters.get(name) for name in call.names)
        return None, *(sent.get(source) for source in call.sources), *own


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
        scores, ctx.kept = twin.forward(constants, signal)
        ctx.twin, ctx.constants, ctx.names, ctx.dtype = twin, constants, names, own[0].dtype
        ctx.shape = signal.shape
        found: Tensor = scores
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d: Tensor) -> tuple[Any, ...]:
        """Return the gradients of the signal and the parameters."""
        with torch.autocast(d.device.type, enabled=False):
            own, before = ctx.twin.backward(ctx.constants, ctx.kept, d.to(ctx.dtype))
        gradients = [own.get(name) for name in ctx.names]
        return None, None, None, before.expand(ctx.shape), *gradients
