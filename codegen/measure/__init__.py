"""Exact counts on emulated cores, and the cost model that is fitted to them."""
