"""Model files: an .npz archive with a JSON header, never pickle.

The archive holds `header.json` and one .npy member per array. The header describes the
records field by field; an array field is {"array": member}. Reading trusts nothing: every
size is compared with the bytes that are there before memory is taken, and the records
check their own values.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qat.machine.bounded import read_regular
from qat.model.archive import Archive
from qat.model.checks import check_size
from qat.model.detector import Detector
from qat.model.edges import SYNAPSES, Edge
from qat.model.inputs import INPUTS
from qat.model.layer import Layer
from qat.model.leak import LeakClasses
from qat.model.neurons import NEURONS
from qat.model.pool import Pool
from qat.model.readouts import READOUTS, EarlyStop
from qat.model.sensor import Sensor
from qat.model.shape import Shape
from qat.model.spectrum import Spectrum

if TYPE_CHECKING:
    from qat.model.model import Model

FORMAT = 1
HEADER = "header.json"
MAX_HEADER_BYTES = 2**24
MAX_DEPTH = 32
"""How deep JSON values of the header may nest; a model's own are five deep, metadata deeper."""
MAX_BYTES = 2**28
"""The size of a file, and of all that is read of its members; more fits no microcontroller."""
MAX_NPY_HEADER = 128
"""The size of an array's header, in bytes."""
RECORDS: dict[str, type] = {
    cls.__name__.lower(): cls
    for cls in (
        *INPUTS,
        Shape,
        *SYNAPSES,
        *NEURONS,
        LeakClasses,
        Pool,
        Edge,
        Layer,
        *READOUTS,
        EarlyStop,
        Sensor,
        Spectrum,
        Detector,
    )
}
"""Every record that a file may name; a new record is a new row."""

OPTIONAL = ("stop", "sensor", "detector")
"""Records that a model may do without, and then leaves out of its file and its digest."""

_TIMESTAMP = (1980, 1, 1, 0, 0, 0)


# ------------------------------------------------------------------ writing


def _describe(record: Any, prefix: str, arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """Return the JSON form of a record; its arrays go to `arrays`."""
    description: dict[str, Any] = {"kind": type(record).__name__.lower()}
    for field in fields(record):
        value, name = getattr(record, field.name), f"{prefix}.{field.name}"
        plain = not isinstance(value, np.ndarray)
        if field.kw_only and plain and value == field.default:  # came later: it leaves no mark
            continue
        if isinstance(value, np.ndarray):
            arrays[name] = value
            value = {"array": name}
        elif type(value) in RECORDS.values():
            value = _describe(value, name, arrays)
        elif isinstance(value, tuple):
            value = [
                _describe(each, f"{name}.{place}", arrays)
                if type(each) in RECORDS.values()
                else each
                for place, each in enumerate(value)
            ]
        description[field.name] = value
    return description


def to_bytes(model: Model) -> bytes:
    """Return the model file: the same model gives the same bytes.

    Raises ValueError for one that could not be read again.
    """
    arrays: dict[str, NDArray[Any]] = {}
    header = {
        "format": FORMAT,
        "digest": model.digest(),
        "name": model.name,
        "metadata": dict(model.metadata),
        "steps": model.steps,
        "input": _describe(model.input, "input", arrays),
        "layers": [_describe(y, f"layers.{i}", arrays) for i, y in enumerate(model.layers)],
        "readout": model.readout and _describe(model.readout, "readout", arrays),
    }
    for name in OPTIONAL:
        if getattr(model, name) is not None:
            header[name] = _describe(getattr(model, name), name, arrays)
    text = json.dumps(header, sort_keys=True, indent=1, allow_nan=False)
    size = sum(array.nbytes + MAX_NPY_HEADER for array in arrays.values()) + len(text)
    if size > MAX_BYTES or len(text) > MAX_HEADER_BYTES or _depth(header) > MAX_DEPTH:
        raise ValueError(
            f"has {size:,} bytes, {len(text):,} of them names and metadata; at most "
            f"{MAX_BYTES:,} and {MAX_HEADER_BYTES:,} are read, nested {MAX_DEPTH} deep"
        )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        _add(archive, HEADER, text.encode())
        for name, array in arrays.items():
            member = io.BytesIO()
            little = array.astype(array.dtype.newbyteorder("<"), copy=False)
            np.lib.format.write_array(member, little, version=(1, 0), allow_pickle=False)
            _add(archive, f"{name}.npy", member.getvalue())
    return buffer.getvalue()


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    info = zipfile.ZipInfo(name, _TIMESTAMP)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    archive.writestr(info, data)


# ------------------------------------------------------------------ reading


def content(path: Path) -> bytes:
    """Return the bytes of a file; ValueError for more than a model can have, and for no file."""
    return read_regular(path, MAX_BYTES)


def _header(archive: Archive) -> dict[str, Any]:
    """Return the header of a model file."""
    if HEADER not in archive:
        raise ValueError(f"not a model file: it has no {HEADER}")
    if archive.size(HEADER) > MAX_HEADER_BYTES:
        raise ValueError(f"{HEADER} is larger than {MAX_HEADER_BYTES} bytes")
    try:
        header = json.loads(archive.read(HEADER))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{HEADER} cannot be read ({error})") from None
    if not isinstance(header, dict):
        raise ValueError(f"{HEADER} must be an object")
    if _depth(header) > MAX_DEPTH:
        raise ValueError(f"{HEADER} cannot be read (it is nested more than {MAX_DEPTH} deep)")
    return header


def _depth(tree: Any) -> int:
    """Return how deep JSON values are nested, MAX_DEPTH + 1 at most."""
    nodes, depth = [tree], 0
    while nodes and depth <= MAX_DEPTH:
        inner = [node.values() if isinstance(node, dict) else node for node in nodes]
        nodes = [y for row in inner for y in row if isinstance(y, dict | list)]
        depth += 1
    return depth


def _array(archive: Archive, name: Any) -> NDArray[Any]:
    array = archive.array(name)
    if array.dtype.kind != "i":
        raise ValueError(f"array {name} has dtype {array.dtype}; only integers are read")
    return array


def _restore(description: Any, archive: Archive, where: str) -> Any:
    """Return the record of a JSON form, or raise ValueError naming `where`."""
    record = isinstance(description, dict)
    kind = description.get("kind") if record else description
    if not record or not isinstance(kind, str) or kind not in RECORDS:
        raise ValueError(f"{where}: unknown record {kind!r}; a newer spikemcu may read it")
    cls = RECORDS[kind]
    known = {field.name: field for field in fields(cls)}
    given = {key: value for key, value in description.items() if key != "kind"}
    unknown = sorted(set(given) - set(known))
    required = {n for n, f in known.items() if f.default is f.default_factory is MISSING}
    if unknown or not required <= set(given):
        missing = sorted(required - set(given))
        raise ValueError(f"{where}: unknown fields {unknown}, missing fields {missing}")
    values = {name: _value(v, archive, f"{where}.{name}") for name, v in given.items()}
    return cls(**values)


def _value(value: Any, archive: Archive, where: str) -> Any:
    if isinstance(value, dict) and set(value) == {"array"}:
        return _array(archive, value["array"])
    if isinstance(value, dict):
        return _restore(value, archive, where)
    if isinstance(value, list):
        return tuple(_value(v, archive, f"{where}.{i}") for i, v in enumerate(value))
    return value


def _model_fields(header: Mapping[str, Any], archive: Archive) -> dict[str, Any]:
    layers, metadata = header.get("layers"), header.get("metadata", {})
    if not isinstance(layers, list) or not isinstance(metadata, dict):
        raise ValueError("layers must be a list and metadata an object")
    check_size(len(layers))
    readout = header.get("readout")
    optional = {
        name: _restore(header[name], archive, name)
        for name in OPTIONAL
        if header.get(name) is not None
    }
    return {
        **optional,
        "input": _restore(header.get("input"), archive, "input"),
        "layers": tuple(_restore(y, archive, f"layers.{i}") for i, y in enumerate(layers)),
        "readout": None if readout is None else _restore(readout, archive, "readout"),
        "steps": header.get("steps"),
        "name": header.get("name"),
        "metadata": metadata,
    }


def from_bytes(data: bytes) -> tuple[dict[str, Any], str]:
    """Return (fields of the Model, the digest that the file claims), or raise ValueError."""
    archive = Archive(io.BytesIO(data), "a model file", MAX_BYTES)
    header = _header(archive)
    version = header.get("format")
    if version != FORMAT:
        raise ValueError(
            f"model format {version!r}; this version of spikemcu reads {FORMAT}"
            + ("; install a newer one" if isinstance(version, int) and version > FORMAT else "")
        )
    return _model_fields(header, archive), str(header.get("digest"))
