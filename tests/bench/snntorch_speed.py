"""The same training in snnTorch, for `speed.py --snntorch`; needs the extra `bench`.

The usual loop of snnTorch's tutorials: two linear layers with leaky neurons, called step by step,
the loss the cross entropy of the output membranes summed over the steps. "Hoisted" computes the
first layer once for all steps, for the input is held: what a careful user would write by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from time import process_time
from typing import Any

import numpy as np
import snntorch
import torch
from numpy.typing import NDArray
from snntorch import surrogate
from torch import nn
from torch.nn import functional

from qat.train.quantize import TERNARY_RATIO

STEPS, BATCH, RATE, BETA = 8, 128, 1.5e-3, 0.875


class TernaryLinear(nn.Linear):
    """A linear layer whose weights are ternary in the forward pass, straight through backward."""

    def forward(self, x: Any) -> Any:
        """Return x times the ternary weights."""
        size = self.weight.abs()
        kept = size > TERNARY_RATIO * size.mean()
        scale = (size * kept).sum() / kept.sum()
        codes = torch.sign(self.weight) * kept * scale
        return functional.linear(x, self.weight + (codes - self.weight).detach(), self.bias)


class Net(nn.Module):
    """784-128-10 with leaky neurons."""

    def __init__(self, linear: Callable[[int, int], nn.Module], hoisted: bool) -> None:
        super().__init__()
        self.hoisted = hoisted
        self.first, self.second = linear(784, 128), linear(128, 10)
        gradient = surrogate.atan()
        self.hidden = snntorch.Leaky(beta=BETA, spike_grad=gradient)
        self.output = snntorch.Leaky(beta=BETA, spike_grad=gradient)

    def forward(self, x: Any) -> Any:
        """Return the output membranes, (steps, batch, 10)."""
        v1, v2 = self.hidden.init_leaky(), self.output.init_leaky()
        held = self.first(x) if self.hoisted else None
        membranes = []
        for _ in range(STEPS):
            current = self.first(x) if held is None else held
            spikes, v1 = self.hidden(current, v1)
            _, v2 = self.output(self.second(spikes), v2)
            membranes.append(v2)
        return torch.stack(membranes)


def epoch_seconds(
    x: NDArray[np.uint8], y: NDArray[np.int64], *, ternary: bool, hoisted: bool, epochs: int = 2
) -> float:
    """Return the CPU seconds of the fastest epoch, on one thread."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    net = Net(TernaryLinear if ternary else nn.Linear, hoisted)
    adam = torch.optim.Adam(net.parameters(), lr=RATE)
    inputs, labels = torch.from_numpy(x).float() / 255, torch.from_numpy(y)
    marks = [process_time()]
    for _ in range(epochs):
        for batch in torch.randperm(len(labels)).split(BATCH):
            membranes = net(inputs[batch])
            loss = sum(functional.cross_entropy(v, labels[batch]) for v in membranes)
            adam.zero_grad()
            loss.backward()
            adam.step()
        marks.append(process_time())
    return float(min(np.diff(marks)))
