"""A readout of leaky integrators: plain integers, a column of codes per input, in every step."""
