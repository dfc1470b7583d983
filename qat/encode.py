"""Encodings: the public name of qat.data.encode and of qat.train.inflow."""

from __future__ import annotations

from qat.data.encode import drop_bits, integer_range, resample, to_integers, windows
from qat.train.inflow import EVENTS, INPUTS, input_record, time_major

__all__ = [
    "EVENTS",
    "INPUTS",
    "drop_bits",
    "input_record",
    "integer_range",
    "resample",
    "time_major",
    "to_integers",
    "windows",
]
