"""A graph in its dialect -> a plan: what each node becomes in the integer model.

Exact, in real numbers, are gains and rests (taken into thresholds and bias), resets that come a
step later (a larger constant is subtracted at once), spikes that leave a step later (a delay),
pools, scales and chains of weights. What the model has no record for is refused in one line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from qat.model import Shape
from qat.model.checks import plain
from qat.model.edges import INPUT, MAX_DELAY
from qat.nir.constants import by_channel, by_model, check_threshold, gain_of, normalised
from qat.nir.dynamics import Dynamics
from qat.nir.layout import as_model, shape_of
from qat.nir.linear import Weights, pool_of, weights_of
from qat.nir.nodes import Extent, Node
from qat.nir.plan import Link, Plan, Stage
from qat.nir.twin import Twin, steps_of

MOST_PATHS = 256


@dataclass(frozen=True, eq=False)
class Path:
    """A chain of nodes without neurons from a source to a neuron; steps by which it is late."""

    source: str
    chain: tuple[Node, ...]
    delay: int = 0
    delays: NDArray[np.int64] | None = None


@dataclass(frozen=True, eq=False)
class Emitter:
    """A neuron as a layer: the node that has the membrane, the node that sends its spikes."""

    membrane: Node
    sender: Node
    neuron: Dynamics


def plan_of(twin: Twin) -> Plan:
    """Return the plan of a graph; ValueError for what the model has no record for."""
    return _Mapping(twin).plan()


class _Mapping:
    def __init__(self, twin: Twin) -> None:
        self.twin, self.graph = twin, twin.graph
        self.emitters = _emitters(twin)
        self.places = {e.sender.name: i for i, e in enumerate(self.emitters)}
        self.stages: list[Stage] = []
        self.worth: list[float] = []
        self.pooled: dict[int, str] = {}
        self.paths: dict[str, list[Path]] = {}
        self.notes: list[str] = []

    def plan(self) -> Plan:
        """Return the plan."""
        last = self.graph.nodes[self.graph.before(self.graph.sink)[0]]
        for emitter in self.emitters:
            self._add(emitter)
        readout = None
        if last.name not in self.places:
            readout = self._readout(last)
        elif last.name != self.emitters[-1].sender.name:
            raise ValueError(f"{last.where}: is the output, and not the last neuron; reorder them")
        late = int(readout is None and self.emitters[-1].neuron.behind)
        given = shape_of(self.graph.nodes[self.graph.source].extent)
        return Plan(given, tuple(self.stages), readout, late, tuple(dict.fromkeys(self.notes)))

    # ------------------------------------------------------------- layers

    def _add(self, emitter: Emitter) -> None:
        index = len(self.stages)
        paths = list(self._paths(emitter.membrane.name))
        for windows in (True, False):
            links = self._links(paths, index, emitter.membrane.extent, windows)
            if links is not None:
                neuron = by_channel(emitter.neuron, emitter.membrane.extent, links[0][0].link.shape)
                if neuron is not None:
                    break
        else:
            raise ValueError(f"{emitter.membrane.where}: its weights fit no layer of the model")
        weights = [found for found, _ in links]
        neuron, more = normalised(neuron, emitter.membrane)
        bias = sum((w.bias for w in weights), start=np.zeros(()))
        gain = gain_of(emitter.neuron, emitter.membrane.extent, weights[0].link.shape)
        stage = Stage(
            emitter.sender.name, tuple(w.link for w in weights), bias + more / gain, neuron
        )
        check_threshold(stage, emitter.membrane)
        self._note(emitter, weights)
        self.stages.append(stage)
        self._pool(index)

    def _note(self, emitter: Emitter, weights: list[Weights]) -> None:
        for found in weights:
            if len(found.unrolled) > 1 or any(
                self.graph.nodes[n].kind.startswith("Conv") for n in found.unrolled
            ):
                self.notes.append(f"{' and '.join(found.unrolled)}: one matrix of weights")
        if emitter.neuron.twice and emitter.neuron.reset == "subtract":
            self.notes.append(
                f"{emitter.sender.name}: reset_delay=False takes another threshold off membranes "
                "above twice the threshold; the model does not (approximate)"
            )

    def _pool(self, index: int) -> None:
        """Give a layer the pool that all that read it begin with."""
        stage, worth = self.stages[index], 1.0
        readers = [
            path.chain[0] if path.chain else None
            for reader in (*(e.membrane.name for e in self.emitters), self._end)
            for path in self._paths(reader)
            if path.source == stage.node
        ]
        first = readers[0] if readers else None
        if first is not None and stage.map == shape_of(self.graph.nodes[stage.node].extent):
            pools = [None if node is None else pool_of(node) for node in readers]
            if pools[0] is not None and all(pool == pools[0] for pool in pools):
                pool, worth = pools[0]
                self.stages[index] = replace(stage, pool=pool)
                self.pooled[index] = first.name
        self.worth.append(worth)

    @property
    def _end(self) -> str:
        """What reads the last layer: the Output, or the neuron before it that does not spike."""
        last = self.graph.before(self.graph.sink)[0]
        plain = last in self.twin.neurons and last not in self.places
        return last if plain else self.graph.sink

    def _links(
        self, paths: list[Path], index: int, extent: Extent, windows: bool
    ) -> list[tuple[Weights, Path]] | None:
        """Return the weights of every path; None where they give currents of unequal shapes."""
        found = []
        for path in paths:
            weights = self._weights(path, index, shape_of(extent) if windows else None)
            if weights is None:
                return None
            found.append((weights, path))
        found.sort(key=lambda pair: pair[0].link.source != index - 1)
        if found[0][0].link.source != index - 1:
            found.insert(0, (self._nothing(index, found[0][0].link), paths[0]))
        shapes = {weights.link.shape for weights, _ in found}
        return found if len(shapes) == 1 else None

    def _nothing(self, index: int, like: Link) -> Weights:
        """Return weights of 0 from the layer before: the model's first edge leads from there."""
        before = self.stages[index - 1].shape if index else self._given
        if like.window is not None:
            raise ValueError("a convolution that does not read the layer before it is not mapped")
        return Weights(Link(index - 1, np.zeros((len(like.weight), before.size))), np.zeros(()))

    @property
    def _given(self) -> Shape:
        return shape_of(self.graph.nodes[self.graph.source].extent)

    def _weights(self, path: Path, index: int, wanted: Shape | None) -> Weights | None:
        """Return a path as weights of a link, windows where `wanted` is a map."""
        source = INPUT if path.source == self.graph.source else self.places[path.source]
        chain, worth = list(path.chain), 1.0
        extent = self.graph.nodes[path.source].extent
        sent = wanted if source == index else self._given
        if 0 <= source < index:
            sent, worth = self.stages[source].shape, self.worth[source]
            if source in self.pooled:
                extent, chain = chain[0].extent, chain[1:]
        found = weights_of(chain, extent, worth)
        window = found.link.window
        if wanted is None or (wanted.positions == 1 and window is not None):
            found = (
                found if window is None else weights_of([*chain, _flat(chain[-1])], extent, worth)
            )
        elif window is not None and window.grid != sent:
            return None
        delay: int | NDArray[np.int64] = path.delay
        if path.delays is not None:
            delay = path.delay + path.delays
            if found.link.window is not None:
                delay = _by_map_channel(delay, found.link.window.grid)
        if np.max(delay) > MAX_DELAY:
            raise ValueError(f"a delay of {np.max(delay)} steps; the model has {MAX_DELAY} at most")
        return replace(found, link=replace(found.link, source=source, delay=delay))

    def _readout(self, last: Node) -> Stage:
        """Return what does not spike behind the last layer."""
        index = len(self.stages)
        neuron = self.twin.neurons.get(last.name)
        paths = list(self._paths(last.name if neuron is not None else self.graph.sink))
        links = self._links(paths, index, last.extent, windows=False)
        if links is None or len(links) != 1 or not self.stages:
            raise ValueError(
                f"{last.where}: the output needs one layer of spiking neurons before it"
            )
        weights = links[0][0]
        if neuron is None:
            still = np.zeros(len(weights.link.weight))
            return Stage(
                last.name, (weights.link,), weights.bias, Dynamics(still, still + 1, still, still)
            )
        made, more = normalised(by_model(neuron, last.extent), last)
        gain = gain_of(neuron, last.extent, weights.link.shape)
        return Stage(last.name, (weights.link,), weights.bias + more / gain, made)

    # -------------------------------------------------------------- paths

    def _paths(self, name: str) -> list[Path]:
        if name not in self.paths:
            found = self.paths[name] = list(islice(self._backwards(name), MOST_PATHS + 1))
            if len(found) > MOST_PATHS:
                raise ValueError(f"node {plain(name)!r}: more than {MOST_PATHS} paths lead to it")
        return self.paths[name]

    def _backwards(self, name: str) -> Iterator[Path]:
        """Yield the paths that lead to a node, depth first; a stack, for chains may be long."""
        graph, late = self.graph, self.twin.order.late
        left: list[tuple[str, str, tuple[Node, ...], int]] = []  # from, to, behind both, delay

        def ahead(name: str, chain: tuple[Node, ...], delay: int) -> None:
            left.extend((before, name, chain, delay) for before in reversed(graph.before(name)))

        ahead(name, (), 0)
        while left:
            before, to, chain, delay = left.pop()
            delay += int((before, to) in late)
            node = graph.nodes[before]
            if before == graph.source or before in self.places:
                behind = before in self.places and self._behind(before)
                yield self._path(before, chain, delay + int(behind and (before, to) not in late))
            elif node.about.neuron or node.kind == "Threshold":
                raise ValueError(
                    f"{node.where}: is neither the output nor a neuron that spikes; only the last "
                    "node may send membranes"
                )
            else:
                ahead(before, (node, *chain), delay)

    def _behind(self, name: str) -> bool:
        return self.emitters[self.places[name]].neuron.behind

    def _path(self, source: str, chain: tuple[Node, ...], delay: int) -> Path:
        """Return a path whose Delay nodes became steps."""
        kept: list[Node] = []
        delays = None
        for node in chain:
            if node.kind != "Delay":
                kept.append(node)
                continue
            steps = steps_of(node, self.twin.reading.dt)
            if (steps == steps.flat[0]).all() and not any(_has_bias(other) for other in kept):
                delay += int(steps.flat[0])
            elif not kept and delays is None:
                delays = as_model(steps, node.extent)
            else:
                raise ValueError(
                    f"{node.where}: unequal delays, or delays of a bias, stand behind weights; put "
                    "them before the weights"
                )
        return Path(source, tuple(kept), delay, delays)


def _by_map_channel(delays: NDArray[np.int64], grid: Shape) -> NDArray[np.int64]:
    """Return delays by channel of a map that a window reads; they must not differ by position."""
    rows = delays.reshape(grid.positions, grid.channels)
    if (rows != rows[0]).any():
        raise ValueError("delays before a convolution differ from position to position; not mapped")
    return delays


def _has_bias(node: Node) -> bool:
    return bool(np.any(node.values.get("bias", 0)))


def _flat(node: Node) -> Node:
    """Return a Flatten behind a node: a chain with it is no window."""
    size = (int(np.prod(node.extent)),)
    return Node("", "Flatten", {}, node.extent, size)


def _emitters(twin: Twin) -> list[Emitter]:
    """Return every spiking neuron in order; an LI with a Threshold behind it is one."""
    found = []
    for name in (n for part in twin.order.parts for n in part):
        node, neuron = twin.graph.nodes[name], twin.neurons.get(name)
        if neuron is not None and neuron.threshold is not None:
            found.append(Emitter(node, node, neuron))
        if node.kind == "Threshold":
            before = twin.graph.before(name)
            made = twin.neurons.get(before[0])
            alone = len(before) == 1 and twin.graph.behind(before[0]) == (name,)
            if not alone or made is None or made.threshold is not None:
                raise ValueError(f"{node.where}: stands behind no LI of its own; is not mapped")
            made = replace(made, threshold=node.values["threshold"], strict=twin.strict)
            found.append(Emitter(twin.graph.nodes[before[0]], node, made))
    return found
