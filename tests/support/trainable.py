"""Random trainable networks: what `qat.Network` has, with inputs and labels."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

import qat
from qat.train.network import Network

RANGES = ((0, 255), (0, 15), (-128, 127), (0, 1))
LEAKS = ((), (3,), (2, -4))
MAPS = ("4c3-p2-6c3-7", "3c3s2-5", "d3-a2-4c3v", "4c3-p2-6t2", "5c3-a2-d3-8")
FAMILIES = ("time", "cuba", "lif", "alif", "map", "burst")


def networks(count: int, first: int = 0) -> list[tuple[Network, Any, Any]]:
    """Return so many (network, x, y) that the integer model takes, of seeds from `first` on."""
    found: list[tuple[Network, Any, Any]] = []
    seed = first
    while len(found) < count:
        made = _made(seed)
        seed += 1
        if made is not None:
            found.append(made)
    return found


def _made(seed: int) -> tuple[Network, Any, Any] | None:
    draw, numbers = random.Random(seed), np.random.default_rng(seed)
    sizes, more = _layers(draw, seed)
    if more.get("neuron") != "burst" and numbers.random() < 0.25:
        more["leaks"] = ((1,), (2, -4), (3,))[: int(numbers.integers(2, 4))]
    try:
        net = Network(sizes, steps=draw.randint(1, 12), **_settings(draw), **more)
        _scatter(net, numbers)
        qat.export(net)
    except ValueError:  # a setting that goes with others alone, a kernel beyond its map
        return None
    if net.input == "delta" and net.steps == 1:  # no change, and no event: every sum is 0
        return None
    low, high = net.encoder.low, net.encoder.high
    shape = (5, net.ends[0]) if net.encoder.held else (5, net.steps, net.ends[0])
    x = numbers.integers(low, high, shape, endpoint=True).astype(net.encoder.dtype)
    return net, x, numbers.integers(0, 4, 5)


def _settings(draw: random.Random) -> dict[str, Any]:
    one = draw.choice
    own: dict[str, Any] = {"reset": one(("subtract", "zero", "value", "late"))}
    if own["reset"] == "value":
        own["reset_to"] = -0.3
    detached = {"detach_reset": own["reset"] == "late" or one((True, False))}
    readout = one(("accumulate", "count", "li"))
    if readout == "li":
        own |= {"score": one(("last", "max", "sum", "first")), "readout_leak": one(LEAKS)}
    kinds = ("analog", "frames", "spikes", "rate", "latency", "delta")
    return (
        own
        | detached
        | {
            "readout": readout,
            "leak": one(LEAKS),
            "input": one(kinds),
            "input_range": one(RANGES),
            "scale": one(("layer", "neuron")),
            "threshold": one(("layer", "neuron")),
            "bias": one((None, True, False)),
            "membrane_bits": one((None, 8)),
            "norm": one((True, False)),
            "surrogate": one(("atan", "triangle", "fast_sigmoid")),
            "seed": draw.randrange(99),
        }
    )


def _layers(draw: random.Random, seed: int) -> tuple[list[int], dict[str, Any]]:
    """Return (sizes, settings) of a family of networks, all of them in turn."""
    one, family = draw.choice, FAMILIES[seed % len(FAMILIES)]
    bits = [one((2, 4, 8, 16)) for _ in range(8)]
    if family in ("cuba", "lif", "alif"):
        own: dict[str, Any] = {"levels": one((1, 3))}
        if family == "alif":
            own = {"neuron": "alif", "leak_b": one((1, 4)), "raise_by": one((0.1, 0.5))}
        if family == "cuba":
            own |= {"neuron": "cuba", "leak_c": one(LEAKS)}
        hidden = [draw.randint(1, 33), draw.randint(1, 20)]
        return [draw.randint(1, 20), *hidden, 4], {**own, "bits": bits[:3]}
    if family == "time":
        words = [f"{draw.randint(1, 33)}{one(('r', 'r5', 't3', 't31r', 'r2t7'))}"
                 for _ in range(draw.randint(1, 3))]  # fmt: skip
        words[1:] = [word + one(("", "+i")) for word in words[1:]]
        words[2:] = [word + one(("", "+0")) for word in words[2:]]
        own = {"layers": "-".join(words), "truncate": one((None, 3))}
        own |= one(({"levels": 1}, {"levels": 3}, {"neuron": "cuba"}, {"neuron": "alif"}))
        return [draw.randint(1, 20), 4], {**own, "bits": bits[: len(words) + 1]}
    grid, layers = (one((4, 6)), one((4, 6)), one((1, 2))), one(MAPS)
    own = {"grid": grid, "layers": layers, "levels": one((1, 3, 7))}
    if family == "burst":
        own["neuron"] = "burst"
    count = sum(word[0] not in "pa" for word in layers.split("-"))
    return [int(np.prod(grid)), 4], {**own, "bits": bits[: count + 1]}


def _scatter(net: Network, numbers: np.random.Generator) -> None:
    """Add random numbers to the parameters of a network."""
    net.parameters = net.constrained({
        name: (value + 0.3 * numbers.normal(size=value.shape)).astype(value.dtype)
        for name, value in net.parameters.items()
    })  # fmt: skip
    for name in [name for name in net.parameters if name.endswith("variance")]:
        net.parameters[name] = np.abs(net.parameters[name])
