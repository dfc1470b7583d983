"""Training samples that are moved: pictures by pixels, windows by steps."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from qat.data.augment import Affine
from qat.data.named import load
from qat.data.own import from_arrays
from qat.data.recordings import from_recording
from qat.data.shift import Shift, changed_by, moved_by, shift_of
from qat.model import Shape

RANDOM = np.random.default_rng(0)


def a_generator(seed=0):
    return np.random.default_rng(seed)


def moved_slowly(picture, down, right):
    """Return a picture (height, width, channels), moved pixel by pixel."""
    height, width, _ = picture.shape
    out = np.zeros_like(picture)
    for y in range(height):
        for x in range(width):
            if 0 <= y - down < height and 0 <= x - right < width:
                out[y, x] = picture[y - down, x - right]
    return out


@pytest.mark.parametrize("sides", [(4, 6, 1), (5, 3, 2), (1, 8, 3), (7, 7, 1)])
@pytest.mark.parametrize("steps", [None, 3])
@pytest.mark.parametrize("by", [1, 2, 9])
def test_each_picture_is_moved_by_whole_pixels_of_its_own(sides, steps, by):
    frames = () if steps is None else (steps,)
    x = RANDOM.integers(1, 100, (60, *frames, np.prod(sides)), np.int8)
    before, kept = x.copy(), x.reshape(60, -1, *sides)
    got = Shift(by, sides)(x, a_generator())
    assert (got.shape, got.dtype) == (x.shape, x.dtype)
    np.testing.assert_array_equal(x, before)
    drawn = a_generator()
    down, right = (drawn.integers(-by, by, 60, endpoint=True) for _ in range(2))
    assert {*down} | {*right} == {*range(-by, by + 1)}
    for sample, moved in enumerate(got.reshape(kept.shape)):
        for frame, result in zip(kept[sample], moved, strict=True):
            want = moved_slowly(frame, down[sample], right[sample])
            np.testing.assert_array_equal(result, want)


@pytest.mark.parametrize("blank", [False, True])
def test_a_window_goes_on_as_it_ends_or_without_events(blank):
    x = np.broadcast_to(np.arange(1, 6, dtype=np.int8)[:, None], (300, 5, 2))
    got = Shift(2, blank=blank)(x, a_generator())
    seen = Counter(map(tuple, got[:, :, 0].tolist()))
    first, last = (0, 0) if blank else (1, 5)
    assert seen.keys() == {
        (3, 4, 5, last, last),
        (2, 3, 4, 5, last),
        (1, 2, 3, 4, 5),
        (first, 1, 2, 3, 4),
        (first, first, 1, 2, 3),
    }
    assert min(seen.values()) > 40
    np.testing.assert_array_equal(got[:, :, 0], got[:, :, 1])


def test_the_same_seed_moves_in_the_same_way():
    x = RANDOM.integers(0, 9, (50, 36), np.uint8)
    a, b, c = (Shift(1, (6, 6, 1))(x, a_generator(seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(a, b)
    assert (a != c).any()
    np.testing.assert_array_equal(Shift(0, (6, 6, 1))(x, a_generator()), x)


def test_pictures_are_moved_as_they_were_read():
    digits = load("digits")
    assert shift_of(digits, 1) == Shift(1, (8, 8, 1))
    assert shift_of(digits.with_input_bits(3), 1) == Shift(1, (8, 8, 1))
    small = digits.through(lambda x: x[:, ::4], grid=Shape(4, 4, 1))
    assert shift_of(small, 1) == Shift(1, (8, 8, 1))
    chosen = np.arange(20)
    rng = a_generator()
    got = small.training_batch(chosen, lambda x: Shift(1, (8, 8, 1))(x, rng))
    want = Shift(1, (8, 8, 1))(digits.x_train[:20], a_generator())
    np.testing.assert_array_equal(got, want[:, ::4])


def test_windows_of_a_sensor_are_moved_in_time_on_a_map_too():
    values = RANDOM.normal(0, 1, (600, 3))
    data = from_recording(values, np.repeat([0, 1], 300), window=20)
    frames, maps = data, data.as_maps()
    assert shift_of(frames, 4) == shift_of(maps, 4) == Shift(4)
    got = maps.training_batch(np.arange(9), lambda x: Shift(4)(x, a_generator()))
    want = Shift(4)(frames.x_train[:9], a_generator())
    np.testing.assert_array_equal(got, want.reshape(9, -1))
    assert (got != maps.x_train[:9]).any()


def test_events_on_a_map_are_moved_in_space_and_others_in_time():
    events = from_arrays(RANDOM.integers(0, 2, (40, 7, 18), np.uint8), np.arange(40) % 2)
    events = replace(events, input_range=(0, 1))
    assert shift_of(events, 2) == Shift(2, blank=True)
    assert shift_of(replace(events, grid=Shape(3, 3, 2)), 2) == Shift(2, (3, 3, 2))


@pytest.mark.parametrize(
    ("inputs", "by", "message"),
    [
        ((40, 10), 1, "has 10 inputs without a place"),
        ((40, 7, 3), 7, "found 7; .* samples of 7 steps, use at most 6"),
    ],
)
def test_what_cannot_be_moved_is_refused(inputs, by, message):
    data = from_arrays(RANDOM.integers(-9, 9, inputs).astype(np.int8), np.arange(40) % 2)
    with pytest.raises(ValueError, match=message):
        shift_of(data, by)


def test_changes_are_as_many_times_as_large_or_refused():
    digits, changes = load("digits"), Affine(shift=1, rotation=8, scale=0.5, shear=0.25)
    assert changed_by(digits, 0.5, changes) == Affine(0.5, 4, 0.25, 0.125)
    assert changed_by(digits, 1, changes) == changes
    assert changed_by(digits, 0, changes) is None
    for factor in (-0.1, 11):
        with pytest.raises(ValueError, match=rf"found {factor}; must be from 0 to 10"):
            changed_by(digits, factor, changes)
    with pytest.raises(ValueError, match="the recipe of digits changes no images; leave it out"):
        changed_by(digits, 1, None)


def test_pictures_that_would_leave_the_frame_are_refused():
    with pytest.raises(ValueError, match=r"samples of 8 pixels, use at most 7"):
        moved_by(load("digits"), 8, Affine(shift=1))
    with pytest.raises(ValueError, match=r"Shift.by"):
        Shift(-1)


@pytest.mark.parametrize("x", [np.zeros((4, 8)), np.zeros((4, 2, 3, 9))])
def test_samples_of_another_shape_are_refused(x):
    with pytest.raises(ValueError, match="found samples of shape"):
        Shift(1)(x, a_generator())
    with pytest.raises(ValueError, match="found samples of shape"):
        Shift(1, (3, 3, 1))(x[..., :8], a_generator())


def test_changes_of_images_keep_all_but_their_shift():
    digits = load("digits")
    assert moved_by(digits, 2, Affine(1, 7)) == Affine(2, 7)
    assert moved_by(digits, 0, Affine(1, 7)) == Affine(0, 7)
    assert moved_by(digits, 2) == Shift(2, (8, 8, 1))
    assert moved_by(digits, 0) is None
    other = Shift(1, (8, 8, 1))
    assert moved_by(digits, 0, other) is other
    with pytest.raises(ValueError, match=r"shift: found 2, for samples that Shift\(by=1"):
        moved_by(digits, 2, other)
