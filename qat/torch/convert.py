"""From a network of torch to the integer model, and to `qat.Network` and back."""

from __future__ import annotations

from copy import copy
from typing import Any

from qat.model import Activity, Model
from qat.torch.sequential import Sequential
from qat.train.export import assembled
from qat.train.network import Network


def export(net: Sequential, name: str = "snn", x: Any = None) -> Model:
    """Return the integer Model of a network: the same scores and spikes as its forward pass.

    name: a C identifier, the prefix of every generated name
    x:    inputs, as the network takes them, on which firing rates and activity are measured

    Raises ValueError for a network with real weights, one whose batch norms were not measured, and
    what the integer model refuses.
    """
    if not isinstance(net, Sequential):
        raise ValueError(
            f"export: found {type(net).__name__}; needs the Sequential itself: the `module` of "
            "what wraps it"
        )
    real = [str(i) for i, part in enumerate(net.weighted) if part.twin.bits is None]
    if real:
        raise ValueError(
            f"export: layer {', '.join(real)} has real weights (bits=None); only networks with 2, "
            "4, 8 or 16 bits can be exported; train one with these bits"
        )
    mode = net.training
    net.eval()
    try:
        net.know_moments()
        metadata = {} if x is None else _activity(net, x)
        constants = tuple(part.folded() for part in net.weighted)
    finally:
        net.train(mode)
    return assembled(
        net.encoder, net.chain, constants, name=name, metadata=metadata, sensor=net.sensor
    )


def _activity(net: Sequential, x: Any) -> dict[str, Any]:
    """Return what a model's metadata say of its activity on inputs."""
    found, chain = net.run(x), net.chain
    arriving = net.arriving(x)
    levels = [twin.levels for twin in chain.layers]
    given = (arriving, *net.encoder.reads, found.spikes, chain.steps)
    activity = Activity.of_spikes(*given, levels=levels)
    return {"firing_rates": list(found.firing_rates), "activity": activity.to_json()}


def from_network(net: Network) -> Sequential:
    """Return a network of torch with the layers and parameters of a `qat.Network`.

    Raises ValueError for one whose input range is not known yet.
    """
    if net.input_range is None and net.input != "spikes":
        raise ValueError(
            "from_network: the network's input_range is not known; train it, or give one"
        )
    made = Sequential.of(net.encoder, net.chain, net.parameters)
    made.sensor = net.sensor
    return made


def to_network(net: Sequential, like: Network) -> Network:
    """Return a `qat.Network` with the parameters of a network of torch.

    like: the network that it was made of by `from_network`, or one with the same settings; it
          stays as it is. What `fit` reported of it stays behind, for it no longer holds.

    Raises ValueError where the layers are not those of `like`.
    """
    if (like.encoder, like.chain) != (net.encoder, net.chain):
        raise ValueError(
            "to_network: the layers are not those of the network that is given; make the one of "
            "torch with from_network, of a qat.Network with these settings"
        )
    made = copy(like)
    made.parameters, made.report = net.parameters_by_name(), {}
    return made
