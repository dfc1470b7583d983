"""Ternary weights that are mostly zero: a list per input."""
