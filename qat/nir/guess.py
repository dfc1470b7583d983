"""Which framework wrote a file: guessed from the names of its nodes and the size of its numbers.

No file says it. Each sign below is what an exporter does and no other; where signs contradict each
other, or there are none, nothing is guessed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from qat.model.checks import plain
from qat.nir.graph import Graph
from qat.nir.nodes import Float64, Node

NEAR = 1e-3
"""Relative difference of numbers that an exporter computed from each other in float32."""


@dataclass(frozen=True)
class Guess:
    """A dialect, and by what it is known."""

    dialect: str
    sign: str


def _near(a: Float64, b: Float64 | float) -> bool:
    both = np.isinf(a) & np.isinf(b)
    with np.errstate(invalid="ignore"):
        return bool((both | (np.abs(a - b) <= NEAR * np.abs(b))).all())


def _tau(node: Node) -> Float64 | None:
    found: Float64 | None = node.values.get("tau", node.values.get("tau_mem"))
    return found


def _spyx(graph: Graph, neurons: list[Node]) -> str | None:
    names = [name for name in graph.nodes if name not in (graph.source, graph.sink)]
    if not all(re.match(r"layer_\d+(\.|_threshold|$)", name) for name in names):
        return None
    return f"its nodes are called {plain(names[0])}"


def _rockpool(graph: Graph, neurons: list[Node]) -> str | None:
    named = [name for name in graph.nodes if re.fullmatch(r"(.*_)?\w*Torch", name)]
    return f"its nodes are called {plain(named[0])}" if named else None


def _spikingjelly(graph: Graph, neurons: list[Node]) -> str | None:
    if graph.source != "input":
        return f"its Input is called {plain(graph.source)}"
    if any(node.kind == "IF" and _near(node.values["r"], 1e4) for node in neurons):
        return "the r of its IF nodes is 1 / 1e-4 s"
    return None


def _snntorch(graph: Graph, neurons: list[Node]) -> str | None:
    leaky = [node for node in neurons if node.kind in ("LIF", "CubaLIF")]
    if not leaky or graph.source != "input":
        return None
    taus = [node.values.get("tau", node.values.get("tau_mem")) for node in leaky]
    if all(_near(n.values["r"], tau / 1e-4) for n, tau in zip(leaky, taus, strict=True)):
        return "the r of its neurons is tau / 1e-4 s"
    return None


def _of_one(neurons: list[Node]) -> list[Float64]:
    """Return the taus of leaky neurons, if the r of all is 1; else none."""
    leaky = [node for node in neurons if _tau(node) is not None]
    if any((node.values["r"] != 1).any() for node in leaky):
        return []
    return [tau for node in leaky if (tau := _tau(node)) is not None]


def _sinabs(graph: Graph, neurons: list[Node]) -> str | None:
    if any(node.kind == "SumPool2d" for node in graph.nodes.values()):
        return "it has a SumPool2d"
    taus = _of_one(neurons)
    fits = bool(taus) and min(tau.min() for tau in taus) >= 0.1
    return "r is 1 and tau counts steps" if fits and graph.source == "input" else None


def _norse(graph: Graph, neurons: list[Node]) -> str | None:
    taus = _of_one(neurons)
    fits = bool(taus) and max(tau.max() for tau in taus) <= 1e-3
    return "r is 1 and tau is below a millisecond" if fits and graph.source == "input" else None


SIGNS: dict[str, Callable[[Graph, list[Node]], str | None]] = {
    "spyx": _spyx,
    "rockpool": _rockpool,
    "spikingjelly": _spikingjelly,
    "snntorch": _snntorch,
    "sinabs": _sinabs,
    "norse": _norse,
}
"""The sign of each dialect; names of Spyx and rockpool are theirs alone and decide."""

ALONE = ("spyx", "rockpool")


def _found(graph: Graph) -> Iterator[Guess]:
    neurons = [node for node in graph.nodes.values() if node.about.neuron]
    for dialect, sign in SIGNS.items():
        text = sign(graph, neurons)
        if text is not None:
            yield Guess(dialect, text)


OWN = "spikemcu"
"""A key of the metadata of files that this package wrote."""


def own_words(graph: Graph) -> dict[str, Any]:
    """Return what a file of this package says of its dialect, dt, resets and comparison.

    Anyone may have written it: what is no such word counts as nothing.
    """
    about, found = graph.about, dict[str, Any]()
    if OWN not in about or about.get("dialect") not in (*SIGNS, "plain"):
        return found
    found["dialect"] = about["dialect"]
    dt = np.asarray(about.get("dt", 0.0))
    if dt.shape == () and dt.dtype.kind == "f" and 0 < dt < np.inf:
        found["dt"] = float(dt)
    if about.get("compare") in (">", ">="):
        found["compare"] = (about["compare"],)
    try:
        resets = json.loads(str(about.get("reset", "")))
    except (ValueError, RecursionError):
        return found
    if isinstance(resets, dict) and all(isinstance(word, str) for word in resets.values()):
        found["reset"] = resets
    return found


def guesses(graph: Graph) -> list[Guess]:
    """Return the dialects of which a graph has signs; one, where it is sure."""
    own = own_words(graph)
    if own:
        return [Guess(own["dialect"], "its metadata say that spikemcu wrote it for this dialect")]
    found = list(_found(graph))
    alone = [one for one in found if one.dialect in ALONE]
    return alone[:1] or found


def unsure(found: list[Guess]) -> ValueError:
    """Return the error for a file whose dialect is not told."""
    why = "; ".join(f"{one.dialect}: {one.sign}" for one in found) or "nothing in it tells one"
    return ValueError(f"whose dialect it is cannot be told ({why}); give --dialect, or --reference")
