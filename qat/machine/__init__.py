"""The machine below: memory, cache, compiled loops."""
