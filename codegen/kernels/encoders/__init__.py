"""The table of encoders, which make spikes of the bytes that come in, before layer 0.

Each is a template here, and for every way in which it can be computed a function that counts its
features; `encoder_of` picks the way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from codegen.kernels.encoders import cost
from codegen.kernels.encoders.plan import (
    PLACE,
    PLAIN,
    SLICED,
    SLICED_FROM,
    Encoder,
    behind,
    delta_stage,
    latency_stage,
    rate_stage,
)
from codegen.kernels.kernel import Count
from qat.model import Delta, Dense, Input, Latency, Model, Rate

__all__ = ["ENCODERS", "PLACE", "PLAIN", "SLICED", "Encoder", "Row", "behind", "encoder_of",
           "ways_of"]  # fmt: skip


@dataclass(frozen=True)
class Row:
    """What computes the stage of an encoder, and what it costs in each way."""

    stage: Callable[[Model, bool], Encoder]
    costs: Mapping[str, Count]

    @property
    def ways(self) -> tuple[str, ...]:
        """How it can be computed: SLICED, PLAIN."""
        return tuple(self.costs)


ENCODERS: dict[type[Input], Row] = {
    Rate: Row(rate_stage, {SLICED: cost.sliced_rate, PLAIN: cost.plain_rate}),
    Latency: Row(latency_stage, {SLICED: cost.sliced_latency, PLAIN: cost.plain_latency}),
    Delta: Row(delta_stage, {PLAIN: cost.plain_delta}),
}
"""The row of each kind of input that becomes spikes."""


def costs() -> dict[str, Count]:
    """Return what counts the features of every encoder, by its kind."""
    return {
        f"{way} {record.__name__.lower()} encoder": count
        for record, row in ENCODERS.items()
        for way, count in row.costs.items()
    }


def ways_of(model: Model) -> tuple[str, ...]:
    """Return the ways in which a model's input can be encoded; none if it is taken as it is."""
    row = ENCODERS.get(type(model.input))
    if row is None:
        return ()
    return row.ways if isinstance(model.layers[0].synapse, Dense) else (PLAIN,)  # a map's order


def encoder_of(model: Model, way: str | None = None) -> Encoder | None:
    """Return the stage of a model's encoder, None if its input is taken as it is.

    way: SLICED or PLAIN where that is not to be chosen

    Raises ValueError for a way that this encoder does not have, or where there is no encoder.
    """
    row, ways = ENCODERS.get(type(model.input)), ways_of(model)
    if row is None:
        if way is not None:
            raise ValueError(
                f"encoder: found {way!r}; an input of {type(model.input).__name__} has none"
            )
        return None
    chosen = way or (SLICED if model.input.size >= SLICED_FROM else ways[-1])
    if way is None and chosen not in ways:
        chosen = ways[-1]
    if chosen not in ways:
        raise ValueError(f"encoder: found {way!r}; this one is {' or '.join(ways)}")
    return row.stage(model, chosen == SLICED)
