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
    lines:   lines of delay; masked: words that enter them in registers, by a mask; whole: those of
             which all inputs do; looped: words that enter them elsewhere
    written: words that come out of lines, in registers; turns: the same elsewhere
    kept:    signals that rings take; kept_words: of them
    """

    calls: float = 0.0
    copies: float = 0.0
    copied: float = 0.0
    slots: float = 0.0
    lines: float = 0.0
    masked: float = 0.0
    whole: float = 0.0
    looped: float = 0.0
    written: float = 0.0
    turns: float = 0.0
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
    late = part.late
    if late is None:
        return Gathering(copies=part.planes, copied=words, slots=part.past is not None)
    if late.looped:
        return Gathering(lines=len(late.lines), looped=words * len(late.lines), turns=words)
    places = [place for line in late.lines for place in line.masks]
    return Gathering(
        lines=len(late.lines),
        masked=part.planes * sum(place is not None for place in places),
        whole=part.planes * sum(place is None for place in places),
        written=words,
    )
