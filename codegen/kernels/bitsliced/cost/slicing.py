"""Bytes cut into planes of digits, 32 at a time."""

from __future__ import annotations

from dataclasses import dataclass

from codegen.kernels.features import Features
from codegen.kernels.source import Source


@dataclass(frozen=True, kw_only=True)
class Groups(Features):
    """Groups of 32 inputs cut into planes; times bits; times lists, by the kind of digits."""

    groups: float = 0.0
    bits: float = 0.0
    lists_binary: float = 0.0
    lists_top: float = 0.0
    lists_signed: float = 0.0


@dataclass(frozen=True, kw_only=True)
class SlicedBytes(Features):
    """A vector of bytes cut into planes: groups by width, and what is left at its end.

    tail: there is a rest of less than 32 inputs; tail_bytes: these; tail_lists: lists then
    """

    nibbles: Groups = Groups()
    bytes: Groups = Groups()
    tail: float = 0.0
    tail_bytes: float = 0.0
    tail_lists: float = 0.0


def sliced_bytes(source: Source) -> SlicedBytes:
    """Cut the input into the planes of its digits, 32 bytes at a time."""
    digits, tail = source.digits, source.size % 32
    assert digits is not None
    lists = {f"lists_{digits.kind}": float(source.words * digits.lists)}
    groups = Groups(groups=source.words, bits=source.words * source.bits, **lists)
    return SlicedBytes(
        **{"nibbles" if source.bits <= 4 else "bytes": groups},
        tail=tail > 0,
        tail_bytes=tail,
        tail_lists=digits.lists * (0 < tail <= 28),
    )
