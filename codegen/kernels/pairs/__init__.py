"""A readout of 4-bit weights of few outputs: two in fields of 16 bits, multiplied by the count."""
