"""From a trained network to the integer Model; its constants are whole numbers already.

The forward pass of training already computes the integers, so nothing is rounded here; a
value that is not whole would be a mistake of ours.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from qat.model import Activity, Count, FrontEnd, Model
from qat.model.inputs import Input
from qat.train.chain import Chain
from qat.train.fold import Constants
from qat.train.network import Network


def activity_of(net: Network, x: ArrayLike) -> Activity:
    """Return how active a network is on inputs: what its cost on a core depends on."""
    arriving = net.encode(net.check(x))
    levels = [twin.levels for twin in net.layers]
    reads = net.encoder.reads
    return Activity.of_spikes(arriving, *reads, net.run(x).spikes, net.steps, levels=levels)


def export(net: Network, name: str = "snn", x: ArrayLike | None = None) -> Model:
    """Return the integer Model of a network: the same scores and spikes as its forward pass.

    name: a C identifier, the prefix of every generated name
    x:    inputs on which the firing rates are measured; by default those that `fit` measured on
          validation data

    The metadata holds what `fit` reported ("accuracy", "training", "x_scale" and "x_offset": the
    real values of 1 and of 0 in the input), "firing_rates", the mean spikes per neuron and step
    of every spiking layer, "activity", what the cost on a core depends on (Activity), and "data",
    how the data were read and divided (qat.data.origin.DataOrigin). What was
    trained on samples of a sensor carries the Sensor, "sample_unit" and the names of "channels".

    Raises ValueError for a network with real weights, one whose input range is not known, or one
    that the integer model refuses.
    """
    if net.is_float:
        layers = ", ".join(str(i) for i, bits in enumerate(net.bits) if bits is None)
        raise ValueError(
            f"export: layer {layers} has real weights (bits=None); only networks with 2, 4, 8 or "
            "16 bits can be exported; train one with these bits"
        )
    if net.input_range is None and net.input != "spikes":
        raise ValueError("export: the network's input_range is not known; train it, or give one")
    metadata = dict(net.report)
    if x is not None:
        metadata["firing_rates"] = list(net.run(x).firing_rates)
        metadata["activity"] = activity_of(net, x).to_json()
    constants = net.fold()
    return assembled(
        net.encoder, net.chain, constants, name=name, metadata=metadata, sensor=net.sensor
    )


def assembled(
    encoder: Input,
    chain: Chain,
    constants: tuple[Constants, ...],
    *,
    name: str,
    metadata: dict[str, Any],
    sensor: FrontEnd | None,
) -> Model:
    """Return the Model of the layers of a chain, with these constants."""
    spiking = zip(chain.layers, constants, strict=False)  # a readout comes last
    return Model(
        encoder,
        tuple(twin.record(folded) for twin, folded in spiking),
        Count() if chain.head is None else chain.head.record(constants[-1]),
        chain.steps,
        name,
        metadata,
        sensor=sensor,
    )
