"""A NIR file, read as its framework runs it: dialect, choices, and the proof by a reference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from qat.nir import spyx
from qat.nir.dialects import DIALECTS, RESETS, Reading
from qat.nir.graph import Graph, read_graph
from qat.nir.guess import Guess, guesses, own_words, unsure
from qat.nir.order import order
from qat.nir.reference import Comparison, Reference, compare, read_reference
from qat.nir.settle import Options, open_choices, readings, spiking_nodes
from qat.nir.shapes import with_shapes
from qat.nir.twin import Twin

FEW = 4
"""Samples on which readings are tried first: those that differ there need no more."""


class UnprovedError(ValueError):
    """No way to read a file reproduces its reference."""

    def __init__(self, text: str, read: Read) -> None:
        super().__init__(text)
        self.read = read

    @property
    def differing(self) -> int:
        """Values that differ from the reference."""
        assert self.read.comparison is not None
        return self.read.comparison.differing


@dataclass(frozen=True, eq=False)
class Read:
    """What reading a file found.

    twin:       the graph in its dialect, ready to run in float64
    sign:       by what the dialect was guessed; None where it was given
    comparison: with the reference, None without one
    reference:  what it was compared with
    also:       other readings that reproduce the reference
    float32:    the reference is reproduced in float32, as frameworks compute, and not in float64
    """

    twin: Twin
    sign: str | None
    comparison: Comparison | None = None
    reference: Reference | None = None
    also: tuple[Reading, ...] = ()
    float32: bool = False

    @property
    def dtype(self) -> Any:
        """The float type in which the twin computes what its framework does."""
        return np.float32 if self.float32 else np.float64


def read(
    path: str | PathLike[str],
    options: Options | None = None,
    reference: str | PathLike[str] | None = None,
) -> Read:
    """Return a NIR file as its framework runs it.

    Raises ValueError, naming the file, for a file that is none or cannot be read; where the
    dialect, or a choice that the file leaves open, is settled by nothing, with what would; and
    UnprovedError where no reading reproduces the reference.
    """
    options = options or Options()
    with _named(path):
        graph = read_graph(path)
        found = _dialects(graph, options, settled=reference is not None)
        if reference is None:
            return _by_options(graph, found[0], options)
    nearest = None
    for one in found:
        try:
            return _by_reference(path, graph, one, options, reference)
        except UnprovedError as error:
            if nearest is None or error.differing < nearest.differing:
                nearest = error
        except ValueError:
            if len(found) == 1:
                raise
    if nearest is None:
        with _named(path):
            raise unsure(found)
    raise nearest


def _dialects(graph: Graph, options: Options, settled: bool) -> list[Guess]:
    """Return the dialects in which a graph may be read; one, unless a reference settles it."""
    if options.dialect != "auto":
        return [Guess(options.dialect, "")]
    found = guesses(graph)
    if len(found) == 1:
        return found
    if not settled:
        raise unsure(found)
    every = [Guess(d, "the reference settles it") for d, row in DIALECTS.items() if row.dt]
    return [one for one in every if not found or one.dialect in {f.dialect for f in found}]


def _prepared(graph: Graph, dialect: str) -> tuple[Graph, list[str]]:
    """Return the graph with its shapes, as the dialect means it, and its nodes in order."""
    if dialect == "spyx":
        graph = spyx.as_meant(graph)
    graph = with_shapes(graph)
    if dialect == "spyx":
        graph = spyx.channels_first(graph)
    return graph, [name for part in order(graph).parts for name in part]


def _by_options(graph: Graph, one: Guess, options: Options) -> Read:
    graph, sequence = _prepared(graph, one.dialect)
    options = _with_own(graph, sequence, options)
    every = readings(graph, sequence, one.dialect, options, exact=True)
    if len(every) > 1:
        raise ValueError(
            f"a file of {one.dialect} leaves open {open_choices(every)}; give these, or --reference"
        )
    return Read(Twin.of(graph, every[0]), one.sign or None)


def _with_own(graph: Graph, sequence: list[str], options: Options) -> Options:
    """Return options with what a file that this package wrote says, where they say nothing."""
    own = own_words(graph)
    if not own or options.dialect not in ("auto", own["dialect"]):
        return options
    words = own.get("reset", {})
    resets = [words.get(node.name, "") for node in spiking_nodes(graph, sequence)]
    return replace(
        options,
        dt=options.dt or own.get("dt"),
        compare=options.compare or own.get("compare"),
        reset=options.reset or (resets if resets and all(r in RESETS for r in resets) else None),
    )


def _by_reference(
    path: str | PathLike[str],
    graph: Graph,
    one: Guess,
    options: Options,
    reference: str | PathLike[str],
) -> Read:
    with _named(path):
        graph, sequence = _prepared(graph, one.dialect)
        every = readings(graph, sequence, one.dialect, options, exact=False)
    with _named(reference):
        saved = read_reference(reference, graph, one.dialect)
    with _named(path):
        return _proved(graph, every, saved, one.sign or None)


def _proved(graph: Graph, every: Sequence[Reading], saved: Reference, sign: str | None) -> Read:
    """Return the first reading that reproduces a reference, and name the others that do."""
    few, best = saved.samples(FEW), None
    right: list[Twin] = []
    for reading in every:
        if right and _by_node(reading) and not _by_node(right[0].reading):
            break
        twin = Twin.of(graph, reading)
        found = compare(few, twin.run(few.x, keep=few.nodes), graph)
        if best is None or found.differing < best[0]:
            best = (found.differing, twin)
        if (
            found.differing == 0
            and compare(saved, twin.run(saved.x, keep=saved.nodes), graph).differing == 0
        ):
            right.append(twin)
    if right:
        also = tuple(twin.reading for twin in right[1:])
        same = compare(saved, right[0].run(saved.x, keep=saved.nodes), graph)
        return Read(right[0], sign, same, saved, also)
    assert best is not None
    return _in_float32(graph, saved, best[1], sign, len(every))


def _by_node(reading: Reading) -> bool:
    every = (reading.reset, reading.compare, reading.gain)
    return any(len(set(words.values())) > 1 for words in every)


def _in_float32(graph: Graph, saved: Reference, twin: Twin, sign: str | None, tried: int) -> Read:
    """Return the nearest reading where it is right in float32; else raise UnprovedError."""
    narrow = compare(saved, twin.run(saved.x, np.float32, saved.nodes), graph)
    if narrow.differing == 0:
        return Read(twin, sign, narrow, saved, float32=True)
    wide = compare(saved, twin.run(saved.x, keep=saved.nodes), graph)
    more = f" (the nearest of {tried} readings)" if tried > 1 else ""
    words = {k: v for k, v in twin.reading.words().items() if v is not None}
    text = f"read as {words}{more}, it is not what the reference shows: {wide}"
    raise UnprovedError(text, Read(twin, sign, wide, saved))


def consequences(found: Read) -> str:
    """Return what the dialect implies, in a sentence."""
    return DIALECTS[found.twin.reading.dialect].says


@contextmanager
def _named(path: str | PathLike[str]) -> Iterator[None]:
    """Put the name of a file before the errors about it."""
    try:
        yield
    except UnprovedError as error:
        raise UnprovedError(f"{Path(path)}: {error}", error.read) from None
    except OSError as error:
        raise ValueError(f"{Path(path)}: cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise ValueError(f"{Path(path)}: {error}") from None
