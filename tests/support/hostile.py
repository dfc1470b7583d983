"""Archives with anything in them: what a mutator makes of a model file, and what tests write."""

from __future__ import annotations

import io
import json
import random
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

Members = dict[str, bytes]

MARKER = "injected"
"""A word that must never reach the code of generated C."""

INJECTIONS = (
    f"*/ int {MARKER}; /*",
    f"x\n#error {MARKER}\n",
    f'"; int {MARKER}; "',
    "../../escaped",
    "\x1b[2J\a",
    "\ud800",
    "{{ 7 * 7 }}",
)
NUMBERS = (
    *(0, 1, -1, 2, 3, 15, 16, 127, 128, 255, 256, 2**16, 2**24, 2**31 - 1, 2**31, -(2**31)),
    *(2**40, 2**63, 10**400, 0.5, 2.0, 1e308, float("nan"), float("inf"), True, False),
)
KINDS = (
    *("analog", "frames", "spikes", "rate", "latency", "delta", "dense", "lif", "layer"),
    *("accumulate", "count", "earlystop", "sensor"),
)
DTYPES = (
    *("|i1", "<i2", ">i2", "<i4", ">i4", "<i8", "|u1", "<u2", "<f4", "<f8", "|b1", "<c16"),
    *("<U3", "|S4", "|O", "|V4", "<M8[s]", "<m8", "i1,i1", "(2,)i1", "", "x"),
)
SHAPES = ("()", "(0,)", "(1,)", "(1, 1)", "(0, 4)", "(2**40, 2)", "(1099511627776, 2)",
          "(-1,)", "(4294967296, 4294967296)", "3", "None", "(1,) * 65", "(2,)")  # fmt: skip


def unpack(data: bytes) -> Members | None:
    """Return the members of an archive, None for what is none."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    except Exception:  # whatever is wrong with it: it is no archive then
        return None


def pack(members: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """Return an archive of the members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, compression)
    return buffer.getvalue()


def npy(array: Any, **options: Any) -> bytes:
    """Return an array as a .npy file."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asarray(array), **options)
    return buffer.getvalue()


def claiming(descr: str, shape: str, fortran: str = "False", data: bytes = b"") -> bytes:
    """Return a .npy file whose header says anything at all."""
    text = f"{{'descr': {descr!r}, 'fortran_order': {fortran}, 'shape': {shape}, }}".ljust(117)
    size = len(text) + 1
    return b"\x93NUMPY\x01\x00" + size.to_bytes(2, "little") + text.encode() + b"\n" + data


# ------------------------------------------------------------------------ mutations


def _deep(rng: random.Random) -> Any:
    value: Any = rng.choice(NUMBERS)
    form = rng.choice(("list", "layer", "metadata"))
    for _ in range(rng.choice((3, 200, 400, 900))):
        value = [value] if form == "list" else {"kind": "layer", "synapse": value}
    return value


def _value(rng: random.Random, tree: Any) -> Any:
    """Return any JSON value, often one from elsewhere in the tree."""
    spots = list(places(tree))
    known = [container[key] for container, key in spots]
    makers: tuple[Callable[[], Any], ...] = (
        lambda: rng.choice(NUMBERS),
        lambda: rng.choice(NUMBERS),
        lambda: rng.choice(INJECTIONS),
        lambda: rng.choice((None, "", [], {}, "subtract", "zero", "value", "late")),
        lambda: rng.choice(known) if known else None,
        lambda: {"kind": rng.choice(KINDS)},
        lambda: {"array": rng.choice((*INJECTIONS, "header.json", "layers.0.synapse.codes"))},
        lambda: [rng.choice(NUMBERS) for _ in range(rng.randrange(5))],
        lambda: [[rng.choice(NUMBERS)], rng.choice(NUMBERS)],
        lambda: _deep(rng) if rng.random() < 0.1 else rng.randrange(-300, 300),
    )
    return rng.choice(makers)()


def places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Yield (container, key) of every value below a JSON tree."""
    stack = [tree]
    while stack:
        node = stack.pop()
        keys = list(node) if isinstance(node, dict) else range(len(node))
        for key in keys:
            yield node, key
            if isinstance(node[key], dict | list):
                stack.append(node[key])


METADATA = ("channels", "sample_unit", "firing_rates", "activity", "accuracy", "training",
            "idle_neurons", "deployment", "x_scale", "x_offset")  # fmt: skip
"""Names under which the program itself looks for metadata."""


def mutate_json(data: bytes, rng: random.Random) -> bytes:
    """Return a JSON text with a value replaced, removed, added or copied."""
    try:
        tree = json.loads(data)
        spots = list(places(tree))
    except (ValueError, RecursionError, TypeError):
        return data
    if not spots:
        return data
    container, key = rng.choice(spots)
    deed = rng.random()
    if deed < 0.1 and isinstance(container, dict):
        del container[key]
    elif deed < 0.2 and isinstance(container, list):
        container.append(container[key])
    elif deed < 0.3 and isinstance(tree, dict) and isinstance(tree.get("metadata"), dict):
        tree["metadata"][rng.choice(METADATA)] = _value(rng, tree)
    elif deed < 0.4 and isinstance(container, dict):
        container[rng.choice(("kind", "stop", "sensor", "hop", *INJECTIONS))] = _value(rng, tree)
    else:
        container[key] = _value(rng, tree)
    try:
        return json.dumps(tree).encode()
    except (ValueError, RecursionError):  # a value that has come to hold itself
        return data


def mutate_npy(data: bytes, rng: random.Random) -> bytes:
    """Return a .npy file with another header, other values, or both."""
    try:
        array = np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
    except Exception:  # a mutant of before
        array = np.zeros((2, 2), np.int8)
    deed = rng.random()
    if deed < 0.3:
        return claiming(
            rng.choice(DTYPES), rng.choice((*SHAPES, str(array.shape))),
            rng.choice(("False", "False", "True", "0", "'x'")), array.tobytes(),
        )  # fmt: skip
    if deed < 0.6 and array.size and array.dtype.kind in "iuf":
        array = array.copy()
        flat = array.reshape(-1)
        place = rng.randrange(flat.size)
        value = np.asarray(rng.choice((0, 1, -1, 2, 127, -128, 255, 2**31 - 1, -(2**31))))
        flat[place : None if rng.random() < 0.1 else place + 1] = value.astype(array.dtype)
        return npy(array)
    if deed < 0.8 and array.dtype.kind in "iufU":
        shape = tuple(rng.choice((0, 1, 2, 3, 40)) for _ in range(rng.randrange(4)))
        return npy(np.resize(array, shape) if array.size else np.zeros(shape, array.dtype))
    if deed < 0.9 and array.dtype.kind in "iuf":
        kind = rng.choice(("i1", "i2", ">i4", "i8", "u1", "f8"))
        return npy(array.astype(kind)) if np.isfinite(array).all() else data
    return data


def mutate_archive(data: bytes, rng: random.Random, raw: Callable[[bytes], bytes]) -> bytes | None:
    """Return an archive with one or more members changed, None for what is no archive.

    raw: changes bytes without knowing what they are
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of NumPy about values that fit no type: any will do
        return _mutated(data, rng, raw)


def _mutated(data: bytes, rng: random.Random, raw: Callable[[bytes], bytes]) -> bytes | None:
    members = unpack(data)
    if not members:
        return None
    for _ in range(rng.choice((1, 1, 2, 4))):
        name = rng.choice(list(members))
        deed = rng.random()
        if deed < 0.02:
            del members[name]
        elif deed < 0.05:
            members[rng.choice((*INJECTIONS[3:5], "x.npy", "by.npy"))] = members[name]
        elif deed < 0.15:
            members[name] = raw(members[name])
        elif name.endswith(".json") or (len(members) > 1 and rng.random() < 0.5):
            name = "header.json" if "header.json" in members else name
            change = mutate_json if name.endswith(".json") else mutate_npy
            members[name] = change(members[name], rng)
        else:
            members[name] = mutate_npy(members[name], rng)
        if not members:
            break
    method = rng.choice((*[zipfile.ZIP_STORED] * 8, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2))
    return pack(members, method)
