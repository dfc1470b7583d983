"""The order in which nodes are computed within a step, and the edges that look a step back.

Nodes that lie on a cycle are computed together, step by step; everything else takes whole
recordings. A cycle needs a neuron, and its spikes go back a step later: an edge that closes one is
delayed where it leaves the neuron, so that what lies between (a weight with its bias) is computed
in the step of the spikes that it gets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from qat.nir.graph import Edge, Graph


@dataclass(frozen=True)
class Order:
    """The parts of a graph in the order in which they are computed.

    parts: names of nodes; several lie on cycles with each other, in the order within a step
    late:  edges whose signal is that of the step before
    """

    parts: tuple[tuple[str, ...], ...]
    late: frozenset[Edge]


def order(graph: Graph) -> Order:
    """Return the order of a graph; ValueError for a cycle without a neuron."""
    parts = components(graph)
    late: set[Edge] = set()
    distance = _distances(graph)
    sorted_parts = []
    place = {name: i for i, part in enumerate(parts) for name in part}
    within: list[list[Edge]] = [[] for _ in parts]
    for a, b in graph.edges:
        if place[a] == place[b]:
            within[place[a]].append((a, b))
    for part, own in zip(parts, within, strict=True):
        inside = set(part)
        if not own:
            sorted_parts.append(part)
            continue
        if not any(graph.nodes[name].about.neuron for name in part):
            raise ValueError(f"the nodes {', '.join(part)} lie on a cycle without a neuron")
        back = {(a, b) for a, b in own if distance[b] <= distance[a]}
        back = _from_neurons(graph, inside, back)
        late |= back
        sorted_parts.append(_sorted(part, [edge for edge in own if edge not in back]))
    return Order(tuple(sorted_parts), frozenset(late))


def _from_neurons(graph: Graph, inside: set[str], back: set[Edge]) -> set[Edge]:
    """Return the edges that are delayed in place of those that close a cycle."""
    found, left = set(), list(back)
    while left:
        a, b = left.pop()
        if graph.nodes[a].about.neuron:
            found.add((a, b))
            continue
        before = graph.before(a)
        if not inside.issuperset(before) or len(graph.behind(a)) != 1:
            raise ValueError(
                f"node {a!r} closes a cycle and has other inputs or outputs; give each its own node"
            )
        left += [(c, a) for c in before]
    return found


def _distances(graph: Graph) -> Mapping[str, int]:
    """Return how many edges each node is from the Input."""
    found, ring = {graph.source: 0}, [graph.source]
    while ring:
        ring = [b for a in ring for b in graph.behind(a) if b not in found]
        for name in ring:
            found.setdefault(name, len(found))
        ring = list(dict.fromkeys(ring))
    return found


def _sorted(names: tuple[str, ...], edges: list[Edge]) -> tuple[str, ...]:
    """Return names so that every edge leads forward."""
    left, found = list(names), list[str]()
    waits, behind = dict.fromkeys(names, 0), {name: list[str]() for name in names}
    for a, b in edges:
        waits[b] += 1
        behind[a].append(b)
    while left:
        ready = [name for name in left if not waits[name]]
        if not ready:
            raise ValueError(f"the nodes {', '.join(left)} lie on cycles that share no delay")
        found += ready
        left = [name for name in left if waits[name]]
        for name in ready:
            for other in behind[name]:
                waits[other] -= 1
    return tuple(found)


def components(graph: Graph) -> list[tuple[str, ...]]:
    """Return the strongly connected components, each after those that lead to it (Tarjan)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack, stacked = list[str](), set[str]()
    found: list[tuple[str, ...]] = []
    for root in graph.nodes:
        if root in index:
            continue
        work = [(root, iter(graph.behind(root)))]
        index[root] = low[root] = len(index)
        stack.append(root)
        stacked.add(root)
        while work:
            name, rest = work[-1]
            for other in rest:
                if other not in index:
                    index[other] = low[other] = len(index)
                    stack.append(other)
                    stacked.add(other)
                    work.append((other, iter(graph.behind(other))))
                    break
                if other in stacked:
                    low[name] = min(low[name], index[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
                if low[name] == index[name]:
                    place = stack.index(name)
                    found.append(tuple(stack[place:]))
                    stacked.difference_update(found[-1])
                    del stack[place:]
    return found[::-1]
