"""Exact counts on emulated cores, and what the cost model predicts."""
