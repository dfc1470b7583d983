"""Ternary convolutions on signals: inputs listed once a row, a window is a run of the list."""
