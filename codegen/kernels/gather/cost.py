"""What bringing signals together costs, in features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from codegen.kernels.features import Features
from codegen.kernels.gather.plan import Gather, Part, Past
from codegen.kernels.load import Load


@dataclass(frozen=True, kw_only=True)
class Gathering(Features):
    """Words that are copied and put together for layers, and kept for later, over the steps.

    calls:   of the functions of layers
    copies:  pieces that are copied whole, by plane; copied: their words
    slots:   slots of rings that are found
    masked:  words in registers times delays; looped: the same elsewhere
    written: words that are written once they are put together
    kept:    signals that rings take; kept_words: of them
    """

    calls: float = 0.0
    copies: float = 0.0
    copied: float = 0.0
    slots: float = 0.0
    masked: float = 0.0
    looped: float = 0.0
    written: float = 0.0
    kept: float = 0.0
    kept_words: float = 0.0


def gathering(gathers: Sequence[Gather | None], pasts: Sequence[Past], load: Load) -> Gathering:
    """Bring together what layers read, and keep what is read later."""
    found = Gathering(kept=len(pasts), kept_words=sum(past.words for past in pasts))
    for gather in gathers:
        if gather is None:
            continue
        found += Gathering(calls=1)
        for part in gather.parts:
            empty = gather.planes - part.planes
            found += _part(part) + Gathering(copies=empty, copied=empty * part.words)
    return found.scaled(load.steps)


def _part(part: Part) -> Gathering:
    words = part.words * part.planes
    if part.delays is None:
        return Gathering(copies=part.planes, copied=words, slots=part.past is not None)
    delays = part.delays.shape[0]
    masked = words * (delays + (part.now is not None))
    return Gathering(
        slots=delays,
        masked=masked * part.in_registers,
        looped=masked * (not part.in_registers),
        written=words,
    )
