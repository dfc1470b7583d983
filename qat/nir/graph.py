"""A NIR graph as a file has it, made plain: no graphs in it, no ports, every edge between nodes.

Graphs within graphs are flattened: a node `lif` of the graph `1` is called `1.lif`. The Input and
Output of an inner graph are ports, found by their type, and what comes in at one goes out of it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from os import PathLike
from typing import Any

from qat.model.checks import plain
from qat.nir.hdf5 import Tree, read_tree
from qat.nir.nodes import Node, node_of

Edge = tuple[str, str]

MOST_NODES, MOST_EDGES = 2_000, 20_000
GRAPH = "NIRGraph"


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes and edges; `source` is the Input, `sink` the Output.

    nodes:   by name, the Input and the Output among them
    edges:   (from, to), each once, in the order of the file
    version: of the writer, as the file says it
    about:   texts and numbers that its writer left in the metadata
    """

    nodes: Mapping[str, Node]
    edges: tuple[Edge, ...]
    source: str
    sink: str
    version: str = ""
    about: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def _neighbours(self) -> tuple[Mapping[str, tuple[str, ...]], Mapping[str, tuple[str, ...]]]:
        """Of each node those before it, and those behind it, in the order of the edges."""
        before, behind = defaultdict[str, list[str]](list), defaultdict[str, list[str]](list)
        for a, b in self.edges:
            before[b].append(a)
            behind[a].append(b)
        both = (before, behind)
        first, second = ({name: tuple(found) for name, found in each.items()} for each in both)
        return first, second

    def before(self, name: str) -> tuple[str, ...]:
        """Return the nodes from which edges lead to a node."""
        return self._neighbours[0].get(name, ())

    def behind(self, name: str) -> tuple[str, ...]:
        """Return the nodes to which edges lead from a node."""
        return self._neighbours[1].get(name, ())


def read_graph(path: str | PathLike[str]) -> Graph:
    """Return the graph of a NIR file, made plain; its shapes are not known yet.

    Raises OSError, and ValueError in words that follow the name of the file.
    """
    tree = read_tree(path)
    top = tree.get("node")
    if not isinstance(top, dict) or "type" not in top:
        raise ValueError(
            "is an HDF5 file without a NIR graph: it has no /node with a type; export the network "
            "to NIR where it was trained (qat/README.md)"
        )
    if top["type"] != GRAPH:
        raise ValueError(f"holds a single {plain(top['type'])}; a {GRAPH} is read")
    version = tree.get("version", "")
    return _graph(top, version if isinstance(version, str) else "")


def _graph(top: Tree, version: str) -> Graph:
    flat = _Flat()
    flat.add("", top)
    edges = _through_ports(flat)
    inputs = [name for name in flat.ports["Input"] if not flat.inner[name]]
    outputs = [name for name in flat.ports["Output"] if not flat.inner[name]]
    for what, found in (("Input", inputs), ("Output", outputs)):
        if len(found) != 1:
            names = f" ({', '.join(map(plain, found))})" if found else ""
            raise ValueError(f"has {len(found)} {what} nodes{names}; one is allowed")
    kept = {edge[0] for edge in edges} | {edge[1] for edge in edges} | {inputs[0], outputs[0]}
    nodes = {name: node for name, node in flat.nodes.items() if not flat.inner.get(name)}
    if loose := [name for name in nodes if name not in kept]:
        raise ValueError(f"node {plain(loose[0])!r} has no edges; remove it, or connect it")
    metadata = top.get("metadata")
    about = metadata if isinstance(metadata, dict) else {}
    graph = Graph(nodes, tuple(edges), inputs[0], outputs[0], version, about)
    _check_ends(graph)
    return graph


class _Flat:
    """Collects the nodes and edges of a graph and of those in it."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.edges: list[Edge] = []
        self.ports: dict[str, list[str]] = {"Input": [], "Output": []}
        self.inner: dict[str, bool] = {}  # of each port: is its graph within another?

    def add(self, path: str, tree: Tree) -> dict[str, list[str]]:
        """Add a graph; return its ports by their kind."""
        nodes, edges = tree.get("nodes"), tree.get("edges", [])
        if not isinstance(nodes, dict) or not isinstance(edges, list):
            raise ValueError(f"{_graph_name(path)} has no nodes, or edges that are no pairs")
        graphs: dict[str, dict[str, list[str]]] = {}
        own: dict[str, list[str]] = {"Input": [], "Output": []}
        for name, inner in nodes.items():
            full = f"{path}.{name}" if path and not name.startswith(f"{path}.") else name
            if not isinstance(inner, dict):
                raise ValueError(f"node {plain(full)!r} is no group of fields")
            if inner.get("type") == GRAPH:
                graphs[name] = self.add(full, inner)
                continue
            self._node(full, inner, own, bool(path))
        self._edges(path, edges, nodes, graphs)
        return own

    def _node(self, full: str, tree: Tree, own: dict[str, list[str]], inner: bool) -> None:
        if full in self.nodes or len(self.nodes) >= MOST_NODES:
            what = f"node {plain(full)!r} is there twice"
            raise ValueError(what if full in self.nodes else f"has more than {MOST_NODES} nodes")
        node = self.nodes[full] = node_of(full, tree)
        if node.kind in own:
            own[node.kind].append(full)
            self.ports[node.kind].append(full)
            self.inner[full] = inner

    def _edges(
        self, path: str, edges: list[Any], nodes: Tree, graphs: dict[str, dict[str, list[str]]]
    ) -> None:
        for edge in edges:
            if len(edge) != 2:
                raise ValueError(f"{_graph_name(path)}: an edge has {len(edge)} ends; 2 are needed")
            for name in edge:
                if name not in nodes:
                    known = ", ".join(plain(each) for each in nodes)
                    raise ValueError(
                        f"{_graph_name(path)}: the edge {plain(edge[0])!r} -> {plain(edge[1])!r} "
                        f"dangles: there is no node {plain(name)!r}; its nodes are {known}"
                    )
            sources = self._ends(path, edge[0], graphs, "Output")
            targets = self._ends(path, edge[1], graphs, "Input")
            self.edges += [(a, b) for a in sources for b in targets]
            if len(self.edges) > MOST_EDGES:
                raise ValueError(f"has more than {MOST_EDGES:,} edges")

    def _ends(
        self, path: str, name: str, graphs: dict[str, dict[str, list[str]]], port: str
    ) -> list[str]:
        if name not in graphs:
            return [f"{path}.{name}" if path and not name.startswith(f"{path}.") else name]
        if not graphs[name][port]:
            raise ValueError(f"graph {plain(name)!r} has no {port}; an edge leads there")
        return graphs[name][port]


def _graph_name(path: str) -> str:
    return f"graph {plain(path)!r}" if path else "the graph"


def _through_ports(flat: _Flat) -> list[Edge]:
    """Return the edges with those of inner ports replaced by edges through them."""
    if len(set(flat.edges)) != len(flat.edges):
        twice = next(edge for edge, times in Counter(flat.edges).items() if times > 1)
        raise ValueError(f"the edge {plain(twice[0])!r} -> {plain(twice[1])!r} is there twice")
    edges = _Edges()
    for edge in flat.edges:
        edges.add(edge)
    for port in (name for name, inner in flat.inner.items() if inner):
        edges.lead_through(port)
    return list(edges.found)


class _Edges:
    """Edges in order, each once, with those of a node at hand: of dictionaries the keys alone."""

    def __init__(self) -> None:
        self.found: dict[Edge, None] = {}
        self._into: dict[str, dict[str, None]] = defaultdict(dict)
        self._out: dict[str, dict[str, None]] = defaultdict(dict)

    def add(self, edge: Edge) -> None:
        """Add an edge behind the others, unless it is there."""
        if len(self.found) >= MOST_EDGES and edge not in self.found:
            raise ValueError(f"has more than {MOST_EDGES:,} edges")
        a, b = edge
        self.found[edge] = self._into[b][a] = self._out[a][b] = None

    def lead_through(self, port: str) -> None:
        """Replace the edges of a port by those from what is before it to what is behind it."""
        into, out = self._into.pop(port, {}), self._out.pop(port, {})
        for a in into:
            del self.found[a, port]
            self._out[a].pop(port, None)
        for b in out:
            self.found.pop((port, b), None)
            self._into[b].pop(port, None)
        for a in into:
            for b in out:
                if port not in (a, b):
                    self.add((a, b))


def _check_ends(graph: Graph) -> None:
    """Refuse nodes that nothing reaches, or that reach nothing."""
    if graph.before(graph.source) or graph.behind(graph.sink):
        raise ValueError("an edge leads into the Input, or out of the Output")
    for start, step, what in (
        (graph.source, graph.behind, "nothing from the Input reaches"),
        (graph.sink, graph.before, "the Output does not depend on"),
    ):
        seen, left = {start}, [start]
        while left:
            for name in step(left.pop()):
                if name not in seen:
                    seen.add(name)
                    left.append(name)
        if apart := [name for name in graph.nodes if name not in seen]:
            raise ValueError(f"{what} the node {plain(apart[0])!r}; connect it, or remove it")
