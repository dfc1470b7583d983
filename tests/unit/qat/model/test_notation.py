"""The notation of layers: read, written, and refused in one line that says where."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qat.model import Shape
from qat.model.notation import Extent, LayerNote, PoolNote, chained, on_maps, parse, written


def extents(most):
    side = st.integers(1, most)
    return st.builds(Extent, side, st.none() | side)


@st.composite
def layers(draw):
    pool = draw(st.none() | st.builds(PoolNote, st.sampled_from(["max", "sum"]),
                                      st.none() | extents(9)))  # fmt: skip
    if draw(st.booleans()):
        return LayerNote(draw(st.integers(1, 999)), pool=pool)
    channels, stride = draw(st.none() | st.integers(1, 99)), draw(st.sampled_from([1, 2]))
    padding = draw(st.sampled_from(["same", "none"]))
    return LayerNote(channels, draw(extents(7)), stride, padding, pool)


@given(st.lists(layers(), min_size=1, max_size=5).map(tuple))
def test_what_is_written_is_read_as_the_same(made):
    text = written(made)
    assert parse(text) == made
    assert written(parse(text)) == text


def test_the_words_of_the_notation():
    conv = LayerNote(32, Extent(3))
    assert parse("32c3") == (conv,)
    assert parse(" 32c3-p2 ") == (LayerNote(32, Extent(3), pool=PoolNote("max", Extent(2))),)
    assert parse("8c3x5vs2") == parse("8c3x5s2v") == (LayerNote(8, Extent(5, 3), 2, "none"),)
    assert parse("d3-ag-64") == (
        LayerNote(None, Extent(3), pool=PoolNote("sum", None)),
        LayerNote(64),
    )
    assert written(parse("8c3x5vs2-pg")) == "8c3x5s2v-pg"
    assert [on_maps(parse(text)) for text in ("8c3", "64-pg", "64-32")] == [True, True, False]


@pytest.mark.parametrize(
    ("text", "given_", "wanted"),
    [
        ("32c3-p2-32c3-p2-32c3v", (16, 16, 1), [(8, 8, 32), (4, 4, 32), (2, 2, 32)]),
        ("32c5s2-32c3-p2-32c3v", (16, 16, 1), [(8, 8, 32), (4, 4, 32), (2, 2, 32)]),
        ("8c5-p2-8c3s2v", (1, 24, 6), [(1, 12, 8), (1, 5, 8)]),
        ("d3-ag-10", (4, 4, 3), [(1, 1, 3), (1, 1, 10)]),
        ("4c3x1v", (3, 5, 2), [(1, 5, 4)]),
    ],
)
def test_shapes_of_what_each_layer_sends(text, given_, wanted):
    assert [s.sides for s in chained(parse(text), Shape(*given_))[1:]] == wanted


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "needs layers with - between them"),
        ("32c3--64", r"'', 2nd of 3: is no layer; use 64 \(dense\)"),
        ("32x3", "'32x3', 1st of 1: is no layer"),
        ("32c", "is no layer"),
        ("32c3w", "is no layer"),
        ("0", "found neurons 0; allowed are 1 to"),
        ("0c3", "found channels 0; allowed are 1 to"),
        ("8c9", "found kernel 9; allowed are 1 to 7"),
        ("8c3s3", "found stride 3; allowed are 1 and 2"),
        ("8c3vv", "says v twice"),
        ("p2-8c3", "'p2', 1st of 2: a pool stands behind a layer"),
        ("8c3-p2-a2", "'a2', 3rd of 3: the layer before has a pool already"),
        ("8c3-p0", "found kernel 0"),
        ("9" * 5000, "found neurons 9"),
        ("\x1b[2J", "is no layer"),
    ],
)
def test_what_does_not_parse(text, message):
    with pytest.raises(ValueError, match=message) as error:
        parse(text)
    assert "\n" not in str(error.value)
    assert "\x1b" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("4c3-p2-4c5v", r"layer 1 \(4c5v\): kernel 5x5: its height is 5; the map 4x4x4 has 4"),
        ("4c3-p3", r"layer 0 \(4c3-p3\): pool 3x3: does not divide the map 8x8x4"),
        ("4c3v-p4", "pool 4x4: does not divide the map 6x6x4"),
    ],
)
def test_layers_that_do_not_fit_their_map(text, message):
    with pytest.raises(ValueError, match=message):
        chained(parse(text), Shape(8, 8, 1))
