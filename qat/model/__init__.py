"""The integer model: the one description that training writes and everything else reads.

`Model.run` is the specification: the generated C, on this machine and on every target,
must return the same integers.
"""

from __future__ import annotations

from qat.model.activity import Activity
from qat.model.atomic import unwritable, write_atomically, write_file, writing
from qat.model.bounds import Bounds, LayerBounds
from qat.model.checks import INT32_MAX, MAX_LAYERS
from qat.model.conv import Conv
from qat.model.detector import Detector
from qat.model.edges import INPUT, MAX_DELAY, SYNAPSES, Edge
from qat.model.execution import Result, check_input, join
from qat.model.inputs import INPUTS, Analog, Delta, Frames, Input, Latency, Rate, Spikes
from qat.model.intervals import Interval
from qat.model.layer import Layer
from qat.model.leak import LeakClasses, leak_fraction
from qat.model.leaky import Leaky
from qat.model.model import Model
from qat.model.names import (
    C_KEYWORDS,
    FILE_NAMES,
    MAX_NAME,
    KnownName,
    c_name,
    check_c_name,
    meets,
    safe_name,
)
from qat.model.neurons import ALIF, LIF, NEURONS, Burst, CuBa, Neuron, Reach, Step
from qat.model.pool import Pool
from qat.model.rates import Rates
from qat.model.readouts import LI, READOUTS, Accumulate, Count, EarlyStop, Readout
from qat.model.sensor import Sensor
from qat.model.shape import Shape
from qat.model.spectrum import FrontEnd, Spectrum
from qat.model.state import State
from qat.model.synapses import CODE_RANGE, Dense, Synapse, exact_matmul
from qat.model.words import did_you_mean

__all__ = [
    "ALIF",
    "CODE_RANGE",
    "C_KEYWORDS",
    "FILE_NAMES",
    "INPUT",
    "INPUTS",
    "INT32_MAX",
    "LI",
    "LIF",
    "MAX_DELAY",
    "MAX_LAYERS",
    "MAX_NAME",
    "NEURONS",
    "READOUTS",
    "SYNAPSES",
    "Accumulate",
    "Activity",
    "Analog",
    "Bounds",
    "Burst",
    "Conv",
    "Count",
    "CuBa",
    "Delta",
    "Dense",
    "Detector",
    "EarlyStop",
    "Edge",
    "Frames",
    "FrontEnd",
    "Input",
    "Interval",
    "KnownName",
    "Latency",
    "Layer",
    "LayerBounds",
    "LeakClasses",
    "Leaky",
    "Model",
    "Neuron",
    "Pool",
    "Rate",
    "Rates",
    "Reach",
    "Readout",
    "Result",
    "Sensor",
    "Shape",
    "Spectrum",
    "Spikes",
    "State",
    "Step",
    "Synapse",
    "c_name",
    "check_c_name",
    "check_input",
    "did_you_mean",
    "exact_matmul",
    "join",
    "leak_fraction",
    "meets",
    "safe_name",
    "unwritable",
    "write_atomically",
    "write_file",
    "writing",
]
