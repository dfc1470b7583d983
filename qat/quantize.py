"""Quantizers: the public name of qat.train.quantize."""

from __future__ import annotations

from qat.model.checks import finite
from qat.train.quantize import (
    FAINTEST_LAYER,
    FAINTEST_NEURON,
    QUANTIZERS,
    SMALLEST_RANGE,
    TERNARY_RATIO,
    Float,
    Quantized,
    Quantizer,
    TernaryWeights,
    _ste_quantize,
    real,
    straight_through,
    symmetric_step,
    ternary,
    uniform,
)

__all__ = [
    "FAINTEST_LAYER",
    "FAINTEST_NEURON",
    "QUANTIZERS",
    "SMALLEST_RANGE",
    "TERNARY_RATIO",
    "Float",
    "Quantized",
    "Quantizer",
    "TernaryWeights",
    "_ste_quantize",
    "finite",
    "real",
    "straight_through",
    "symmetric_step",
    "ternary",
    "uniform",
]
