"""Ternary depthwise convolutions on signals: channel words with masks, one adder for all taps."""
