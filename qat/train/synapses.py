"""Trainable synapses: sums of inputs by weights, their gradients, and the record that they become.

A twin of a synapse is a frozen description of sizes. Sums are those of the integer codes, exact in
the dtype of the codes, which `fold` chooses so. Signals are flat, (..., values), channels fastest.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.model import Conv, Dense, Shape, Synapse
from qat.model.notation import LayerNote
from qat.model.shape import Padding
from qat.train import convolution
from qat.train.arrays import as_of
from qat.train.fold import Constants, Float, scaled_by_channel, shifts, whole


class SynapseTwin(ABC):
    """What every kind of trainable synapse answers."""

    @property
    @abstractmethod
    def weights(self) -> tuple[int, ...]:
        """The shape of its weights, the channels first."""

    @property
    @abstractmethod
    def n_in(self) -> int:
        """Number of inputs."""

    @property
    @abstractmethod
    def map(self) -> Shape:
        """The shape of its currents."""

    @abstractmethod
    def sums(self, codes: Float, x: NDArray[Any]) -> Float:
        """Return the sums, (..., n_out), of inputs (..., n_in), in the dtype of the codes."""

    @abstractmethod
    def weight_gradient(self, d: Float, x: NDArray[Any]) -> Float:
        """Return dL/d codes from dL/d sums, (..., n_out), in the dtype of d."""

    @abstractmethod
    def input_gradient(self, codes: Float, d: Float) -> Float:
        """Return dL/dx, (..., n_in), from dL/d sums."""

    @abstractmethod
    def record(self, constants: Constants, bits: int) -> Synapse:
        """Return the synapse of the integer model."""

    @property
    def in_channels(self) -> int:
        """Number of inputs at each position: each may have a delay of its own."""
        return self.n_in

    @property
    def n_out(self) -> int:
        """Number of currents."""
        return self.map.size

    @property
    def channels(self) -> int:
        """Number of currents at each position."""
        return self.map.channels

    @property
    def fan_in(self) -> int:
        """Number of weights of a current."""
        return int(np.prod(self.weights[1:]))

    @property
    def products(self) -> int:
        """Products that the sums of one input take."""
        return self.fan_in * self.n_out


@dataclass(frozen=True)
class DenseTwin(SynapseTwin):
    """Twin of `Dense`: weights of (n_out, n_in)."""

    inputs: int
    outputs: int

    @property
    def weights(self) -> tuple[int, ...]:
        """The shape of its weights."""
        return self.outputs, self.inputs

    @property
    def n_in(self) -> int:
        """Number of inputs."""
        return self.inputs

    @property
    def map(self) -> Shape:
        """A vector."""
        return Shape.vector(self.outputs)

    def sums(self, codes: Float, x: NDArray[Any]) -> Float:
        """Return x @ codes.T."""
        flat = as_of(x.reshape(-1, self.inputs), codes)
        return (flat @ codes.T).reshape(*x.shape[:-1], self.outputs)

    def weight_gradient(self, d: Float, x: NDArray[Any]) -> Float:
        """Return d.T @ x."""
        flat = as_of(x.reshape(-1, self.inputs), d)
        return d.reshape(-1, self.outputs).T @ flat

    def input_gradient(self, codes: Float, d: Float) -> Float:
        """Return d @ codes."""
        flat = d.reshape(-1, self.outputs) @ as_of(codes, d)
        return flat.reshape(*d.shape[:-1], self.inputs)

    def record(self, constants: Constants, bits: int) -> Dense:
        """Return the synapse of the integer model."""
        return Dense(whole(constants.codes), bits, whole(constants.bias), **shifts(constants))

    def unbiased(self, codes: Float, bits: int, exponent: int, spiking: bool) -> Dense:
        """Return the synapse of a further edge, which has no bias; exponent: as in Constants."""
        fraction, shift = (-exponent, 0) if spiking else (0, exponent)
        return Dense(whole(codes), bits, fraction_bits=fraction, input_shift=shift)


@dataclass(frozen=True)
class ConvTwin(SynapseTwin):
    """Twin of `Conv`: weights of (channels, kernel height, kernel width, channels read).

    grid: the map that it reads; channels_made: None for a depthwise convolution
    """

    grid: Shape
    channels_made: int | None
    kernel: tuple[int, int]
    stride: int = 1
    padding: Padding = "same"

    @property
    def weights(self) -> tuple[int, ...]:
        """The shape of its weights."""
        if self.channels_made is None:
            return self.grid.channels, *self.kernel, 1
        return self.channels_made, *self.kernel, self.grid.channels

    @property
    def n_in(self) -> int:
        """Values of the map that it reads."""
        return self.grid.size

    @property
    def in_channels(self) -> int:
        """Channels of the map that it reads."""
        return self.grid.channels

    @cached_property
    def map(self) -> Shape:
        """The map of its currents."""
        return self.grid.conv(self.kernel, self.stride, self.padding, self.weights[0])

    @cached_property
    def window(self) -> convolution.Window:
        """Where its kernel lies on the map."""
        same = self.padding == "same"
        top, left = ((side - 1) // 2 if same else 0 for side in self.kernel)
        made = self.map
        return convolution.Window(
            self.grid, made.height, made.width, self.kernel, self.stride, top, left
        )

    def sums(self, codes: Float, x: NDArray[Any]) -> Float:
        """Return the sums of every position."""
        of = convolution.depthwise if self.channels_made is None else convolution.sums
        maps = x.reshape(-1, *self.grid.sides)
        return of(self.window, codes, maps).reshape(*x.shape[:-1], self.n_out)

    def weight_gradient(self, d: Float, x: NDArray[Any]) -> Float:
        """Return dL/d codes, summed over all positions."""
        maps, d_sums = x.reshape(-1, *self.grid.sides), d.reshape(-1, *self.map.sides)
        if self.channels_made is None:
            return convolution.depthwise_weight_gradient(self.window, d_sums, maps)
        return convolution.weight_gradient(self.window, d_sums, maps).reshape(self.weights)

    def input_gradient(self, codes: Float, d: Float) -> Float:
        """Return dL/dx of every map."""
        d_sums, same = d.reshape(-1, *self.map.sides), as_of(codes, d)
        of = convolution.input_gradient
        if self.channels_made is None:
            of = convolution.depthwise_input_gradient
        return of(self.window, same, d_sums).reshape(*d.shape[:-1], self.n_in)

    def record(self, constants: Constants, bits: int) -> Conv:
        """Return the synapse of the integer model."""
        return Conv(
            whole(constants.codes),
            self.grid,
            bits,
            whole(constants.bias),
            stride=self.stride,
            padding=self.padding,
            groups=self.grid.channels if self.channels_made is None else 1,
            **shifts(constants),
        )


def synapse_twin(note: LayerNote, given: Shape) -> SynapseTwin:
    """Return the twin of a layer of the notation, on what it reads."""
    if note.extent is None:
        return DenseTwin(given.size, note.currents(given).size)
    return ConvTwin(given, note.channels, note.extent.on(given), note.stride, note.padding)


def currents(constants: Constants, synapse: SynapseTwin, x: NDArray[Any]) -> Float:
    """Return I for inputs of (..., n_in): the equation of the record, exactly."""
    return scaled_by_channel(constants, synapse.sums(constants.codes, x))
