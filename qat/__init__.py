"""Train spiking networks with low-bit weights: the integers of training are those of the chip."""
