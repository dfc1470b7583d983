"""Ternary readouts of few outputs: several inputs share a column of weights, for flash."""
