"""What a model knows of its data: the record, and what a stranger may have written in its place."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qat import Network, export, fit
from qat.data.division import SKETCHED, Division
from qat.data.origin import DIVISION, KEY, READERS, DataOrigin
from qat.data.own import from_arrays
from qat.data.recordings import from_recording
from qat.model import Model

RANDOM = np.random.RandomState(0)
X, Y = RANDOM.randint(0, 256, (200, 4)), np.arange(200) % 2


@pytest.fixture(scope="module")
def model() -> Model:
    data = from_arrays(
        X, Y, seed=3, class_names=("still", "moves"), channel_names=tuple("abcd"), name="made"
    )
    net = Network([4, 3, 2], steps=2, seed=0)
    fit(net, data, epochs=1)
    return export(net)


def test_training_writes_what_it_knows(model: Model) -> None:
    origin = DataOrigin.of(model)
    assert origin is not None
    assert (origin.name, origin.classes, origin.channels) == (
        "made",
        ("still", "moves"),
        ("a", "b", "c", "d"),
    )
    assert (origin.division.rule, origin.division.seed) == ("classes", 3)
    assert origin.samples == (144, 16, 40)
    assert "drawn by seed 3" in origin.division.text


def test_it_comes_back_from_json(model: Model) -> None:
    origin = DataOrigin.of(model)
    assert origin is not None
    assert DataOrigin.from_json(json.loads(json.dumps(origin.to_json()))) == origin


def test_it_is_no_part_of_the_digest(model: Model) -> None:
    bare = replace(model, metadata={k: v for k, v in model.metadata.items() if k != KEY})
    assert bare.digest() == model.digest()
    assert DataOrigin.of(bare) is None
    assert bare.class_names == ()


def test_a_model_of_before_knows_nothing(model: Model) -> None:
    """Class names alone were written once."""
    old = replace(model, metadata={KEY: {"classes": ["still", "moves"]}})
    assert DataOrigin.of(old) is None


HOSTILE: list[tuple[str, Any]] = [
    ("name", None),
    ("name", "x" * 1001),
    ("file", 7),
    ("classes", "still"),
    ("classes", ["still", "still"]),
    ("classes", ["a", "b", "c"]),  # the model has two outputs
    ("classes", [["still"], "moves"]),
    ("channels", ["a"]),
    ("channels", {"a": 1}),
    ("label", ["label"]),
    ("by", 3),
    ("ignored", ["x"] * (2**16 + 1)),
    ("separator", "\x1b[2J"),
    ("separator", ["," for _ in range(9)]),
    ("decimal", ""),
    ("encoding", "rot13"),
    ("unit", 0),
    ("unit", True),
    ("unit", [1.0, -1.0]),
    ("unit", []),
    ("unit", "1e999"),
    ("rate", -50),
    ("rate", 1e300),
    ("window", 2**40),
    ("hop", 1.5),
    ("group", 0),
    ("input_bits", 10**100),
    ("dropped", 10**6),
    ("samples", [1, 2, 3, 4]),
    ("samples", [-1]),
    ("division", "classes"),
    ("division", {}),
    ("division", {"rule": "\x1b]0;title\x07"}),
    ("division", {"rule": "classes", "seed": 2**80}),
    ("division", {"rule": "classes", "sketch": "zz"}),
    ("division", {"rule": "classes", "sketch": "0" * 14 * (SKETCHED + 1)}),
    ("division", {"rule": "recordings", "tests": [None]}),
]


@pytest.mark.parametrize(("field", "value"), HOSTILE)
def test_what_no_training_writes_is_refused(model: Model, field: str, value: Any) -> None:
    written = {**model.metadata[KEY], field: value}
    with pytest.raises(ValueError, match=field) as caught:
        DataOrigin.of(replace(model, metadata={KEY: written}))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)
FIELDS = st.sampled_from([*READERS, *(f"division.{name}" for name in DIVISION)])


@given(st.dictionaries(FIELDS, VALUES, max_size=5))
def test_anything_is_read_or_refused_in_one_line(written: dict[str, Any]) -> None:
    values: dict[str, Any] = {"name": "made", "division": {"rule": "classes"}}
    for field, value in written.items():
        where, _, name = field.rpartition(".")
        if where and isinstance(values["division"], dict):
            values["division"][name] = value
        elif not where:
            values[name] = value
    found = _read(values)
    if isinstance(found, str):
        assert found.isprintable()
    else:
        assert DataOrigin.from_json(found.to_json()) == found
        assert found.division.text


def _read(values: dict[str, Any]) -> DataOrigin | str:
    """Return what is read, or why it is refused."""
    try:
        return DataOrigin.from_json(values)
    except ValueError as error:
        return str(error)


def test_what_a_newer_version_writes_is_left_out(model: Model) -> None:
    written = {**model.metadata[KEY], "altitude": 300}
    newer = DataOrigin.of(replace(model, metadata={KEY: written}))
    assert newer == DataOrigin.of(model)


def test_names_by_which_nothing_is_found_are_not_kept() -> None:
    """Two channels of one name: a file is then read by the order of its columns."""
    origin = DataOrigin.of_data(from_arrays(X, Y, channel_names=("a", "a", "b", "c")))
    assert origin.channels == ()


def test_the_rule_of_recordings_names_who_was_held_out() -> None:
    x = RANDOM.normal(0, 1, (400, 2))
    by = np.repeat([f"p{i}" for i in range(5)], 80)
    data = from_recording(x, np.arange(400) // 10 % 2, 10, by=by, seed=1)
    assert data.division is not None
    assert data.division.rule == "recordings"
    assert len(data.division.tests) == len(data.division.validates) == 1
    assert set(data.division.tests + data.division.validates) <= set(by)
    assert data.division.tests[0] in data.division.text


def _parts(x: Any, y: Any) -> Division:
    return Division("classes").of((x[:700], y[:700]), (x[700:800], y[700:800]), (x[800:], y[800:]))


def test_the_same_samples_in_the_same_parts_have_one_digest() -> None:
    x, y = RANDOM.randint(-900, 900, (1000, 3)).astype(np.int16), np.arange(1000) % 2
    moved = np.roll(x, 1, axis=0)
    assert _parts(x, y).digest == _parts(x.copy(), y).digest
    assert len({_parts(x, y).digest, _parts(moved, y).digest, _parts(x, 1 - y).digest}) == 3


def test_a_sketch_tells_how_many_samples_trained() -> None:
    x, y = RANDOM.randint(-900, 900, (2000, 6)).astype(np.int16), np.arange(2000) % 2
    division = _parts(x[:1000], y[:1000])
    assert division.known_share(x[:800], y[:800]) == 1
    assert division.known_share(x[800:], y[800:]) == 0
    assert 0.35 < division.known_share(x[400:1200], y[400:1200]) < 0.65
    assert division.known_share(x[:0], y[:0]) == 0
