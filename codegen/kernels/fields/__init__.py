"""A readout of 8-bit weights in fields of 16 bits."""
