"""A hostile file runs no code, takes no memory, writes nowhere else, and puts nothing into the C.

What fuzzing has found has a test here; tests/fuzz/findings keeps the inputs.
"""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.fuzzing import check_line
from support.hostile import INJECTIONS, MARKER, claiming, npy, pack, unpack
from support.zoo.small import sensed, small_model

from codegen.cli import main
from codegen.package.packages import FORMATS, package
from qat.model import Count, Frames, Model

Members = dict[str, bytes]
CODES = "layers.0.synapse.codes.npy"
MEMORY = 1200 * 2**20
"""Address space in which a hostile file is read: NumPy and its threads take a third of it."""
SECONDS = 300


@pytest.fixture
def members(tmp_path: Path) -> Members:
    """Return the members of a model file."""
    small_model().save(tmp_path / "good.npz")
    found = unpack((tmp_path / "good.npz").read_bytes())
    assert found is not None
    return found


def header(members: Members) -> Any:
    return json.loads(members["header.json"])


def with_header(members: Members, change: Callable[[Any], object]) -> bytes:
    """Return a model file whose header was changed in place."""
    tree = header(members)
    change(tree)
    return pack(members | {"header.json": json.dumps(tree).encode()})


# --------------------------------------------------------------------------- the files


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"kind": "layer", "synapse": value}
    return value


def many_layers(tree: Any, count: int) -> None:
    tree["layers"] = [tree["layers"][0]] * count


def bomb() -> bytes:
    """Return zeros that take a thousandth of their space in the file."""
    return npy(np.zeros((2**14 + 1, 2**14), np.int8))


def wide(members: Members) -> bytes:
    """Return a model of more neurons than any; its file is small."""
    codes = npy(np.zeros((2**18 + 1, 20), np.int8))
    return pack(members | {CODES: codes}, zipfile.ZIP_DEFLATED)


def lying_size(members: Members) -> bytes:
    """Return a file whose codes inflate to more than their entry says."""
    data = pack(members | {CODES: npy(np.zeros((4000, 4000), np.int8))}, zipfile.ZIP_DEFLATED)
    true, false = (n.to_bytes(4, "little") for n in (128 + 4000 * 4000, 128 + 40 * 20))
    assert data.count(true) == 2
    return data.replace(true, false)


FILES: dict[str, tuple[Callable[[Members], bytes], str]] = {
    "2^40 neurons": (
        lambda m: pack(m | {CODES: claiming("|i1", "(1099511627776, 20)")}),
        "claims 21990232555520 bytes; it has 0",
    ),
    "2^40 inputs": (
        lambda m: with_header(m, lambda t: t["input"].update(size=2**40)),
        "Analog.size: found 1099511627776",
    ),
    "a bomb": (
        lambda m: pack(m | {CODES: bomb()}, zipfile.ZIP_DEFLATED),
        "its members hold more than 268,435,456 bytes",
    ),
    "an array for many layers": (
        lambda m: with_header(m | {CODES: npy(np.zeros((2**11, 2**11), np.int8))},
                              lambda t: many_layers(t, 250)),
        "its members hold more than 268,435,456 bytes",
    ),
    "a size that lies": (lying_size, "is damaged"),
    "bzip2": (lambda m: pack(m, zipfile.ZIP_BZIP2), "compressed in another way than deflate"),
    "lzma": (lambda m: pack(m, zipfile.ZIP_LZMA), "compressed in another way than deflate"),
    "many neurons": (wide, r"found 262,\d+ neurons; at most 262,144"),
    "many layers": (
        lambda m: with_header(m, lambda t: many_layers(t, 600)),
        "found 600 layers; at most 512",
    ),
    "a deep header": (
        lambda m: with_header(m, lambda t: t.update(input=deep(400))),
        "nested more than 32 deep",
    ),
    "deep metadata": (
        lambda m: with_header(m, lambda t: t.update(metadata={"a": deep(450)})),
        "nested more than 32 deep",
    ),
    "a readout of another kind": (
        lambda m: with_header(m, lambda t: t["readout"].update(synapse={"kind": "count"})),
        "Accumulate.synapse: found Count; must be a Dense",
    ),
    "a layer of another kind": (
        lambda m: with_header(m, lambda t: t["layers"][0].update(neuron={"kind": "count"})),
        "Layer.neuron: found Count; must be a ",
    ),
    "a word for a record": (
        lambda m: with_header(m, lambda t: t.update(layers=["count"])),
        "layers.0: unknown record 'count'",
    ),
    "a list for a kind": (
        lambda m: with_header(m, lambda t: t["input"].update(kind=["analog"])),
        "unknown record",
    ),
    "a number for a leak": (
        lambda m: with_header(m, lambda t: t["layers"][0]["neuron"].update(leak=3)),
        "LIF.leak: found 3; must be shifts",
    ),
    "bits that are no integer": (
        lambda m: with_header(m, lambda t: t["layers"][0]["synapse"].update(bits=2.0)),
        "Dense.bits: found 2.0; allowed are 2, 4, 8 and 16",
    ),
    "an array for a number": (
        lambda m: with_header(
            m, lambda t: t["input"].update(low={"array": "layers.0.synapse.codes"})
        ),
        "Analog.low: found array",
    ),
    "a digest that speaks": (
        lambda m: with_header(m, lambda t: t.update(digest="\x1b[2J\nall is well")),
        r"claims digest \\x1b\[2J all is well",
    ),
    "a member that speaks": (
        lambda m: with_header(
            m, lambda t: t["layers"][0]["synapse"].update(codes={"array": "a\n\x1b[2J"})
        ),
        r"member a \\x1b\[2J.npy is missing",
    ),
    "a long word": (
        lambda m: with_header(m, lambda t: t["input"].update(kind="x" * 10**6)),
        r"unknown record 'xxxx.* \.\.\.$",
    ),
    "a name that leaves the folder": (
        lambda m: with_header(m, lambda t: t.update(name="../../escaped")),
        "must be a C identifier",
    ),
    "a name with code": (
        lambda m: with_header(m, lambda t: t.update(name="x;int injected")),
        "must be a C identifier",
    ),
    "a name of another header": (
        lambda m: with_header(m, lambda t: t.update(name="String")),
        "name: 'String' is the name of another header",
    ),
    "a pickle": (
        lambda m: pack(m | {CODES: npy(np.array([print], object), allow_pickle=True)}),
        "has dtype object",
    ),
}  # fmt: skip

VERBS = ("info", "generate", "check", "report")


def arguments(verb: str, model: Path, folder: Path) -> list[str]:
    """Return a command on a model."""
    more = {"generate": ["-o", str(folder / "out")], "report": ["--board", "qemu-m4"]}
    return [verb, str(model), *more.get(verb, [])]


@pytest.mark.parametrize("what", FILES)
def test_hostile_models_get_one_line(
    what: str, members: Members, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make, message = FILES[what]
    path = tmp_path / "hostile.npz"
    path.write_bytes(make(members))
    with pytest.raises(ValueError, match=message) as caught:
        Model.load(path)
    check_line(caught.value, f"{path}: ")
    before, verb = sorted(tmp_path.rglob("*")), VERBS[list(FILES).index(what) % len(VERBS)]
    assert main(arguments(verb, path, tmp_path)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    check_line(captured.err.rstrip("\n"), f"spikemcu {verb}: {path}: ")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_bomb_takes_no_memory(members: Members, tmp_path: Path) -> None:
    verb, path = "generate", tmp_path / "bomb.npz"
    path.write_bytes(pack(members | {CODES: bomb()}, zipfile.ZIP_DEFLATED))
    assert path.stat().st_size < 2**20
    done = subprocess.run(
        [sys.executable, "-m", "codegen", *arguments(verb, path, tmp_path)],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)),
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    check_line(done.stderr.rstrip("\n"), f"spikemcu {verb}: {path}: ")


@pytest.mark.parametrize(
    "content",
    [
        claiming("<i8", "(1099511627776, 2)"),
        claiming("|O", "()"),
        pack({"x.npy": npy(np.zeros(3))}),
        b"",
        npy(np.array(["a", "b"])),
        npy(np.zeros((2, 2), "M8[s]")),
    ],
)
def test_hostile_weights_get_one_line(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "w.npy"
    path.write_bytes(content)
    assert main(["weights", str(path), "-o", str(tmp_path / "w.h")]) == 2
    check_line(capsys.readouterr().err.rstrip("\n"), "spikemcu weights: ")
    assert [p.name for p in tmp_path.iterdir()] == ["w.npy"]


def test_no_end_is_no_model() -> None:
    with pytest.raises(ValueError, match="/dev/zero: is a device; name a file"):
        Model.load("/dev/zero")


def test_a_file_without_an_end_is_no_model(tmp_path: Path) -> None:
    path = tmp_path / "m.npz"
    path.touch()
    os.truncate(path, 2**40)  # takes no room on the disk
    with pytest.raises(ValueError, match="is larger than 268,435,456 bytes"):
        Model.load(path)


def test_an_inference_without_end_is_not_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, calm = tmp_path / "slow.npz", small_model(threshold=2**20)
    replace(calm, input=Frames(20, 0, 1), readout=Count(), steps=2**20).save(path)
    for verb in ("generate", "check"):
        assert main(arguments(verb, path, tmp_path)) == 2
        err = capsys.readouterr().err
        assert "inputs and membranes in 1,048,576 steps; more than" in err
        check_line(err.rstrip("\n"), f"spikemcu {verb}: small: ")


# --------------------------------------------------------------------------------- the C


def injected(text: str) -> Model:
    """Return a model in whose texts, wherever the program reads them, stands a text."""
    metadata = {
        "channels": [text] * 20,
        "sample_unit": text,
        "training": {"data": text},
        "accuracy": {text: 0.5, "test": text},
        "firing_rates": [text, text],
        text: text,
    }
    return replace(sensed(), metadata=metadata)


def test_texts_put_nothing_into_the_c(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, path = injected(" ".join(INJECTIONS)), tmp_path / "injected.npz"
    model.save(path)
    again = Model.load(path)
    assert again.metadata == model.metadata
    clean = package(replace(model, metadata={}), "c")
    for name, content in package(again, "c").items():
        assert uncommented(content) == uncommented(clean[name])
        assert content.isascii()
        assert all(c.isprintable() for c in content.replace("\n", ""))
    assert main(["info", str(path)]) == 0
    out = capsys.readouterr().out
    assert all(c.isprintable() for c in out.replace("\n", ""))
    assert not re.search(rf"^#error {MARKER}", out, re.MULTILINE)


def uncommented(text: str) -> str:
    """Return C without its comments."""
    return re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)


def test_no_format_writes_outside_its_folder(tmp_path: Path) -> None:
    path, folder = tmp_path / "injected.npz", tmp_path / "a" / "b"
    injected("../../escaped").save(path)
    assert main(["generate", str(path), "-o", str(folder), "--format", "zephyr"]) == 0
    inside = {p.relative_to(tmp_path).parts[0] for p in tmp_path.rglob("*")}
    assert inside == {"injected.npz", "a"}
    paths = [Path(name) for row in FORMATS.values() for name in (*row.files, *row.stream)]
    assert not any(path.is_absolute() or ".." in path.parts for path in paths)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("firing_rates", ["fast", 2]),
        ("firing_rates", [-1, 7]),
        ("activity", {"values": 3, "busy": "x", "layers": []}),
        ("activity", [1, 2]),
        ("accuracy", {"test": "good"}),
        ("accuracy", {"test": 10**400}),
        ("sample_unit", 10**400),
        ("sample_unit", [None] * 20),
        ("channels", [{}] * 20),
        ("training", {"data": ["digits"]}),
        ("idle_neurons", [3, {"silent": "x"}]),
        ("deployment", 3),
    ],
)
def test_metadata_of_any_shape_do_no_harm(
    key: str, value: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "model.npz"
    replace(injected("x"), metadata={key: value}).save(path)
    for verb in ("info", "report"):
        status = main(arguments(verb, path, tmp_path))
        captured = capsys.readouterr()
        assert status == (2 if captured.err else 0)
        if captured.err:
            check_line(captured.err.rstrip("\n"), f"spikemcu {verb}: ")
