"""The time loop of leaky integrate-and-fire neurons, forward and backward.

Everything is an array of (steps, batch, neurons) in units of the integer membrane, so that
the forward pass computes the integers of `qat.model.run` in float; the caller chooses a
dtype in which they are exact. For float32 a compiled loop stands in where there is one
(qat/machine/native.py): the same forward pass to the bit, gradients equal but for rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.machine import native
from qat.model.leak import leak_fraction
from qat.model.leaky import Reset
from qat.train.arrays import as_of, empty, is_numpy, namespace
from qat.train.feedback import Feedback
from qat.train.surrogate import Surrogate, heaviside

Float = NDArray[np.floating[Any]]
Spike = Callable[[Float], Float]


@dataclass(frozen=True)
class Dynamics:
    """What a neuron does with its membrane; see qat.model.LIF for the equations.

    leak:    signed shifts, as in LIF
    reset:   "subtract", "zero" or "value"
    limits:  (floor, ceiling) of u in integer units, or None
    rounded: True for shifts that round down, False for the exact fraction (float networks)
    most:    spikes of a neuron in one step, at most: one for each threshold that u holds
    reset_to: what a reset leaves that does not subtract, () or (neurons,)
    """

    leak: tuple[int, ...] = ()
    reset: Reset = "subtract"
    limits: tuple[int, int] | None = None
    rounded: bool = True
    most: int = 1
    reset_to: Any = 0.0

    @property
    def subtracts(self) -> bool:
        """True if a spike subtracts the threshold."""
        return self.reset == "subtract"

    @cached_property
    def kept(self) -> float:
        """1 - lambda: the part of a membrane that one step keeps."""
        return 1.0 - float(leak_fraction(self.leak))


def decay(v: Float, dynamics: Dynamics) -> Float:
    """Return v - leak(v), of the shape and dtype of v."""
    if not dynamics.rounded:
        return v * dynamics.kept
    u, floor = v, namespace(v).floor
    for k in dynamics.leak:
        shifted = floor(v * 2.0 ** -abs(k))
        u = u + shifted if k < 0 else u - shifted
    return u


def forward(
    current: Float,
    threshold: Float,
    dynamics: Dynamics,
    steps: int,
    spike: Spike = heaviside,
    *,
    feedback: Feedback | None = None,
) -> tuple[Float, Float]:
    """Run `steps` steps from v = 0 and return (u before the reset, spikes).

    current:   (steps, batch, neurons), or (1, batch, neurons) for one that is held
    threshold: () or (neurons,)
    spike:     of x = u / threshold - 1; anything but the step serves to check gradients
    feedback:  what spikes of earlier steps add to the current

    Returns two arrays of (steps, batch, neurons) in the dtype of `current`.
    """
    library = _library(current, feedback)
    if library is not None and spike is heaviside:
        held = len(current) == 1
        settings = library.settings(**_fields(dynamics, (steps, *current.shape[1:]), held))
        echo = None if feedback is None else _echo(feedback.weights.T, feedback)
        rows = _row(threshold, current), _row(dynamics.reset_to, current)
        return library.forward(settings, np.ascontiguousarray(current), *rows, echo=echo)
    xp, u = namespace(current), empty((steps, *current.shape[1:]), current)
    spikes, v = xp.empty_like(u), xp.zeros_like(u[0])
    for t in range(steps):
        u[t] = decay(v, dynamics) + current[t % len(current)]
        if feedback is not None:
            u[t] += feedback.current(spikes, t)
        if dynamics.limits is not None:
            u[t] = xp.clip(u[t], *dynamics.limits)
        spikes[t] = _emitted(u[t], threshold, dynamics.most, spike)
        v = u[t] - _taken(u[t], spikes[t], threshold, dynamics)
    return u, spikes


def _taken(u: Float, spikes: Float, threshold: Float, dynamics: Dynamics) -> Float:
    """Return what the reset takes from u."""
    if dynamics.subtracts:
        return spikes * threshold
    return spikes.clip(None, 1) * (u - _to(dynamics, u))


def _to(dynamics: Dynamics, u: Float) -> Float:
    """Return what a reset leaves, in the dtype of u."""
    return as_of(dynamics.reset_to, u)


def _emitted(u: Float, threshold: Float, most: int, spike: Spike) -> Float:
    """Return the spikes of one step: one for each of the first `most` thresholds that u reaches."""
    if spike is not heaviside:
        smooth: Any = sum(spike(u / threshold - j) for j in range(1, most + 1))
        return smooth
    found = as_of(u >= threshold, u)
    for j in range(2, most + 1):
        found += u >= j * threshold
    return found


_KINDS = {name: i for i, name in enumerate(native.SURROGATES)}
"""The number of each surrogate in the C."""


def loops(surrogate: Surrogate) -> str:
    """Return which loops a training with this surrogate goes through: "compiled" or "NumPy".

    Both make the same spikes to the bit. Their gradients differ in the last digits, so that they
    may train different networks.
    """
    known = surrogate.name in _KINDS and native.library() is not None
    return "compiled" if known else "NumPy"


def _library(values: Float, feedback: Feedback | None) -> native.Library | None:
    """Return the compiled loops if there are any for these values."""
    if feedback is not None and not feedback.compiled:
        return None
    known = is_numpy(values) and values.dtype == np.float32 and values.size
    return native.library() if known else None


def _echo(weights: Float, feedback: Feedback) -> tuple[Float, NDArray[np.int32]]:
    """Return a recurrent edge as the compiled loops take it, its weights as they are given."""
    return np.ascontiguousarray(weights, np.float32), feedback.lags.whole.astype(np.int32)


def _row(constant: Float, values: Float) -> Float:
    """Return a constant for every neuron of values, (neurons,)."""
    same = np.asarray(constant, np.float32)
    return np.ascontiguousarray(np.broadcast_to(same, values.shape[2:]))


def _fields(dynamics: Dynamics, shape: tuple[int, ...], held: bool) -> dict[str, Any]:
    """Return the fields of lif_settings in qat/machine/lif.c."""
    low, high = dynamics.limits or (0, 0)
    return {
        **dict(zip(("steps", "batch", "neurons"), shape, strict=True)),
        "held": held,
        "terms": len(dynamics.leak) if dynamics.rounded else -1,
        "scale": [2.0 ** -abs(k) for k in dynamics.leak],
        "sign": [1.0 if k < 0 else -1.0 for k in dynamics.leak],
        "kept": dynamics.kept,
        "replaces": not dynamics.subtracts,
        "limited": dynamics.limits is not None,
        "low": low,
        "high": high,
        "most": dynamics.most,
        "amplitude": 1.0,
        "truncate": 0,
    }


@dataclass(frozen=True, eq=False)
class Gradients:
    """dL/d current, (steps, batch, neurons) or (1, batch, neurons), dL/d threshold, (neurons,)."""

    current: Float
    threshold: Float


def backward(
    d_spikes: Float,
    u: Float,
    spikes: Float,
    threshold: Float,
    dynamics: Dynamics,
    *,
    surrogate: Surrogate,
    detach_reset: bool = True,
    held: bool = False,
    feedback: Feedback | None = None,
    truncate: int = 0,
) -> Gradients:
    """Return the gradients of a forward run by backpropagation through time.

    With h' the surrogate at u / threshold - 1, from the last step to the first:

        dS_t = dL/dS_t - dv_t * threshold          (reset by subtraction, not detached)
        dS_t = dL/dS_t - dv_t * (u_t - reset_to)   (reset to zero or a value, not detached)
        du_t = dS_t * h' / threshold + dv_t * (1, or 1 - S_t where not by subtraction)
        dv_(t-1) = (1 - lambda) * du_t             (floor: straight through)

    and, of a recurrent edge, what du_t says of the spikes that arrived added to their dL/dS.

    A detached reset counts S_t in it as a constant (Zenke and Vogels, 2021), the default. Where a
    step has several spikes, h' is that of the nearest of their thresholds.

    d_spikes: dL/dS, (steps, batch, neurons), or (1, batch, neurons) where all steps share it
    u, spikes: as `forward` returned them
    held:     the current was held: its gradient is the sum over the steps
    feedback: as for `forward`
    truncate: 0, or the steps after which memory passes no gradient on: none goes from step t to
              earlier ones, through membranes or recurrent edges, where truncate divides t
    """
    if _library(u, feedback) is not None and surrogate.name in _KINDS:
        more: dict[str, Any] = {
            "surrogate": _KINDS[surrogate.name],
            "amplitude": surrogate.amplitude,
            "slope": surrogate.slope,
            "detached": detach_reset,
            "held": held,
            "truncate": truncate,
            "feedback": feedback,
        }
        return _compiled_backward(d_spikes, u, spikes, threshold, dynamics, **more)
    xp = namespace(u)
    slope = surrogate.derivative(u / threshold - _nearest(u, threshold, dynamics.most))
    slope /= threshold
    if feedback is None:
        du = d_spikes * slope
        d_threshold = -xp.einsum("tbn,tbn->n", du, u) / threshold
    else:
        d, du = xp.empty_like(u), xp.empty_like(u)
        d[...], d_threshold = d_spikes, xp.zeros_like(u[0, 0])
    dv = xp.zeros_like(u[0])
    for t in reversed(range(len(u))):
        if feedback is not None:  # d has what later steps sent back
            du[t] = d[t] * slope[t]
            d_threshold -= (du[t] * u[t]).sum(axis=0) / threshold
        if not detach_reset:
            subtracts = dynamics.subtracts
            taken = threshold if subtracts else u[t] - _to(dynamics, u)
            through_spike = dv * taken * slope[t]
            du[t] -= through_spike
            d_threshold += (through_spike * u[t]).sum(axis=0) / threshold
            d_threshold -= (spikes[t] * dv).sum(axis=0) * subtracts
        du[t] += dv if dynamics.subtracts else dv * (1 - spikes[t].clip(None, 1))
        if dynamics.limits is not None:
            du[t] *= (u[t] > dynamics.limits[0]) & (u[t] < dynamics.limits[1])
        first = t - t % truncate if truncate else 0
        dv = du[t] * dynamics.kept
        if truncate and first == t:
            dv = xp.zeros_like(dv)
        if feedback is not None:
            feedback.send_back(d, du[t], t, first)
    return Gradients(du.sum(axis=0, keepdims=True) if held else du, d_threshold)


def _nearest(u: Float, threshold: Float, most: int) -> Float | int:
    """Return which threshold, 1 to `most`, is the nearest to u."""
    return 1 if most == 1 else namespace(u).floor(u / threshold + 0.5).clip(1, most)


def _compiled_backward(
    d_spikes: Float,
    u: Float,
    spikes: Float,
    threshold: Float,
    dynamics: Dynamics,
    *,
    feedback: Feedback | None,
    **more: Any,
) -> Gradients:
    library = native.library()
    assert library is not None
    settings = library.settings(**{**_fields(dynamics, u.shape, False), **more})
    d, u, spikes = (np.ascontiguousarray(a, np.float32) for a in (d_spikes, u, spikes))
    echo = None if feedback is None else _echo(feedback.weights, feedback)
    rows = _row(threshold, u), _row(dynamics.reset_to, u)
    d_current, d_theta = library.backward(settings, d, u, spikes, *rows, echo=echo)
    return Gradients(d_current, d_theta.astype(np.float32))
