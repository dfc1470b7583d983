"""How signals are brought together: which words of which steps, and what is kept of the past.

A signal that is read d steps later lies in a ring of as many slots as its longest delay: slot
(at - d) mod D holds what was sent d steps ago, where `at` is the slot that this step's signal will
take once the step is over. Where a layer alone reads what it sent itself a step ago, its signal is
still there when it is read, and there is no ring.

Inputs of a slice that have delays of their own go through lines of delay, which belong to the slice
alone: lines.py has how.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from codegen.kernels.gather.lines import Lines, lines_of
from codegen.kernels.gather.view import Gathered, Slice
from codegen.kernels.memory import Field, Table
from codegen.kernels.pack import words_for
from codegen.kernels.stage import Layer, Read
from qat.model import INPUT, Model


@dataclass(frozen=True, eq=False, kw_only=True)
class Past:
    """What is kept of a signal.

    source: the number of the layer that sends it, INPUT for the input
    slots:  steps that are kept
    words:  of all its planes
    live:   C text of a pointer to the signal of this step
    name:   of the ring in the state; at: of the slot that comes next
    """

    source: int
    slots: int
    words: int
    live: str
    name: str
    at: str

    @property
    def fields(self) -> tuple[Field, ...]:
        """Its members of the state."""
        who = "the input" if self.source == INPUT else f"layer {self.source}"
        what = f"signal of {who}, of the last {self.slots} steps"
        return (
            Field(self.name, what, "uint32_t", (self.slots, self.words)),
            Field(self.at, f"slot of {self.name} that comes next", "uint32_t", (1,)),
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Part:
    """A slice, as the C copies it.

    words:  of each plane
    planes: of the signal
    offset: of its words in each plane of what is brought together
    live:   C text of a pointer to the signal of this step
    past:   where its delay leads; None where it reads the live signal
    delay:  of all its inputs, None where they differ
    late:   the lines of delay of inputs whose delays differ
    """

    words: int
    planes: int
    offset: int
    live: str
    past: Past | None
    delay: int | None
    late: Lines | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Gather:
    """What is brought together for a layer.

    index: its number
    parts: the slices, in the order of their words
    words, planes: of the whole
    reads_input: a part reads the input of this step, which the C hands on
    title: in words
    """

    index: int
    parts: tuple[Part, ...]
    words: int
    planes: int
    reads_input: bool
    title: str

    @property
    def late(self) -> tuple[Lines, ...]:
        """The lines of delay of its parts."""
        return tuple(part.late for part in self.parts if part.late)

    @property
    def tables(self) -> tuple[Table, ...]:
        """Its constant arrays."""
        return tuple(late.masks for late in self.late if late.masks)

    @property
    def fields(self) -> tuple[Field, ...]:
        """Its members of the state."""
        return tuple(field for late in self.late for field in late.fields)

    @property
    def size(self) -> int:
        """Words of all planes."""
        return self.words * self.planes


def pasts(model: Model, layers: Sequence[Layer], given: str) -> tuple[Past, ...]:
    """Return what is kept of the signals of a model that are read later.

    model: as its kernels see it; given: C text of the input's spikes
    """
    if not isinstance(model, Gathered):
        return ()
    found = []
    for source in model.real.pasts:
        delays = _whole(source, model)
        if not delays:
            continue
        name = "past_input" if source == INPUT else f"past{source}"
        at = "at_input" if source == INPUT else f"at{source}"
        live = given if source == INPUT else layers[source].first_plane
        found.append(
            Past(source=source, slots=max(delays), words=_words(source, model), live=live,
                 name=name, at=at)
        )  # fmt: skip
    return tuple(found)


def _words(source: int, model: Gathered) -> int:
    """Return the words of all planes of a signal."""
    levels = model.real.sent(source)[1]
    return words_for(model.real.shape_of(source).size) * levels.bit_length()


def _whole(source: int, model: Gathered) -> list[int]:
    """Return the delays with which a signal is read as a whole, later than the live one."""
    return [
        delay
        for slices in model.slices
        for one in slices
        if one.source == source and (delay := one.edge.shortest) == one.edge.longest
        if delay > _age(one)
    ]


def _age(one: Slice) -> int:
    """Return how many steps ago the live signal was sent: a layer still finds its last one."""
    return int(one.source == one.reader)


def gather_of(
    index: int, model: Model, kept: Sequence[Past], layers: Sequence[Layer], given: str
) -> Gather | None:
    """Return what is brought together for a layer, None where it reads the layer before.

    kept: what `pasts` returns; given: C text of the input's spikes
    """
    if not isinstance(model, Gathered) or not model.slices[index]:
        return None
    slices, known = model.slices[index], {past.source: past for past in kept}
    lives = [given if one.source == INPUT else layers[one.source].first_plane for one in slices]
    parts = tuple(
        _part(place, one, model, known.get(one.source), live)
        for place, (one, live) in enumerate(zip(slices, lives, strict=True))
    )
    return Gather(
        index=index,
        parts=parts,
        words=sum(part.words for part in parts),
        planes=max(part.planes for part in parts),
        reads_input=given == "in"
        and any(
            one.source == INPUT and part.past is None
            for part, one in zip(parts, slices, strict=True)
        ),
        title=f"layer {index} reads {' and '.join(_texts(index, slices))}",
    )


def reads_of(index: int, model: Model) -> tuple[Read, ...]:
    """Return everything that is brought together for a layer, () for none."""
    slices = model.slices[index] if isinstance(model, Gathered) else ()
    return tuple(Read(one.source, one.size, one.edge.delays) for one in slices)


def _part(place: int, one: Slice, model: Gathered, past: Past | None, live: str) -> Part:
    """Return a slice as the C copies it; past: None where no signal is read as a whole, later."""
    planes = model.real.sent(one.source)[1].bit_length()
    live = f"({live})" if planes > 1 else live
    delay = one.edge.shortest if one.edge.shortest == one.edge.longest else None
    late = None
    if delay is None:
        number = f"{one.reader}" if place == 0 else f"{one.reader}_{place}"
        steps = one.edge.delays.astype(np.int64) - _age(one)
        late = lines_of(steps, planes, number, f"{_who(one)} before layer {one.reader}")
    return Part(
        words=one.words, planes=planes, offset=one.offset, live=live,
        past=past if delay is not None and delay > _age(one) else None,
        delay=delay, late=late,
    )  # fmt: skip


def _who(one: Slice) -> str:
    return "the input" if one.source == INPUT else f"layer {one.source}"


def _texts(index: int, slices: Sequence[Slice]) -> Iterator[str]:
    """Yield each slice in words: "layer 0", "itself 1 step ago", "the input 0 to 7 steps ago"."""
    for one in slices:
        who = "itself" if one.source == index else _who(one)
        low, high = one.edge.shortest, one.edge.longest
        steps = f"{low}" if low == high else f"{low} to {high}"
        yield f"{who} {steps} step{'s' if high > 1 else ''} ago" if high else who
