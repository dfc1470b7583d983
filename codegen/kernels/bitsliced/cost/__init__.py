"""What the parts of the bit-sliced kernel cost, in features: a module for each part."""

from codegen.kernels.bitsliced.cost.currents import currents
from codegen.kernels.bitsliced.cost.layer import held, spikes
from codegen.kernels.bitsliced.cost.readout import readout
from codegen.kernels.bitsliced.cost.slicing import SlicedBytes, sliced_bytes

__all__ = ["SlicedBytes", "currents", "held", "readout", "sliced_bytes", "spikes"]
