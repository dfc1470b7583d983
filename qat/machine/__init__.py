"""This computer: memory, caches, files from outside, other programs, compiled loops."""
