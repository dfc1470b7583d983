"""Digests: what names a model by what it computes, whatever its file looks like.

Every record says itself what counts, as bytes, in an order that never changes. What is absent
leaves no mark, so that a later optional field does not change the digest of models without it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from qat.model.model import Model


def line(*values: Any) -> bytes:
    """Return a line of text."""
    return (" ".join(str(value) for value in values) + "\n").encode()


def spread(name: str, values: Any, size: int) -> bytes:
    """Return constants: one for all counts as the same value `size` times."""
    return line(name, size) + np.broadcast_to(values, size).astype("<i4").tobytes()


def digest(model: Model) -> str:
    """Return 32 hex digits over everything that changes results, and nothing else.

    Per-layer constants count as the same value for every neuron, the reset constant is spelled
    out. Names, metadata and the number of bits that a code is stored in lie outside.
    """
    h = hashlib.sha256(b"spikemcu model 1\n")
    for part in model.input.digested():
        h.update(part)
    h.update(line("steps", model.steps))
    for index, layer in enumerate(model.layers):
        for part in layer.digested(index):
            h.update(part)
    h.update(line("readout", type(model.readout).__name__))
    if model.readout is not None:
        for part in model.readout.digested():
            h.update(part)
    if model.stop is not None:
        h.update(line("stop", model.stop.margin, model.stop.first))
    if model.sensor is not None:
        for part in model.sensor.digested(model.steps):
            h.update(part)
    if model.detector is not None:
        for part in model.detector.digested():
            h.update(part)
    return h.hexdigest()[:32]
