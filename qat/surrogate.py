"""Surrogate gradients: the public name of qat.train.surrogate."""

from __future__ import annotations

from qat.train.surrogate import SLOPE, SURROGATES, Float, Surrogate, heaviside

__all__ = [
    "SLOPE",
    "SURROGATES",
    "Float",
    "Surrogate",
    "heaviside",
]
