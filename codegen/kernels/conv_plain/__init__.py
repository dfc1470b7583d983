"""Convolutions in plain integers: position after position, tap after tap."""
