"""Ternary convolutions on signals: active inputs listed once a row, every window a run of the list."""
