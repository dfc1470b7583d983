"""NIR files in every form that exists, and faulty ones: each fault is one line that names it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.nir.writer import affine, chain, ends, fire, leaky, write_nir

from qat.nir.graph import read_graph
from qat.nir.order import order
from qat.nir.reading import read
from qat.nir.settle import Options
from qat.nir.shapes import with_shapes

pytestmark = pytest.mark.usefixtures("inside")

Nodes = dict[str, Any]


def simple(**changed: Any) -> Nodes:
    nodes: Nodes = {**ends([4], [2]), "fc": affine(np.eye(2, 4), [0, 0]), "lif": leaky(0.9, 2)}
    return {**nodes, **changed}


EDGES = chain("input", "fc", "lif", "output")


def shaped(path: Path) -> Any:
    return with_shapes(read_graph(path))


# ------------------------------------------------------------- what is made plain


def test_nested_graphs_are_flattened_and_ports_found_by_type(tmp_path: Path) -> None:
    inner = {
        "nodes": {
            "a": {"type": "Input", "shape": np.array([2])},
            "cell": leaky(0.9, 2),
            "w": affine(np.eye(2)),
            "b": {"type": "Output", "shape": np.array([2])},
        },
        "edges": [("a", "cell"), ("cell", "w"), ("w", "cell"), ("cell", "b")],
    }
    path = write_nir(tmp_path / "a.nir", simple(lif=inner), chain("input", "fc", "lif", "output"))
    graph = shaped(path)
    assert set(graph.nodes) == {"input", "fc", "lif.cell", "lif.w", "output"}
    assert set(graph.edges) == {
        ("input", "fc"), ("fc", "lif.cell"), ("lif.cell", "lif.w"), ("lif.w", "lif.cell"),
        ("lif.cell", "output"),
    }  # fmt: skip
    assert order(graph).late == {("lif.cell", "lif.w")}  # the weight sees spikes of the step before


def test_batch_axes_and_scalars_are_spread(tmp_path: Path) -> None:
    scalars = {k: v if k == "type" else v.flat[0] for k, v in leaky(0.9, 1).items()}
    path = write_nir(tmp_path / "a.nir", {**simple(lif=scalars), **ends([1, 1, 4], [1, 2])}, EDGES)
    graph = shaped(path)
    assert graph.nodes["input"].extent == (4,)
    assert graph.nodes["lif"].values["tau"].shape == (2,)


def test_an_output_with_axes_that_the_input_does_not_explain_is_refused(tmp_path: Path) -> None:
    path = write_nir(tmp_path / "a.nir", {**simple(), **ends([4], [1, 1, 2])}, EDGES)
    with pytest.raises(ValueError, match=r"declares the shape \(1, 1, 2\); 'lif' sends \(2,\)"):
        shaped(path)


def test_convolutions_and_pools_have_the_shapes_of_their_frameworks(tmp_path: Path) -> None:
    conv = {"type": "Conv2d", "weight": np.zeros((6, 1, 3, 5), np.float32), "bias": np.zeros(6),
            "stride": np.array([2, 1]), "padding": "same", "dilation": 1, "groups": 2,
            "input_shape": np.array([7, 8])}  # fmt: skip
    pool = {"type": "SumPool2d", "kernel_size": 2, "stride": 2, "padding": np.array([0, 0])}
    flat = {"type": "Flatten", "start_dim": 0, "end_dim": -1, "input_type": np.array([6, 2, 4])}
    nodes = {**ends([2, 7, 8], [48]), "c": conv, "p": pool, "f": flat, "n": fire(48)}
    graph = shaped(write_nir(tmp_path / "a.nir", nodes, chain("input", *"cpfn", "output")))
    assert [graph.nodes[n].extent for n in "cpf"] == [(6, 4, 8), (6, 2, 4), (48,)]


# ----------------------------------------------------------------- what is refused


def node(**fields: Any) -> Callable[[Path], Path]:
    """Return what writes a file whose neuron has other fields."""

    def write(folder: Path) -> Path:
        kept = {k: v for k, v in {**leaky(0.9, 2), **fields}.items() if v is not None}
        return write_nir(folder / "a.nir", simple(lif=kept), EDGES)

    return write


def graph_of(nodes: Nodes, edges: Any) -> Callable[[Path], Path]:
    return lambda folder: write_nir(folder / "a.nir", nodes, edges)


CONV = {"type": "Conv2d", "weight": np.zeros((2, 1, 3, 3), np.float32), "bias": np.zeros(2),
        "stride": 1, "padding": 1, "dilation": 2, "groups": 1}  # fmt: skip
LOOP = {**simple(), "w": affine(np.eye(2))}
REFUSED: dict[str, tuple[Callable[[Path], Path], str]] = {
    "NaN": (node(v_threshold=np.array([1.0, np.nan])), "v_threshold holds NaN"),
    "tau of 0": (node(tau=np.zeros(2)), r"'lif' \(LIF\): tau is 0; must be above 0"),
    "negative tau": (node(tau=-np.ones(2)), "tau is -1; must be above 0"),
    "threshold of 0": (node(v_threshold=np.zeros(2)), "v_threshold is 0; must be above 0"),
    "missing field": (node(v_leak=None), "has no v_leak"),
    "unknown type": (node(type="Izhikevich"), "type 'Izhikevich'; NIR has Affine"),
    "no numbers": (node(r="ten"), "r holds no numbers"),
    "wrong length": (node(tau=np.ones(3)), r"tau has shape \(3,\); the signal has \(2,\)"),
    "dangling edge": (
        graph_of(simple(), [*EDGES, ("lif", "lif2")]),
        "the edge 'lif' -> 'lif2' dangles: there is no node 'lif2'; its nodes are",
    ),
    "edge twice": (graph_of(simple(), [*EDGES, EDGES[0]]), "'input' -> 'fc' is there twice"),
    "two outputs": (
        graph_of({**simple(), "out": ends([4], [2])["output"]}, [*EDGES, ("lif", "out")]),
        r"has 2 Output nodes \(out, output\); one is allowed",
    ),
    "no input": (
        graph_of({k: v for k, v in simple().items() if k != "input"}, EDGES[1:]),
        "has 0 Input nodes",
    ),
    "loose node": (graph_of({**simple(), "w": affine(np.eye(2))}, EDGES), "'w' has no edges"),
    "unreached node": (
        graph_of(LOOP, [*EDGES, ("w", "lif")]), "nothing from the Input reaches the node 'w'"
    ),
    "cycle without a neuron": (
        graph_of({**LOOP, "v": affine(np.eye(2))},
                 [*EDGES, ("w", "v"), ("v", "w"), ("fc", "w"), ("v", "lif")]),
        "v, w lie on a cycle without a neuron|w, v lie on a cycle without a neuron",
    ),
    "dilation": (
        graph_of({**ends([1, 8, 8], [2, 8, 8]), "c": CONV, "n": fire(1)},
                 chain("input", "c", "n", "output")),
        r"dilation \(2,\); 1 is allowed",
    ),
    "shapes that differ": (
        graph_of(simple(fc=affine(np.eye(2, 5))), EDGES),
        r"Input\).*|weight has shape \(2, 5\); the signal before it has \(4,\)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_wrong_is_named_in_one_line(what: str, tmp_path: Path) -> None:
    write, text = REFUSED[what]
    with pytest.raises(ValueError, match=text) as error:
        order(shaped(write(tmp_path)))
    assert "\n" not in str(error.value)


def test_a_graph_of_too_many_nodes_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qat.nir.graph.MOST_NODES", 3)
    with pytest.raises(ValueError, match="has more than 3 nodes"):
        read_graph(write_nir(tmp_path / "a.nir", simple(), EDGES))


def test_a_delay_between_two_steps_is_refused(tmp_path: Path) -> None:
    delay = {"type": "Delay", "delay": np.array([1e-4, 2.5e-4])}
    path = write_nir(tmp_path / "a.nir", {**simple(), "d": delay},
                     chain("input", "fc", "d", "lif", "output"))  # fmt: skip
    with pytest.raises(ValueError, match=r"a delay of 2.5 steps of 0.0001 s; delays must be whole"):
        read(path, Options(reset="subtract"))
