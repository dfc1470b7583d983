"""Files of seven frameworks are read as these run them: no spike differs from what they saved."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.nir.saved import names, saved
from support.nir.writer import affine, chain, ends, fire, leaky, write_nir

from qat.nir.reading import UnprovedError, read
from qat.nir.settle import Options

pytestmark = pytest.mark.usefixtures("inside")

FRAMEWORKS = {"snntorch", "norse", "spikingjelly", "sinabs", "rockpool", "spyx"}


@pytest.mark.parametrize("name", names())
def test_every_saved_network_is_reproduced_in_float64(name: str, tmp_path: Path) -> None:
    path, reference = saved(name, tmp_path)
    found = read(path, reference=reference)
    assert found.twin.reading.dialect == name.partition("_")[0]
    assert found.comparison is not None
    assert found.reference is not None
    assert len(found.reference.signals) > 1  # hidden nodes are compared as well
    assert found.comparison.differing == 0
    assert found.comparison.of == sum(s.values.size for s in found.reference.signals)
    assert not found.float32


def test_every_framework_is_there() -> None:
    assert {name.partition("_")[0] for name in names()} == FRAMEWORKS


@pytest.mark.parametrize(
    ("name", "choice"),
    [
        ("snntorch_rsynaptic", {"reset": ("zero", "zero-now")}),
        ("norse_subtract", {"reset": ("subtract",)}),
        ("sinabs_conv", {"compare": ("floor",)}),
        ("sinabs_leak", {"gain": ("leak", "one")}),
        ("spikingjelly_conv", {"reset": ("value",)}),
    ],
)
def test_the_reference_settles_what_the_file_leaves_open(
    name: str, choice: dict[str, tuple[str, ...]], tmp_path: Path
) -> None:
    reading = read(*_both(name, tmp_path)).twin.reading
    for what, allowed in choice.items():
        assert set(getattr(reading, what).values()) <= set(allowed)


def _both(name: str, folder: Path) -> tuple[Path, Options, Path]:
    path, reference = saved(name, folder)
    return path, Options(), reference


def test_without_option_or_reference_it_says_what_would_settle_it(tmp_path: Path) -> None:
    path, _ = saved("snntorch_conv", tmp_path)
    with pytest.raises(ValueError, match=r"leaves open --reset subtract .*\| zero .*--reference"):
        read(path)
    settled = read(path, Options(reset=("subtract", "zero", "subtract")))
    assert settled.comparison is None
    assert tuple(settled.twin.reading.reset.values()) == ("subtract", "zero", "subtract")
    assert read(path, Options(reset="zero")).twin.reading.reset["1"] == "zero"


def test_a_wrong_option_is_not_reproduced_and_the_first_difference_is_named(tmp_path: Path) -> None:
    path, reference = saved("snntorch_rleaky", tmp_path)
    with pytest.raises(UnprovedError, match=r"first in node '1.lif' at step \d+, sample") as error:
        read(path, Options(reset="none"), reference)
    comparison = error.value.read.comparison
    assert comparison is not None
    assert comparison.differing > 0
    assert comparison.first is not None
    assert comparison.first["reference"] != comparison.first["found"]


def test_a_changed_spike_in_the_reference_is_found(tmp_path: Path) -> None:
    path, reference = saved("spikingjelly_if", tmp_path)
    arrays = dict(np.load(reference))
    arrays["output"][7, 2, 3] ^= 1
    np.savez(reference, **arrays)
    with pytest.raises(
        UnprovedError, match=r"1 of .*step 7, sample 2, index 3: \d in the reference"
    ) as error:
        read(path, reference=reference)
    assert error.value.differing == 1


def test_float32_is_named_where_float64_is_not_what_the_framework_computes(tmp_path: Path) -> None:
    # 3 * float32(1/3) is 1 in float32, and above it in float64
    third = float(np.float32(1) / np.float32(3))
    path = write_nir(
        tmp_path / "a.nir",
        {**ends([3], [1]), "0": affine([[third] * 3]), "1": leaky(0.5, 1)},
        chain("input", "0", "1", "output"),
    )
    x = np.ones((1, 1, 3), np.uint8)
    np.savez(tmp_path / "r.npz", x=x, output=np.zeros((1, 1, 1), np.uint8))
    found = read(path, Options(reset="none"), tmp_path / "r.npz")
    assert found.float32


def test_the_dialect_is_left_to_the_reference_where_names_tell_nothing(tmp_path: Path) -> None:
    nodes = {**ends([4], [2]), "0": affine(np.eye(2, 4)), "1": fire(2, r=1.0)}
    path = write_nir(tmp_path / "a.nir", nodes, chain("input", "0", "1", "output"))
    with pytest.raises(ValueError, match=r"cannot be told .*--dialect"):
        read(path)
    x = np.ones((3, 1, 4), np.uint8)  # at the threshold: sinabs fires, norse does not
    np.savez(tmp_path / "r.npz", x=x, output=np.ones((3, 1, 2), np.uint8))
    assert read(path, reference=tmp_path / "r.npz").twin.reading.compare["1"] in (">=", "floor")


@pytest.mark.parametrize(
    ("arrays", "text"),
    [
        ({"x": np.ones((2, 1, 4))}, "has no array 'output'"),
        ({"x": np.ones((2, 1, 3)), "output": np.ones((2, 1, 2))}, r"x has shape \(2, 1, 3\)"),
        ({"x": np.ones((2, 1, 4)), "output": np.ones((3, 1, 2))}, "x has"),
        ({"x": np.full((2, 1, 4), np.nan), "output": np.ones((2, 1, 2))}, "x holds NaN"),
        (
            {"x": np.ones((2, 1, 4)), "output": np.ones((2, 1, 2)), "spikes/9": np.ones((2, 1, 2))},
            "spikes/9 names no node",
        ),
    ],
)
def test_a_reference_that_does_not_fit_is_one_line(
    arrays: dict[str, np.ndarray], text: str, tmp_path: Path
) -> None:
    nodes = {**ends([4], [2]), "0": affine(np.eye(2, 4)), "1": fire(2)}
    path = write_nir(tmp_path / "a.nir", nodes, chain("input", "0", "1", "output"))
    np.savez(tmp_path / "r.npz", **arrays)
    with pytest.raises(ValueError, match=text) as error:
        read(path, reference=tmp_path / "r.npz")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"dialect": "lava"}, "--dialect lava: use auto, snntorch"),
        ({"dialect": "plain"}, "needs the seconds of a step; give --dt"),
        ({"dt": -1.0}, "--dt -1.0: must be"),
        ({"reset": "sometimes"}, "--reset sometimes: use subtract"),
        ({"dialect": "sinabs", "reset": "none"}, "knows subtract, zero"),
        ({"compare": (">", ">", ">")}, "3 words; the file has 1"),
    ],
)
def test_options_that_do_not_fit_are_one_line(
    options: dict[str, object], text: str, tmp_path: Path
) -> None:
    nodes = {**ends([4], [2]), "0": affine(np.eye(2, 4)), "1": leaky(0.9, 2)}
    path = write_nir(tmp_path / "a.nir", nodes, chain("input", "0", "1", "output"))
    with pytest.raises(ValueError, match=text):
        read(path, Options(**options))  # type: ignore[arg-type]
