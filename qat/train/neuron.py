"""What every kind of trainable neuron answers: how currents become spikes, and the gradient."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qat.model import Neuron
from qat.train.dynamics import Spike
from qat.train.feedback import Feedback
from qat.train.fold import Constants, Float, Inflow
from qat.train.quantize import Quantized

Parameters = dict[str, Float]
Granularity = Literal["layer", "neuron"]


class Backward(NamedTuple):
    """Gradients of a neuron's parameters, dL/dI, and what makes dL/dy of that.

    current:  (steps or 1, batch, neurons)
    per_unit: (channels,) or (): times `current`, the gradient with regard to the real current y
    """

    parameters: Parameters
    current: Float
    per_unit: NDArray[np.float64]


class Incoming(NamedTuple):
    """What `fold` needs besides a neuron's own parameters: weights, inputs, bias, and so on."""

    weights: Quantized
    inflow: Inflow
    bits: int | None
    bias: Any
    dtype: np.dtype[Any]


class NeuronTwin(ABC):
    """What every kind of trainable neuron answers.

    most:   spikes in one step, at most
    MEMORY: whether it knows of the steps before; one without may be pooled before it fires
    """

    most: int
    MEMORY: ClassVar[bool] = True

    @property
    def growth(self) -> float:
        """How many times its largest current whatever it keeps, and forms on the way, can be."""
        return 1.0

    @property
    def highest(self) -> float:
        """The largest threshold that a spike is compared with, in units of a neuron's first one."""
        return float(self.most)

    @abstractmethod
    def initial(self, channels: int, normalised: bool) -> Parameters:
        """Return fresh parameters, float32."""

    @abstractmethod
    def constrain(self, parameters: Parameters) -> Parameters:
        """Return the parameters within the ranges that are allowed."""

    @abstractmethod
    def fold(self, incoming: Incoming, parameters: Parameters) -> Constants:
        """Return the constants of the integer model."""

    @abstractmethod
    def forward(
        self,
        constants: Constants,
        current: Float,
        spike: Spike,
        feedback: Feedback | None = None,
    ) -> tuple[Float, Float]:
        """Return (u, spikes), (steps, batch, neurons), of currents in units of the model.

        feedback: what a recurrent edge adds to them
        """

    @abstractmethod
    def backward(
        self,
        constants: Constants,
        u: Float,
        spikes: Float,
        d_spikes: Float,
        held: bool,
        *,
        feedback: Feedback | None = None,
    ) -> Backward:
        """Return the gradients; held: the current was that of all steps."""

    @abstractmethod
    def record(self, constants: Constants) -> Neuron:
        """Return the neuron of the integer model."""
