"""Hostile NIR files: bytes that are damaged, values and edges that mean nothing, objects of HDF5
that no network has. Every file follows from its number alone."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from support.nir.saved import names, saved

Tree = dict[str, Any]


def make(number: int, path: Path) -> str:
    """Write file `number`; return the name of the network that it was made of."""
    rng = random.Random(number)
    name = rng.choice(names())
    origin, _ = saved(name, path.parent)
    way = rng.choice((_damage, _damage, _twist, _twist, _twist, _strange))
    path.unlink(missing_ok=True)
    way(origin, path, rng)
    return name


# ---------------------------------------------------------------------- bytes


def _damage(origin: Path, path: Path, rng: random.Random) -> None:
    """Change some bytes, more often near the beginning, or cut the file."""
    data = bytearray(origin.read_bytes())
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        place = rng.randrange(min(len(data), rng.choice((200, 2000, len(data)))))
        data[place] = rng.choice((0, 255, data[place] ^ (1 << rng.randrange(8))))
    path.write_bytes(data[: rng.randrange(1, len(data))] if rng.random() < 0.1 else data)


# --------------------------------------------------------------------- values

WORDS = ("", ".", "lif", "input", "a.b", "x" * 300, "line\nbreak", "\u202e\u0000", "0", "NIRGraph")
TYPES = ("LIF", "IF", "CubaLIF", "LI", "I", "Affine", "Scale", "Delay", "Threshold", "Flatten",
         "Input", "Output", "Conv2d", "SumPool2d")  # fmt: skip
NUMBERS = (np.nan, np.inf, -np.inf, 0.0, -0.0, -1.0, 1e-320, 1e-30, 1e-9, 0.5, 1.0, 3.0, 1e9, 1e38,
           1e300, -1e300, 2.0**31, 2.0**63)  # fmt: skip
DTYPES = ("f2", "f4", "f8", ">f8", "i1", "i8", "u8", "?", "c8", "S3")


@cache
def _tree(origin: Path) -> Tree:
    def of(item: Any) -> Any:
        if isinstance(item, h5py.Group):
            return {key: of(value) for key, value in item.items()}
        return item.asstr()[()] if h5py.check_string_dtype(item.dtype) else item[()]

    with h5py.File(origin) as file:
        found: Tree = of(file)
    return found


def _copied(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _copied(value) for key, value in tree.items()}
    return tree.copy() if isinstance(tree, np.ndarray) else tree


def _write(group: Any, tree: Tree) -> None:
    for key, value in tree.items():
        if isinstance(value, dict):
            _write(group.create_group(key), value)
        elif isinstance(value, np.ndarray) and value.dtype == object:
            group.create_dataset(key, data=value, dtype=h5py.string_dtype())
        else:
            group[key] = value


def _graphs(tree: Tree) -> list[Tree]:
    """Return a graph and those within it."""
    inner = [node for node in tree["nodes"].values() if "nodes" in node]
    return [tree, *(graph for node in inner for graph in _graphs(node))]


def _twist(origin: Path, path: Path, rng: random.Random) -> None:
    """Change fields, types, names or edges."""
    tree = _copied(_tree(origin))
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        graph = rng.choice(_graphs(tree["node"]))
        change = rng.choice((_number, _number, _number, _shape, _field, _edge, _edge, _name, _wrap))
        with suppress(ValueError, TypeError, IndexError, KeyError):  # changed too much by then
            change(graph, rng)
    try:
        with h5py.File(path, "w") as file:
            _write(file, tree)
    except (ValueError, TypeError, OSError):  # HDF5 itself has no such name or value
        path.write_bytes(origin.read_bytes())


def _any_field(graph: Tree, rng: random.Random) -> tuple[Tree, str]:
    nodes = [node for node in graph["nodes"].values() if len(node) > 1 and "nodes" not in node]
    if not nodes:
        return graph, "type"
    node = rng.choice(nodes)
    return node, rng.choice(sorted(set(node) - {"type"}))


def _number(graph: Tree, rng: random.Random) -> None:
    node, key = _any_field(graph, rng)
    value, number = node[key], rng.choice(NUMBERS)
    if not isinstance(value, np.ndarray | np.generic) or np.asarray(value).dtype.kind not in "fiu":
        return
    found = np.array(value)
    if found.dtype.kind in "iu":
        number = int(np.nan_to_num(number, posinf=9e18, neginf=-9e18))
        number = int(np.clip(number, np.iinfo(found.dtype).min, np.iinfo(found.dtype).max))
    with np.errstate(all="ignore"):
        if rng.random() < 0.2:
            found = found * rng.choice((-1, 2, 0))
        elif found.ndim and rng.random() < 0.5:
            found.reshape(-1)[rng.randrange(found.size)] = number
        else:
            found[...] = number
    node[key] = found


def _shape(graph: Tree, rng: random.Random) -> None:
    node, key = _any_field(graph, rng)
    value = np.asarray(node[key])
    with np.errstate(all="ignore"):
        changed: tuple[Callable[[], Any], ...] = (
            lambda: value[None], lambda: value[..., None], value.ravel, lambda: value.T,
            lambda: value.reshape(-1)[:-1], lambda: np.array(value.flat[0]),
            lambda: np.zeros((0, 3)), lambda: np.broadcast_to(value, (2, *value.shape)),
            lambda: value.astype(rng.choice(DTYPES)),
        )  # fmt: skip
        node[key] = rng.choice(changed)()


def _field(graph: Tree, rng: random.Random) -> None:
    node, key = _any_field(graph, rng)
    way = rng.randrange(6)
    if way == 0:
        node.pop(key, None)
    elif way == 1:
        node["type"] = rng.choice((*TYPES, *WORDS))
    elif way == 2:
        node[key] = rng.choice(WORDS)
    elif way == 3:
        node[key] = {"a": np.zeros(3)}
    elif way == 4:
        node[rng.choice(("tau", "r", "v_reset", "w_in", "bias", "padding", "edges"))] = node[key]
    else:
        node["type"] = np.array([1.0])


def _edge(graph: Tree, rng: random.Random) -> None:
    edges, known = [list(edge) for edge in graph["edges"]], [*graph["nodes"], "nobody"]
    way = rng.randrange(7)
    if way == 0 and edges:
        edges.pop(rng.randrange(len(edges)))
    elif way == 1 and edges:
        edges.append(rng.choice(edges))
    elif way == 2 and edges:
        edges[rng.randrange(len(edges))].reverse()
    elif way == 3:
        graph["edges"] = np.array([name for edge in edges for name in edge], dtype=object)
        return
    elif way == 4:
        graph["edges"] = np.zeros((2, 2))
        return
    else:
        edges.append([rng.choice(known), rng.choice(known)])
    graph["edges"] = np.array(edges, dtype=object).reshape(-1, 2)


def _name(graph: Tree, rng: random.Random) -> None:
    """Give a node another name, in its edges too."""
    old, new = rng.choice([*graph["nodes"]]), rng.choice(WORDS)
    if new in graph["nodes"] or "/" in new or new in ("", "."):
        return
    graph["nodes"] = {new if name == old else name: v for name, v in graph["nodes"].items()}
    edges = [[new if name == old else name for name in edge] for edge in graph["edges"]]
    graph["edges"] = np.array(edges, dtype=object).reshape(-1, 2)


def _wrap(graph: Tree, rng: random.Random) -> None:
    """Put a node into a graph of its own, perhaps without ports, or often."""
    name = rng.choice([*graph["nodes"]])
    for _ in range(rng.choice((1, 1, 3, 20))):
        inner = {"type": "NIRGraph", "nodes": {name: graph["nodes"][name]},
                 "edges": np.array([], dtype=object).reshape(-1, 2)}  # fmt: skip
        if rng.random() < 0.7:
            shape = np.array(rng.choice(([3], [12], [1, 8, 8])))
            inner["nodes"] |= {"input": {"type": "Input", "shape": shape},
                               "output": {"type": "Output", "shape": shape}}  # fmt: skip
            inner["edges"] = np.array([["input", name], [name, "output"]], dtype=object)
        graph["nodes"][name] = inner


# -------------------------------------------------------------- objects of HDF5


def _strange(origin: Path, path: Path, rng: random.Random) -> None:
    """Put an object into the file that no network has, or one that claims to be huge."""
    path.write_bytes(origin.read_bytes())
    with h5py.File(path, "a") as file:
        nodes = file["node/nodes"]
        node = nodes[rng.choice([*nodes])]
        key = rng.choice([*node])
        del node[key]
        rng.choice(OBJECTS)(file, node, key)


def _many(file: Any, node: Any, key: str) -> None:
    group = node.create_group(key)
    for number in range(3000):
        group.create_group(str(number))


def _deep(file: Any, node: Any, key: str) -> None:
    for _ in range(200):
        node = node.create_group(key)


def _virtual(file: Any, node: Any, key: str) -> None:
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (4,))
    node.create_virtual_dataset(key, layout)


def _compound(file: Any, node: Any, key: str) -> None:
    node[key] = np.zeros(2, [("a", "f4"), ("b", "i8")])


def _enumerated(file: Any, node: Any, key: str) -> None:
    node.create_dataset(key, data=[0, 1], dtype=h5py.enum_dtype({"A": 0, "B": 1}, "i4"))


def _ragged(file: Any, node: Any, key: str) -> None:
    node.create_dataset(key, (3,), dtype=h5py.vlen_dtype(np.dtype("f8")))


def _typed(file: Any, node: Any, key: str) -> None:
    node[key] = np.dtype("f8")


def _chunked(file: Any, node: Any, key: str) -> None:
    node.create_dataset(key, (1 << 20, 1 << 20), "f4", chunks=(64, 64), compression="gzip")


def _text(file: Any, node: Any, key: str) -> None:
    node.create_dataset(key, data="x" * 100_000, dtype=h5py.string_dtype())


def _texts(file: Any, node: Any, key: str) -> None:
    node.create_dataset(key, (1 << 18,), dtype=h5py.string_dtype(), chunks=(1 << 10,))


OBJECTS: tuple[Callable[[Any, Any, str], Any], ...] = (
    _many, _deep, _virtual, _compound, _enumerated, _ragged, _typed, _chunked, _text, _texts,
    lambda file, node, key: node.__setitem__(key, file["node"]),
    lambda file, node, key: node.__setitem__(key, h5py.SoftLink("/node/nodes")),
    lambda file, node, key: node.__setitem__(key, h5py.SoftLink(f"{node.name}/{key}")),
    lambda file, node, key: node.__setitem__(key, h5py.ExternalLink("/etc/passwd", "/x")),
    lambda file, node, key: node.create_dataset(key, data=file["node"].ref, dtype=h5py.ref_dtype),
    lambda file, node, key: node.create_dataset(key, data=h5py.Empty("f4")),
    lambda file, node, key: node.create_dataset(key, (1 << 40,), "f8", chunks=(1024,)),
    lambda file, node, key: node.create_dataset(key, (1 << 16, 1 << 16, 4), "i1", chunks=True),
    lambda file, node, key: node.create_dataset(key, (3,), "f8", external=[("/etc/passwd", 0, 24)]),
    lambda file, node, key: node.create_dataset(key, data=np.zeros(2, "V16")),
    lambda file, node, key: node.create_dataset(key, (0, 4), "f8"),
    lambda file, node, key: node.create_dataset(key, (1,) * 20, "f8"),
)  # fmt: skip
"""What a field becomes: links, cycles, other files, references, types of others, huge claims."""
