"""Settings and arrays of the time loop as its compiled twin takes them (qat/machine/lif.c)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.machine import native
from qat.model.checks import spread_over
from qat.model.leak import LeakClasses
from qat.train.arrays import is_numpy
from qat.train.dynamics import Dynamics, Float
from qat.train.feedback import Feedback
from qat.train.surrogate import Surrogate

KINDS = {name: i for i, name in enumerate(native.SURROGATES)}
"""The number of each surrogate in the C."""


def loops(surrogate: Surrogate) -> str:
    """Return which loops a training with this surrogate goes through: "compiled" or "NumPy".

    Both make the same spikes to the bit. Their gradients differ in the last digits, so that they
    may train different networks.
    """
    known = surrogate.name in KINDS and native.library() is not None
    return "compiled" if known else "NumPy"


def library_for(values: Float, feedback: Feedback | None) -> native.Library | None:
    """Return the compiled loops if there are any for these values."""
    if feedback is not None and not feedback.compiled:
        return None
    known = is_numpy(values) and values.dtype == np.float32 and values.size
    return native.library() if known else None


def echo_of(weights: Float, feedback: Feedback) -> tuple[Float, NDArray[np.int32]]:
    """Return a recurrent edge as the compiled loops take it, its weights as they are given."""
    return np.ascontiguousarray(weights, np.float32), feedback.lags.whole.astype(np.int32)


def rows_of(threshold: Float, dynamics: Dynamics, values: Float) -> tuple[Float, ...]:
    """Return threshold, reset_to and q for every neuron of values, (neurons,) each."""
    constants = (threshold, dynamics.reset_to, dynamics.raised)
    wide = (np.broadcast_to(np.asarray(one, np.float32), values.shape[2:]) for one in constants)
    return tuple(map(np.ascontiguousarray, wide))


def leak_rows(dynamics: Dynamics, values: Float) -> Float | None:
    """Return kept, then scale and sign of every term of each neuron; None where all share them."""
    if not isinstance(dynamics.leak, LeakClasses):
        return None
    rows = (dynamics.kept, *(row for term in dynamics.by_term for row in term))
    return np.array([spread_over(row, values.shape[2]) for row in rows], np.float32)


def _leak_fields(name: str, dynamics: Dynamics | None) -> dict[str, Any]:
    """Return the fields of a leak of lif_settings; one of no terms that keeps all, for None.

    Of classes the number of terms alone, for what they are is in rows.
    """
    terms = () if dynamics is None else dynamics.by_term
    found = {"terms": -1 if dynamics is not None and not dynamics.rounded else len(terms)}
    if dynamics is not None and isinstance(dynamics.leak, LeakClasses):
        return {name: found}
    scales, signs = zip(*terms, strict=True) if terms else ((), ())
    kept = 1.0 if dynamics is None else dynamics.kept
    return {name: {**found, "scale": list(scales), "sign": list(signs), "kept": kept}}


def fields_of(dynamics: Dynamics, shape: tuple[int, ...], held: bool) -> dict[str, Any]:
    """Return the fields of lif_settings in qat/machine/lif.c."""
    low, high = dynamics.limits or (0, 0)
    return {
        **dict(zip(("steps", "batch", "neurons"), shape, strict=True)),
        "held": held,
        **_leak_fields("leak", dynamics),
        **_leak_fields("leak_c", dynamics.synaptic),
        **_leak_fields("leak_b", dynamics.adaptation),
        "flows": dynamics.synaptic is not None,
        "adapts": dynamics.adaptation is not None,
        "replaces": dynamics.replaces,
        "late": dynamics.late,
        "limited": dynamics.limits is not None,
        "low": low,
        "high": high,
        "most": dynamics.most,
        "amplitude": 1.0,
        "truncate": 0,
    }
