"""Packed fields of 4 and 8-bit weights: strips of 8 or 16 neurons."""
