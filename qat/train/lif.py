"""The time loop of neurons with a leaky membrane, forward and backward: LIF, CuBa, ALIF.

Everything is an array of (steps, batch, neurons) in units of the integer membrane, so that
the forward pass computes the integers of `qat.model.run` in float; the caller chooses a
dtype in which they are exact. For float32 a compiled loop stands in where there is one
(qat/machine/native.py): the same forward pass to the bit, gradients equal but for rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from qat.machine import native
from qat.train.arrays import as_of, empty, namespace
from qat.train.compiled import KINDS, echo_of, fields_of, leak_rows, library_for, rows_of
from qat.train.dynamics import Dynamics, Float, Spike, decay, of_each
from qat.train.feedback import Feedback
from qat.train.surrogate import Surrogate, heaviside


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
    library = library_for(current, feedback)
    if library is not None and spike is heaviside:
        held = len(current) == 1
        settings = library.settings(**fields_of(dynamics, (steps, *current.shape[1:]), held))
        echo = None if feedback is None else echo_of(feedback.weights.T, feedback)
        rows, leaks = rows_of(threshold, dynamics, current), leak_rows(dynamics, current)
        return library.forward(
            settings, np.ascontiguousarray(current), *rows, echo=echo, leaks=leaks
        )
    xp, u = namespace(current), empty((steps, *current.shape[1:]), current)
    spikes, v = xp.empty_like(u), xp.zeros_like(u[0])
    c, b = v, v
    for t in range(steps):
        inflow = current[t % len(current)]
        if feedback is not None:
            inflow = inflow + feedback.current(spikes, t)
        if dynamics.synaptic is not None:
            inflow = c = decay(c, dynamics.synaptic) + inflow
        u[t] = decay(v, dynamics) + inflow
        if dynamics.late and t:
            u[t] *= 1 - spikes[t - 1]
        if dynamics.limits is not None:
            u[t] = xp.clip(u[t], *dynamics.limits)
        theta = threshold if dynamics.adaptation is None else threshold + b
        spikes[t] = _emitted(u[t], theta, dynamics.most, spike)
        v = u[t] - _taken(u[t], spikes[t], threshold, dynamics)
        if dynamics.adaptation is not None:
            b = _raised(b, spikes[t], dynamics)
    return u, spikes


def _raised(b: Float, spikes: Float, dynamics: Dynamics) -> Float:
    """Return what adds to the threshold after a step: b - (b >> k) + q S."""
    assert dynamics.adaptation is not None
    return decay(b, dynamics.adaptation) + spikes * as_of(dynamics.raised, spikes)


def thresholds(spikes: Float, threshold: Float, dynamics: Dynamics) -> Float:
    """Return the threshold of every step: that of all, or (steps, batch, neurons) where it adapts.

    spikes: (steps, batch, neurons), which raise it
    """
    if dynamics.adaptation is None:
        return threshold
    xp = namespace(spikes)
    found, b = xp.empty_like(spikes), xp.zeros_like(spikes[0])
    for t in range(len(spikes)):
        found[t] = threshold + b
        b = _raised(b, spikes[t], dynamics)
    return found


def _taken(u: Float, spikes: Float, threshold: Float, dynamics: Dynamics) -> Float:
    """Return what the reset takes from u."""
    if dynamics.subtracts:
        return spikes * threshold
    if dynamics.late:
        return 0 * spikes
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
        du_t = dS_t * h' / threshold + dv_t * (1, or 1 - S_t where a spike leaves a value)
        du_t = du_t * (1 - S_(t-1))                (of a late reset, which is detached always)
        dv_(t-1) = (1 - lambda) * du_t             (floor: straight through)

    and, of a recurrent edge, what dI_t says of the spikes that arrived added to their dL/dS. Where
    a current flows before the membrane, and where the threshold adapts to theta_t,

        dI_t = dc_t = du_t + (1 - lambda_c) * dc_(t+1)             else dI_t = du_t
        dS_t += q * db_t
        dtheta_t = - dS_t * h' * u_t / theta_t**2
        db_(t-1) = (1 - 2**-k) * db_t + dtheta_t

    with h' the surrogate at u_t / theta_t - 1. q is a fixed part of the threshold, whose gradient
    has that of q as well.

    A detached reset counts S_t in it as a constant (Zenke and Vogels, 2021), the default. Where a
    step has several spikes, h' is that of the nearest of their thresholds.

    d_spikes: dL/dS, (steps, batch, neurons), or (1, batch, neurons) where all steps share it
    u, spikes: as `forward` returned them
    held:     the current was held: its gradient is the sum over the steps
    feedback: as for `forward`
    truncate: 0, or the steps after which memory passes no gradient on: none goes from step t to
              earlier ones, through membranes or recurrent edges, where truncate divides t
    """
    detach_reset = detach_reset or dynamics.late
    if library_for(u, feedback) is not None and surrogate.name in KINDS:
        more: dict[str, Any] = {
            "surrogate": KINDS[surrogate.name],
            "amplitude": surrogate.amplitude,
            "slope": surrogate.slope,
            "detached": detach_reset,
            "held": held,
            "truncate": truncate,
            "feedback": feedback,
        }
        return _compiled_backward(d_spikes, u, spikes, threshold, dynamics, **more)
    back = _Back(d_spikes, u, spikes, threshold, dynamics, surrogate=surrogate)
    for t in reversed(range(len(u))):
        first = t - t % truncate if truncate else 0
        back.step(t, detach_reset, ends=truncate > 0 and first == t)
        if feedback is not None:
            feedback.send_back(back.d, back.du[t], t, first)
    current = back.du.sum(axis=0, keepdims=True) if held else back.du
    return Gradients(current, back.d_threshold)


class _Back:
    """Gradients on their way from the last step to the first.

    d:  dL/dS, (steps, batch, neurons), with what later steps sent back to it
    du: dL/d current, (steps, batch, neurons); dL/du until a current before the membrane joins
    dv, dc, db: what the step after sends to this one's membrane, synaptic current and threshold,
        (batch, neurons)
    """

    def __init__(
        self,
        d_spikes: Float,
        u: Float,
        spikes: Float,
        threshold: Float,
        dynamics: Dynamics,
        *,
        surrogate: Surrogate,
    ) -> None:
        self.u, self.spikes, self.threshold, self.dynamics = u, spikes, threshold, dynamics
        xp, theta = namespace(u), thresholds(spikes, threshold, dynamics)
        self.slope = surrogate.derivative(u / theta - _nearest(u, theta, dynamics.most))
        self.slope /= theta
        self.fall = u / theta  # of the spike, as the threshold rises, in units of its slope
        self.d, self.du = xp.empty_like(u), xp.empty_like(u)
        self.d[...], self.d_threshold = d_spikes, xp.zeros_like(u[0, 0])
        self.dv, self.dc, self.db = (xp.zeros_like(u[0]) for _ in range(3))
        self.kept = of_each(dynamics.kept, u)

    def step(self, t: int, detach_reset: bool, ends: bool) -> None:
        """Go back through step t; where it `ends`, nothing goes on to the step before."""
        u, du, dynamics = self.u[t], self.du, self.dynamics
        du[t] = self._of_spikes(t, detach_reset) * self.slope[t]
        d_theta = -du[t] * self.fall[t]
        self.d_threshold += d_theta.sum(axis=0)
        du[t] += self.dv * (1 - self.spikes[t].clip(None, 1)) if dynamics.replaces else self.dv
        if dynamics.limits is not None:
            du[t] *= (u > dynamics.limits[0]) & (u < dynamics.limits[1])
        if dynamics.late and t:
            du[t] *= 1 - self.spikes[t - 1]
        self.dv = du[t] * (0.0 if ends else self.kept)
        if dynamics.adaptation is not None:
            self.db = (self.db * dynamics.adaptation.kept + d_theta) * (not ends)
        if dynamics.synaptic is not None:
            du[t] += self.dc
            self.dc = du[t] * (0.0 if ends else dynamics.synaptic.kept)

    def _of_spikes(self, t: int, detach_reset: bool) -> Float:
        """Return dL/dS of step t, with what spikes do to the threshold and by the reset."""
        u, spikes, dynamics = self.u[t], self.spikes[t], self.dynamics
        ds = self.d[t]
        if dynamics.adaptation is not None:
            raised = as_of(dynamics.raised, self.u)
            ds = ds + self.db * raised
            self.d_threshold += (spikes * self.db).sum(axis=0) * raised / self.threshold
        if not detach_reset:
            taken = self.threshold if dynamics.subtracts else u - _to(dynamics, self.u)
            ds = ds - self.dv * taken
            self.d_threshold -= (spikes * self.dv).sum(axis=0) * dynamics.subtracts
        return ds


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
    settings = library.settings(**{**fields_of(dynamics, u.shape, False), **more})
    d, u, spikes = (np.ascontiguousarray(a, np.float32) for a in (d_spikes, u, spikes))
    echo = None if feedback is None else echo_of(feedback.weights, feedback)
    rows, leaks = rows_of(threshold, dynamics, u), leak_rows(dynamics, u)
    d_current, d_theta = library.backward(settings, d, u, spikes, *rows, echo=echo, leaks=leaks)
    return Gradients(d_current, d_theta.astype(np.float32))
