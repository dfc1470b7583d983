"""What a file leaves open, settled by options or by a reference.

Every choice of a dialect is a word (see qat.nir.dialects). An option settles one for all spiking
nodes, or for each in the order of the signal; what is left open is tried, the framework's default
first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product

import numpy as np

from qat.nir.dialects import COMPARISONS, DIALECTS, GAINS, MEANING, RESETS, Dialect, Reading
from qat.nir.graph import Graph
from qat.nir.nodes import Node

MOST_READINGS = 4096
"""Combinations of choices node by node that are tried, at most."""

WORDS = {"gt": ">", "ge": ">="}
"""Other spellings of comparisons, for shells."""


@dataclass(frozen=True)
class Options:
    """What the user says of a file; None leaves it open.

    reset, compare: a word for all spiking nodes, or one for each, in the order of the signal
    gain:           the same for all neurons
    """

    dialect: str = "auto"
    dt: float | None = None
    reset: Sequence[str] | None = None
    compare: Sequence[str] | None = None
    gain: Sequence[str] | None = None

    def __post_init__(self) -> None:
        if self.dialect != "auto" and self.dialect not in DIALECTS:
            raise ValueError(f"--dialect {self.dialect}: use auto, {', '.join(DIALECTS)}")
        if self.dt is not None and not 0 < self.dt < float("inf"):
            raise ValueError(f"--dt {self.dt}: must be seconds of a step, above 0")
        for name, known in (("reset", RESETS), ("compare", COMPARISONS), ("gain", GAINS)):
            found = getattr(self, name)
            words = [found] if isinstance(found, str) else list(found or ())
            words = [WORDS.get(word, word) for word in words]
            if other := [word for word in words if word not in known]:
                raise ValueError(f"--{name} {other[0]}: use {', '.join(known)}")
            if words:
                object.__setattr__(self, name, tuple(words))


def step_of(graph: Graph, dialect: str, given: float | None) -> float:
    """Return the step of time: what is given, what the file tells, what the exporter assumes."""
    if given is not None:
        return given
    if dialect == "rockpool":
        return _rockpool_step(graph)
    dt = DIALECTS[dialect].dt
    if dialect == "spikingjelly":
        dt = _spikingjelly_step(graph, dt)
    if dt is None:
        raise ValueError(f"--dialect {dialect}: needs the seconds of a step; give --dt")
    return dt


def _spikingjelly_step(graph: Graph, dt: float | None) -> float | None:
    """Return the dt that its exporter was given, where r tells it."""
    for node in graph.nodes.values():
        if node.kind == "IF":
            return float(1 / node.values["r"].flat[0])
        if node.kind == "CubaLIF":
            return float(node.values["tau_mem"].flat[0] / node.values["r"].flat[0])
    return dt


def _rockpool_step(graph: Graph) -> float:
    """Return dt of r = tau exp(-dt / tau) / dt, by Newton's method for z exp(z) = 1 / r."""
    for node in graph.nodes.values():
        tau, r = node.values.get("tau", node.values.get("tau_mem")), node.values.get("r")
        if tau is None or r is None or not np.isfinite(tau).all() or not r.flat[0] > 0:
            continue
        wanted = 1 / float(r.flat[0])
        z = np.log1p(wanted)
        for _ in range(50):
            z -= (z * np.exp(z) - wanted) / (np.exp(z) * (1 + z))
        return float(f"{float(tau.flat[0]) * z:.6g}")
    return 1e-3


def spiking_nodes(graph: Graph, order: Sequence[str]) -> list[Node]:
    """Return the nodes with a threshold and a reset, in the order of the signal."""
    nodes = [graph.nodes[name] for name in order]
    return [node for node in nodes if node.about.spiking and node.about.neuron]


def _allowed(
    options: Options, dialect: Dialect, node: Node, place: int, exact: bool
) -> tuple[str, ...]:
    """Return the resets that a node may have, as the options leave them open.

    exact: a word is meant as it stands; else also what takes place in the same step
    """
    known = dialect.resets_of(node.kind)
    if options.reset is None:
        return known
    word = options.reset[min(place, len(options.reset) - 1)]
    also = () if exact else (f"{word}-now",)
    found = tuple(reset for reset in known if reset in (word, *also))
    if not found and word == "zero" and "value" in known:
        if (node.values.get("v_reset", np.zeros(1)) != 0).any():
            raise ValueError(f"--reset zero: {node.where} has a v_reset other than 0; say value")
        found = ("value",)
    if not found:
        raise ValueError(f"--reset {word}: a {node.kind} there knows {', '.join(known)}")
    return found


def readings(
    graph: Graph, order: Sequence[str], dialect: str, options: Options, exact: bool
) -> list[Reading]:
    """Return every way to read a graph that options leave open, the default first.

    Those in which nodes share each choice come first; then those node by node.

    exact: a reset is in the step that its word says, and no other is tried
    """
    row, spiking = DIALECTS[dialect], spiking_nodes(graph, order)
    neurons = [graph.nodes[name] for name in order if graph.nodes[name].about.neuron]
    dt = step_of(graph, dialect, options.dt)
    resets = [_allowed(options, row, node, i, exact) for i, node in enumerate(spiking)]
    compares = _given("compare", options.compare, [row.compares for _ in spiking])
    gains = _given("gain", options.gain, [row.gains_of(node.kind) for node in neurons])
    _given("reset", options.reset, [RESETS for _ in spiking])
    choices = [*resets, *compares, *gains]
    n = len(spiking)

    def reading(words: tuple[str, ...]) -> Reading:
        names = [node.name for node in spiking]
        return Reading(
            dialect,
            dt,
            dict(zip(names, words[:n], strict=True)),
            dict(zip(names, words[n : 2 * n], strict=True)),
            dict(zip([node.name for node in neurons], words[2 * n :], strict=True)),
        )

    return [reading(words) for words in _alike_first(choices, (n, n, len(neurons)))]


def _given(
    name: str, words: Sequence[str] | None, known: list[tuple[str, ...]]
) -> list[tuple[str, ...]]:
    """Return the choices of nodes, those settled by an option alone."""
    if words is None:
        return known
    if len(words) not in (1, len(known)):
        raise ValueError(
            f"--{name}: {len(words)} words; the file has {len(known)} such nodes: give 1 or one "
            "for each"
        )
    found = []
    for i, allowed in enumerate(known):
        word = words[min(i, len(words) - 1)]
        if word not in allowed and len(words) > 1:
            raise ValueError(f"--{name} {word}: node {i + 1} knows {', '.join(allowed)}")
        found.append((word,) if word in allowed else allowed)
    if known and words[0] not in {word for allowed in known for word in allowed}:
        every = dict.fromkeys(word for each in known for word in each)
        raise ValueError(f"--{name} {words[0]}: this dialect knows {', '.join(every)}")
    return found


def _alike_first(
    choices: list[tuple[str, ...]], counts: tuple[int, ...]
) -> Iterator[tuple[str, ...]]:
    """Yield combinations of choices, one for each node: those that nodes share first.

    counts: how many of the choices are of one name, the nodes of which may share a word
    """
    groups, start = [], 0
    for count in counts:
        group = choices[start : start + count]
        words = dict.fromkeys(word for each in group for word in each) or {"": None}
        rows = (tuple(w if w in each else each[0] for each in group) for w in words)
        groups.append(list(dict.fromkeys(rows)))
        start += count
    seen = {sum(rows, ()): None for rows in product(*groups)}
    yield from seen
    for row in islice(product(*choices), MOST_READINGS):
        if row not in seen:
            yield row


def open_choices(found: Sequence[Reading]) -> str:
    """Return, in words, what options would settle among several readings."""
    texts = []
    for name in ("reset", "compare", "gain"):
        if any(getattr(r, name) != getattr(found[0], name) for r in found):
            words = dict.fromkeys(word for r in found for word in getattr(r, name).values())
            texts.append(f"--{name} " + " | ".join(f"{w} ({MEANING[w]})" for w in words))
    return "; ".join(texts)
