"""Writes tests/fuzz/corpus: a small valid input of every kind.

python tests/fuzz/seeds.py, with the checkout and its folder tests in PYTHONPATH
"""

from __future__ import annotations

import gzip
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from support.hostile import npy, pack
from support.zoo.made import alike
from support.zoo.small import endless, with_synapse

from codegen.target.protocol import Frame, Type, encode
from qat.model import (
    LIF,
    Accumulate,
    Analog,
    Count,
    Delta,
    Dense,
    EarlyStop,
    Frames,
    Latency,
    Layer,
    Model,
    Rate,
    Spikes,
)

CORPUS = Path(__file__).parent / "corpus"


def _model() -> Model:
    rng = np.random.default_rng(1)
    layers = (
        Layer(Dense(rng.integers(-1, 2, (5, 3)), input_shift=1), LIF([4, 5, 6, 7, 8], (3,))),
        Layer(Dense(rng.integers(-8, 8, (4, 5)), 4, fraction_bits=2), LIF(9, (1, -3), "zero")),
    )
    readout = Accumulate(Dense(rng.integers(-128, 128, (2, 4)), 8, bias=[3, -4]))
    about = {
        "firing_rates": [0.1, 0.2],
        "accuracy": {"train": 0.9, "test": 0.8},
        "sample_unit": [0.1, 0.2, 0.3],
        "channels": ["x", "y", "z"],
    }
    return Model(Analog(3, 0, 15), layers, readout, 4, "seed", about)


def models() -> dict[str, Model]:
    """Return a small model of every kind."""
    model = _model()
    coded = with_synapse(model, input_shift=0)
    doubled = np.tile(model.layers[0].synapse.codes, 2)  # a line for rises, a line for falls
    sensor = alike(3, [1, 2, 3], 5, hop=2)
    frames = replace(model, input=Frames(3, -8, 7), sensor=sensor)
    return {
        "analog": model,
        "sensor": replace(model, sensor=alike(3, [1, 2, 3], 5), stop=EarlyStop(5, 2)),
        "frames": frames,
        "free": endless(replace(frames, sensor=None)),
        "count": replace(model, readout=Count(), stop=EarlyStop(1)),
        "spikes": replace(coded, input=Spikes(3)),
        "rate": replace(coded, input=Rate(3, 0, 15)),
        "latency": replace(coded, input=Latency(3, 0, 15, (12, 6, 1))),
        "delta": with_synapse(coded, Delta(3, 0, 15, 2), codes=doubled),
    }


def write_models() -> None:
    """Write the model files."""
    for name, model in models().items():
        model.save(folder("model") / f"{name}.npz")


# ---------------------------------------------------------------------------- link

REQUESTS: tuple[tuple[Type, bytes], ...] = (
    (Type.INFO, struct.pack("<I", 0)),
    (Type.RESET, struct.pack("<I3B", 0, 1, 9, 15)),
    (Type.STEP, struct.pack("<IB", 1, 7)),
    (Type.STEP, b""),
    (Type.TRACE, b""),
    (Type.PROBE, struct.pack("<II", 1, 3)),
    (Type.STEP, b""),
    (Type.SCORES, struct.pack("<II", 0, 2)),
    (Type.INFER, struct.pack("<I3B", 0, 15, 0, 3)),
    (Type.INPUT, struct.pack("<I2B", 1, 2, 200)),
    *((Type.BENCHMARK, struct.pack("<II", what, 5)) for what in range(5)),
    (Type.PARTS, struct.pack("<I", 0)),
    (Type.STACK, struct.pack("<I", 2)),
    (Type.SAMPLE, struct.pack("<I6h", 1, *range(-300, 300, 100))),
    (Type.SAMPLE, struct.pack("<I5h", 2, *range(-300, 200, 100))),
    (Type.SAMPLE, struct.pack("<Ih", 0, 7)),
    (Type.BENCHMARK, struct.pack("<II", 5, 0)),
)
"""A request of every type, in an order in which most are answered."""

SESSION = 1 << 16


def requests() -> bytes:
    """Return them in the form that fuzz_link.c seals."""
    return b"\0" + b"".join(
        struct.pack("<BBH", kind, 0, len(payload)) + payload for kind, payload in REQUESTS
    )


def stream() -> bytes:
    """Return their frames for fuzz_link.c as a line delivers them: a length, then the bytes."""
    opened = ((Type.OPEN, b""), *REQUESTS)
    data = b"".join(
        encode(Frame(SESSION + i, kind, 0, payload)) for i, (kind, payload) in enumerate(opened)
    )
    pieces = [data[i : i + 40] for i in range(0, len(data), 40)]
    return b"\1" + b"".join(bytes([len(piece) - 1]) + piece for piece in pieces)


def write_link() -> None:
    """Write the requests, one by one and together."""
    where = folder("link")
    (where / "requests").write_bytes(requests())
    (where / "stream").write_bytes(stream())


# ---------------------------------------------------------------------------- data


def _idx(values: NDArray[Any], code: int = 8) -> bytes:
    sizes = b"".join(n.to_bytes(4, "big") for n in values.shape)
    return bytes((0, 0, code, values.ndim)) + sizes + values.tobytes()


def _npz(**arrays: Any) -> bytes:
    return pack({f"{name}.npy": npy(array) for name, array in arrays.items()})


def data_files() -> dict[str, bytes]:
    """Return a small file for every reader of fuzz_data.py, its two bytes in front."""
    rng = np.random.default_rng(2)
    real, whole = rng.normal(size=(30, 3)), rng.integers(0, 200, (30, 3), np.uint8)
    labels, who = np.arange(30) // 6 % 2, np.array(["ann", "bob", "cyd"])[np.arange(30) // 10]
    lines = [
        ",".join([*map(str, row.round(3)), str(y)]) for row, y in zip(real, labels, strict=True)
    ]
    named = [f"{line},{name}" for line, name in zip(lines, who, strict=True)]
    images, classes = _idx(whole.reshape(10, 3, 3)), _idx(labels[:10].astype(np.uint8))
    pair = images + b"\n---\n" + classes
    zipped = gzip.compress(images, mtime=0) + b"\n---\n" + gzip.compress(classes, mtime=0)
    series = "@classLabel true run walk\n@data\n" + "1,2,3:4,5,6:run\n" * 2 + "1,2,3:4,5,7:walk\n"
    state = np.frombuffer(b'{"format": 1, "settings": {}, "epochs": []}', np.uint8)
    return {
        "npz-bytes": b"\0\0" + _npz(x=whole, y=labels, x_test=whole[:4], y_test=labels[4:8]),
        "npz-real": b"\0\4" + _npz(x=real.astype(np.float32), y=labels),
        "npz-recording": b"\0\2" + _npz(x=real, y=labels, by=who),
        "npz-by": b"\0\3" + _npz(x=whole, y=labels, by=who),
        "csv": b"\1\0" + "\n".join(lines).encode(),
        "csv-recording": b"\1\2" + "\n".join(["a,b,c,label,by", *named]).encode(),
        "csv-words": b"\1\1" + "\n".join(["a,b,y", *["1.5,2,run", "2.5,3,sit"] * 9]).encode(),
        "idx": b"\2\0" + pair,
        "idx-gz": b"\2\0" + zipped,
        "ts": b"\3\0" + series.encode(),
        "checkpoint": b"\4\0" + _npz(state=state, weights=real[:2]),
    }


def write_data() -> None:
    """Write the data files."""
    for name, content in data_files().items():
        (folder("data") / name).write_bytes(content)


# ------------------------------------------------------------------------ protocol


def replies() -> dict[str, bytes]:
    """Return what fuzz_protocol.py is given: a line's bytes, and the replies to every method."""
    info = struct.pack(
        "<32s32s13I", b"d" * 32, b"n", 2, 0, 3, 3, 4, 2, 2, 99, 0x410FC241, 0, 0, 1, 9
    )
    payloads = {
        0: [struct.pack("<I", 2)],
        1: [info + struct.pack("<2I", 5, 4)],
        2: [struct.pack("<I", 1)],
        4: [b"", b""],
        5: [struct.pack("<252I", *range(252))] * 3,
        6: [struct.pack("<252I", *range(252))] * 2 + [bytes(4 * 196)],
        7: [struct.pack("<252i", *range(252)), bytes(4 * 52)],
        9: [struct.pack("<4i", 1, 4, 5, -6)],
        10: [struct.pack("<5i", 1, 2, 0, 5, 6)],
        11: [struct.pack("<QIQIQIQI", *range(8))],
        12: [struct.pack("<4I3I", 9, 3, 1, 1, 5, 6, 0)],
        13: [struct.pack("<I", 64)],
    }
    found = {
        f"method-{method:02}": bytes((0, method))
        + b"".join(bytes((0, len(payload) // 4)) + payload for payload in row)
        for method, row in payloads.items()
    }
    line = b"boot\r\n" + b"".join(encode(Frame(i, i + 1, 0, b"abc" * i)) for i in range(3)) + b"SNN"
    return found | {"line": b"\1" + line}


def write_protocol() -> None:
    """Write the replies."""
    for name, content in replies().items():
        (folder("protocol") / name).write_bytes(content)


def folder(name: str) -> Path:
    """Return the folder of a harness, made if it is missing."""
    path = CORPUS / name
    path.mkdir(parents=True, exist_ok=True)
    return path


if __name__ == "__main__":
    write_models()
    write_data()
    write_link()
    write_protocol()
