"""The seed API: one quantized layer with a time constant, its training step, its deployment."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qat.data.encode import integer_range
from qat.model import LIF, Count, Dense, Frames, Input, Layer, Model, Spikes, leak_fraction
from qat.model.checks import INT32_MAX, finite
from qat.train.fold import Constants, Inflow, fold, shifts, whole
from qat.train.leak import nearest_leak, residue
from qat.train.quantize import Quantized, _ste_quantize, symmetric_step

Float64 = NDArray[np.float64]

SEED = 42
"""Seed of the initial weights."""

MEMBRANE_RESOLUTION = 256
"""A deployed threshold is at least this many times 1 / lambda, which bounds what floor loses."""

STORED_BITS = {**dict.fromkeys([2], 2), **dict.fromkeys([3, 4], 4)}
STORED_BITS |= {**dict.fromkeys(range(5, 9), 8), **dict.fromkeys(range(9, 17), 16)}
"""Bits that a code of the integer model takes for each `weight_bits`."""


def _vector(what: str, value: ArrayLike, size: int) -> NDArray[Any]:
    array = finite(what, value)
    if array.shape != (size,):
        raise ValueError(f"{what}: found shape {array.shape}; must be ({size},)")
    return array


@dataclass(eq=False)
class QuantizedSNNLayer:
    """A fully connected layer of leaky neurons whose weights are rounded in every forward pass.

        a = exp(-dt / tau_mem)
        v = a * v + (1 - a) * (W_q @ x)         W_q = W rounded to weight_bits
        spike where v >= threshold, then v = v - spike * threshold

    n_inputs, n_neurons: 1 or more
    weight_bits:         2 or more; 2 gives {-A, 0, +A}
    threshold:           a finite number
    tau_mem:             time constant in the unit of dt, above 0; infinity means no leak

    `W` is (n_neurons, n_inputs) float64, `_v` the membranes, (n_neurons,) float64, which are
    kept between calls. Raises ValueError for values outside these ranges.
    """

    n_inputs: int
    n_neurons: int
    weight_bits: int = 8
    threshold: float = 1.0
    tau_mem: float = 20.0

    def __post_init__(self) -> None:
        for name, least in (("n_inputs", 1), ("n_neurons", 1), ("weight_bits", 2)):
            value = getattr(self, name)
            if not isinstance(value, int | np.integer) or value < least:
                raise ValueError(f"{name}: found {value!r}; must be an integer of at least {least}")
        if not isfinite(self.threshold):
            raise ValueError(f"threshold: found {self.threshold}; must be finite")
        if not self.tau_mem > 0:
            raise ValueError(f"tau_mem: found {self.tau_mem}; must be above 0")
        normal = np.random.RandomState(SEED).randn(self.n_neurons, self.n_inputs)
        self.W: Float64 = normal * np.sqrt(2 / self.n_inputs)
        self.reset()

    def reset(self) -> None:
        """Set every membrane to zero."""
        self._v: Float64 = np.zeros(self.n_neurons)

    def export_weights(self) -> Float64:
        """Return the weights that the forward pass uses, (n_neurons, n_inputs) float64."""
        return _ste_quantize(self.W, self.weight_bits)

    def forward(self, x: ArrayLike, dt: float = 1.0) -> Float64:
        """Advance by one step of `dt` and return the spikes, (n_neurons,) float64 of 0 and 1.

        x: (n_inputs,), finite. Raises ValueError for another shape, NaN, or dt not above 0.
        """
        kept, x = self._kept(dt), _vector("x", x, self.n_inputs)
        with np.errstate(over="ignore", invalid="ignore"):  # W is checked, infinity shows in v
            current = self.export_weights() @ x
            v = kept * self._v + (1 - kept) * current
        spikes = (v >= self.threshold).astype(np.float64)
        self._v = v - spikes * self.threshold
        return spikes

    def _kept(self, dt: float) -> float:
        """Return a, the fraction of the membrane that a step of `dt` keeps."""
        if not (isfinite(dt) and dt > 0):
            raise ValueError(f"dt: found {dt}; must be finite and above 0")
        return float(np.exp(-dt / self.tau_mem))

    def to_model(
        self,
        x_scale: float = 1.0,
        input_bits: int = 8,
        steps: int | None = None,
        *,
        signed: bool = True,
        dt: float = 1.0,
        leak_terms: int = 3,
        name: str = "layer",
    ) -> Model:
        """Return this layer as an integer Model; `deployment(model)` tells what it costs.

        The weights are exact. The leak 1 - a becomes the nearest sum of powers of two, the
        threshold a whole number of the membrane's unit (1 - a) * weight step * x_scale * 2**e.

        x_scale:    the real value of an input of 1
        input_bits: 2 to 8 for a frame of integers per step, 1 for spikes
        steps:      T, with spike counts as scores; None for a model that runs free
        signed:     whether the frames are signed; spikes never are
        leak_terms: 1 to 3 powers of two; fewer run faster, more come nearer to tau_mem

        Raises ValueError if tau_mem is infinite (nothing would be integrated, for 1 - a is 0),
        the threshold is not above 0, weight_bits is above 16, or a range is left.
        """
        self._check_deployable(x_scale)
        wanted = 1 - self._kept(dt)
        leak = nearest_leak(wanted, leak_terms)
        step = symmetric_step(self.W, self.weight_bits)
        given = _input(self.n_inputs, input_bits, signed)
        folded = fold(
            Quantized(np.rint(self.W / step), np.array(wanted * step)),
            Inflow(*given.reads, x_scale, given.spiking),
            STORED_BITS[self.weight_bits],
            threshold=self.threshold,
            resolution=MEMBRANE_RESOLUTION / float(leak_fraction(leak)),
        )
        unit = float(folded.unit)
        if not 1 <= round(self.threshold / unit) <= INT32_MAX:
            raise ValueError(f"threshold: is {self.threshold / unit:g} units of the membrane; must "
                             f"be 1 to {INT32_MAX}; choose another x_scale")  # fmt: skip
        return Model(
            given,
            (_layer(folded, STORED_BITS[self.weight_bits], leak),),
            None if steps is None else Count(),
            steps,
            name,
            {"deployment": asdict(_deployment(self.threshold, unit, wanted, leak, x_scale))},
        )

    def _check_deployable(self, x_scale: float) -> None:
        if self.tau_mem == float("inf"):
            raise ValueError("tau_mem: is infinite, so the input's weight 1 - exp(-dt / tau_mem) "
                             "is 0 and nothing is integrated; give a finite tau_mem")  # fmt: skip
        if not self.threshold > 0:
            raise ValueError(f"threshold: found {self.threshold}; must be above 0 to be deployed")
        if self.weight_bits not in STORED_BITS:
            raise ValueError(f"weight_bits: found {self.weight_bits}; a Model holds 2 to 16")
        if not (isfinite(x_scale) and x_scale > 0):
            raise ValueError(f"x_scale: found {x_scale}; must be finite and above 0")
        finite("W", self.W)


def _input(size: int, bits: int, signed: bool) -> Input:
    return Spikes(size) if bits == 1 else Frames(size, *integer_range(bits, signed))


@dataclass(frozen=True)
class Deployment:
    """What a layer lost on its way to integers.

    leak_wanted:     1 - exp(-dt / tau_mem)
    leak_given:      the sum of the powers of two that stands for it
    leak_error:      |given - wanted| / wanted
    residue:         largest membrane at rest, for floor shifts stop short of 0, in thresholds
    threshold_error: |rounded - wanted| / wanted of the threshold
    unit:            the real value of 1 in the integer membrane
    x_scale:         the real value of 1 in the input
    """

    leak_wanted: float
    leak_given: float
    leak_error: float
    residue: float
    threshold_error: float
    unit: float
    x_scale: float


def _deployment(
    threshold: float, unit: float, wanted: float, leak: tuple[int, ...], x_scale: float
) -> Deployment:
    given = float(leak_fraction(leak))
    return Deployment(
        leak_wanted=wanted,
        leak_given=given,
        leak_error=abs(given - wanted) / wanted,
        residue=residue(leak) * unit / threshold,
        threshold_error=abs(round(threshold / unit) * unit - threshold) / threshold,
        unit=unit,
        x_scale=float(x_scale),
    )


def deployment(model: Model) -> Deployment:
    """Return the report of a model that `to_model` made; it travels in the model's metadata.

    Raises ValueError for any other model.
    """
    try:
        return Deployment(**model.metadata["deployment"])
    except (KeyError, TypeError):
        raise ValueError("model: was not made by QuantizedSNNLayer.to_model") from None


def quantize_aware_train_step(
    layer: QuantizedSNNLayer, x: ArrayLike, target: ArrayLike, lr: float = 0.01
) -> dict[str, Any]:
    """Run one forward step, move the weights straight through their rounding, and return both.

        loss = 0.5 * sum((output - target)**2)        W = W - lr * outer(output - target, x)

    x:      (n_inputs,), finite
    target: (n_neurons,), finite

    Returns {"output": the spikes, "loss": a float}. The layer keeps its membranes; call
    `layer.reset()` between sequences. Raises ValueError, before anything changes, for another
    shape or NaN.
    """
    inputs = _vector("x", x, layer.n_inputs)
    wanted = _vector("target", target, layer.n_neurons)
    if not isfinite(lr):
        raise ValueError(f"lr: found {lr}; must be finite")
    output = layer.forward(inputs)
    difference = output - wanted
    with np.errstate(over="ignore", invalid="ignore"):  # seen in the loss, and by the next forward
        layer.W = layer.W - lr * np.outer(difference, inputs)
        loss = 0.5 * float(np.sum(difference**2))
    return {"output": output, "loss": loss}


def _layer(folded: Constants, bits: int, leak: tuple[int, ...]) -> Layer:
    """Return the layer of folded constants."""
    assert folded.threshold is not None
    synapse = Dense(whole(folded.codes), bits, whole(folded.bias), **shifts(folded))
    return Layer(synapse, LIF(whole(folded.threshold), leak))
