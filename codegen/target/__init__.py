"""Boards: build for them, run on them, talk to them."""
