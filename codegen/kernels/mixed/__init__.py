"""A dense layer that reads bytes and a signal: a frame, and what it sent itself before."""
