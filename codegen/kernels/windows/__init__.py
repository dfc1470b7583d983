"""Ternary convolutions on signals: inputs listed once a row, every window a run of the list."""
