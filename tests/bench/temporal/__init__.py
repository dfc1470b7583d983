"""Tasks whose classes lie in the order of time: their data and their networks."""
