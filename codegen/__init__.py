"""Write and run the C of a model: host, emulated Cortex-M, real boards."""

__version__ = "0.1.0"
