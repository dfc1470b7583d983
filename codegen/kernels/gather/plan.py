"""How signals are brought together: which words of which steps, and what is kept of the past.

A signal that is read d steps later lies in a ring of as many slots as its longest delay: slot
(at - d) mod D holds what was sent d steps ago, where `at` is the slot that this step's signal will
take once the step is over. Where a layer alone reads what it sent itself a step ago, its signal is
still there when it is read, and there is no ring.

Inputs of a slice that have delays of their own are taken out of each slot by a mask:

    word = OR over the delays d of (slot(d) & mask_d)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from codegen.kernels.gather.view import Gathered, Slice
from codegen.kernels.memory import Field, Table
from codegen.kernels.pack import pack_bits, words_for
from codegen.kernels.stage import Layer, Read
from qat.model import INPUT, Model

IN_REGISTERS = 4
"""Words of a slice up to which they are put together in registers."""


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
    past:   where its delays lead; None where it reads this step alone, or still finds the last one
    delay:  of all its inputs, None where they differ
    delays: the table of the delays of its masks, without 0
    masks:  that of the masks, a row for each delay
    now:    that of the inputs without a delay; None where there are none
    """

    words: int
    planes: int
    offset: int
    live: str
    past: Past | None
    delay: int | None
    delays: Table | None = None
    masks: Table | None = None
    now: Table | None = None

    @property
    def tables(self) -> tuple[Table, ...]:
        """Its constant arrays."""
        return tuple(one for one in (self.delays, self.masks, self.now) if one is not None)

    @property
    def in_registers(self) -> bool:
        """True if its words are put together in registers."""
        return self.words * self.planes <= IN_REGISTERS


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
    def tables(self) -> tuple[Table, ...]:
        """Its constant arrays."""
        return tuple(table for part in self.parts for table in part.tables)

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
    for source, slots in model.real.pasts.items():
        if _still_there(source, model):
            continue
        name = "past_input" if source == INPUT else f"past{source}"
        at = "at_input" if source == INPUT else f"at{source}"
        live = given if source == INPUT else layers[source].first_plane
        found.append(
            Past(source=source, slots=slots, words=_words(source, model), live=live, name=name,
                 at=at)
        )  # fmt: skip
    return tuple(found)


def _words(source: int, model: Gathered) -> int:
    """Return the words of all planes of a signal."""
    levels = model.real.sent(source)[1]
    return words_for(model.real.shape_of(source).size) * levels.bit_length()


def _still_there(source: int, model: Gathered) -> bool:
    """Return True if what a layer sent in the last step is read by itself alone."""
    readers = [
        (index, one.edge.shortest, one.edge.longest)
        for index, slices in enumerate(model.slices)
        for one in slices
        if one.source == source and one.edge.longest
    ]
    return all(reader == (source, 1, 1) for reader in readers)


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
        and any(one.source == INPUT and one.edge.shortest == 0 for one in slices),
        title=f"layer {index} reads {' and '.join(_texts(index, slices))}",
    )


def reads_of(index: int, model: Model) -> tuple[Read, ...]:
    """Return everything that is brought together for a layer, () for none."""
    slices = model.slices[index] if isinstance(model, Gathered) else ()
    return tuple(Read(one.source, one.size, one.edge.delays) for one in slices)


def _part(place: int, one: Slice, model: Gathered, past: Past | None, live: str) -> Part:
    """Return a slice as the C copies it; past: None where the live signal is all that is read."""
    planes = model.real.sent(one.source)[1].bit_length()
    live = f"({live})" if planes > 1 else live
    delays = one.edge.delays
    uniform = one.edge.shortest == one.edge.longest
    found = Part(
        words=one.words, planes=planes, offset=one.offset, live=live,
        past=past if one.edge.longest else None,
        delay=one.edge.shortest if uniform else None,
    )  # fmt: skip
    if uniform:
        return found
    assert past is not None
    known = [int(delay) for delay in np.unique(delays) if delay]
    rows = np.stack([_mask(delays == delay) for delay in known])
    name = f"{one.reader}" if place == 0 else f"{one.reader}_{place}"
    now = Table(f"now{name}", "inputs without a delay", _mask(delays == 0))
    return replace(
        found,
        delays=Table(f"delays{name}", "of the masks", np.array(known, np.uint8)),
        masks=Table(f"masks{name}", "the inputs of each delay", rows),
        now=now if now.values.any() else None,
    )


def _mask(chosen: NDArray[np.bool_]) -> NDArray[np.uint32]:
    return pack_bits(chosen).astype(np.uint32)


def _texts(index: int, slices: Sequence[Slice]) -> Iterator[str]:
    """Yield each slice in words: "layer 0", "itself 1 step ago", "the input 0 to 7 steps ago"."""
    for one in slices:
        who = "the input" if one.source == INPUT else f"layer {one.source}"
        who = "itself" if one.source == index else who
        low, high = one.edge.shortest, one.edge.longest
        steps = f"{low}" if low == high else f"{low} to {high}"
        yield f"{who} {steps} step{'s' if high > 1 else ''} ago" if high else who
