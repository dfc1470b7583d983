"""What a search tries before anything else: of every kind, usual networks as large as they fit."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any

from qat.study.search.costs import Costs
from qat.study.search.space import Options, Space

OF_EACH = 3
"""Networks of a kind that a search begins with: the largest that fits, and the next ones."""
WIDTHS = (256, 192, 160, 128, 96, 64, 32, 16)
"""Neurons of the dense ones, largest first."""
OUTPUTS = ({"output_bits": 8}, {"output_bits": 4})
"""Their output layers, the larger first."""
MAPS = (
    ((32, 3, "p2"), (32, 3, ""), (48, 3, "p2")),
    ((32, 5, "s2"), (32, 3, "p2"), (32, 3, "")),
    ((16, 3, "p2"), (32, 3, "p2")),
    ((12, 5, "s2"), (16, 3, "p2")),
    ((8, 3, "s2"),),
)
"""Convolutions as (channels, kernel, how it is reduced), largest first."""


def first_networks(
    space: Space, costs_of: Callable[[Options], Costs], limits: Mapping[str, float]
) -> list[dict[str, Any]]:
    """Return the parameters of the networks that a search begins with.

    costs_of: what a network takes at least; ValueError for one that cannot be
    limits:   {field of Costs: largest value}
    """
    return [network for kind in space.kinds for network in _of_kind(space, kind, costs_of, limits)]


def _of_kind(
    space: Space, kind: str, costs_of: Callable[[Options], Costs], limits: Mapping[str, float]
) -> list[dict[str, Any]]:
    ladder = usual(space, kind)

    @cache  # each is compiled
    def fits(place: int) -> bool:
        return _fits(space, ladder[place], costs_of, limits)

    places = range(len(ladder))
    largest = bisect_left(places, True, key=fits)  # costs fall from one to the next, nearly
    return [ladder[i] for i in places[largest : largest + OF_EACH] if fits(i)]


def _fits(
    space: Space,
    parameters: Mapping[str, Any],
    costs_of: Callable[[Options], Costs],
    limits: Mapping[str, float],
) -> bool:
    from optuna.trial import FixedTrial  # noqa: PLC0415  # an extra

    try:
        costs = costs_of(space.suggest(FixedTrial(dict(parameters))))
    except ValueError:
        return False
    return max(costs.over(limits), default=0.0) <= 0


def usual(space: Space, kind: str) -> list[dict[str, Any]]:
    """Return the parameters of usual networks of a kind in a space, the largest first."""
    common = {**_common(space), "kind": kind}
    if kind in space.changed:
        common["changes"] = 1.0
    return [{**common, **one} for one in LADDERS[kind](space)]


def _common(space: Space) -> dict[str, Any]:
    """Return what all kinds have: ternary weights, and 4 bits of a pixel that has more."""
    few = min((bits for bits in space.input_bits if bits >= 4), default=space.input_bits[0])
    kept = space.input_bits[0] if space.in_time else few
    recipe = {"rate_factor": 1.0, "penalty_factor": 1.0, "decay": None, "share": None}
    return {"bits": 2, "output_bits": 8, "input_bits": kept, **recipe}


def _named(kind: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{kind}/{name}": value for name, value in settings.items()}


def _spikes(space: Space) -> list[dict[str, Any]]:
    more = {} if space.in_time else {"steps": 8}
    one = {"resolution": 4, "threshold": "layer"}
    return [
        {**_named("spikes", {"layers": 1, "width0": n, "leak": "3", **one, **more}), **output}
        for n in WIDTHS
        for output in OUTPUTS
    ]


def _counts(space: Space) -> list[dict[str, Any]]:
    return [
        {**_named("counts", {"layers": 1, "width0": n, "levels": levels}), **output}
        for n in WIDTHS
        for levels, output in zip((7, 3), OUTPUTS, strict=True)
    ]


def _recurrent(space: Space) -> list[dict[str, Any]]:
    return [_named("recurrent", {"width": n, "delays": 0, "leak": "3"}) for n in WIDTHS]


def _maps(space: Space) -> list[dict[str, Any]]:
    return [{**_named("maps", _of_layers(layers)), "output_bits": 4} for layers in MAPS]


def _of_layers(layers: Sequence[tuple[int, int, str]]) -> dict[str, Any]:
    found: dict[str, Any] = {"layers": len(layers), "levels": 3, "dense": 0}
    for i, (channels, kernel, reduced) in enumerate(layers):
        found |= {f"channels{i}": channels, f"kernel{i}": kernel, f"reduced{i}": reduced}
    return found


LADDERS: Mapping[str, Callable[[Space], list[dict[str, Any]]]] = MappingProxyType(
    {"spikes": _spikes, "counts": _counts, "maps": _maps, "recurrent": _recurrent}
)
"""Of each of space.KINDS the settings of usual networks, the largest first."""
