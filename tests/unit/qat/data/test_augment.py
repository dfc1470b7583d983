"""Augmentation of images, and resampling them."""

import numpy as np
import pytest

import qat
from qat.data.augment import Affine
from qat.data.encode import resample
from qat.data.named import DATASETS, load
from qat.data.own import from_arrays

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (20, 81), np.uint8)


def blob(row, column, side=21):
    image = np.zeros((side, side), np.uint8)
    image[row - 1 : row + 2, column - 1 : column + 2] = 250
    return image.reshape(1, -1)


def centres(images, side=21):
    grid = np.indices((side, side)).reshape(2, -1)
    return (images[:, None] * grid).sum(axis=2) / images.sum(axis=1)[:, None]


def test_nothing_asked_is_nothing_changed():
    np.testing.assert_array_equal(Affine()(IMAGES, np.random.default_rng(0)), IMAGES)


def test_the_same_seed_gives_the_same_images():
    change = Affine(1, 7, 0.06, 0.05)
    a, b, c = (change(IMAGES, np.random.default_rng(seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(a, b)
    assert (a != c).any()
    assert a.dtype == np.uint8
    assert a.shape == IMAGES.shape


def test_a_whole_shift_moves_pixels():
    class Two:
        def uniform(self, low, high, shape):
            return np.full(shape, high)

    got = Affine(shift=2)(blob(10, 10), Two()).reshape(21, 21)
    np.testing.assert_array_equal(got, blob(8, 8).reshape(21, 21))


@pytest.mark.parametrize(
    ("change", "at", "spread"),
    [
        (Affine(shift=3), (10, 10), [3, 3]),
        (Affine(rotation=30), (4, 10), [0.8, 3]),
        (Affine(scale=0.3), (4, 10), [1.8, 0]),
        (Affine(shear=0.5), (10, 4), [3, 0]),
    ],
)
def test_each_map_does_what_it_says(change, at, spread):
    many = np.repeat(blob(*at), 400, axis=0)
    moved = centres(change(many, np.random.default_rng(0)).astype(float)) - at
    np.testing.assert_allclose(np.abs(moved).max(axis=0), spread, atol=0.45)


@pytest.mark.parametrize("side", [1, 2, 9, 28])
@pytest.mark.parametrize("change", [Affine(1, 7, 0.06, 0.05), Affine(40, 180, 0.9, 2.0), Affine()])
def test_compiled_and_in_numpy_images_are_the_same(side, change, monkeypatch):
    images = RANDOM.integers(0, 256, (50, side**2), np.uint8)
    images[0] = 255
    fast = change(images, np.random.default_rng(side))
    odd = change(np.asfortranarray(images), np.random.default_rng(side))
    monkeypatch.setenv("SPIKEMCU_NATIVE", "0")
    slow = change(images, np.random.default_rng(side))
    assert fast.dtype == slow.dtype == np.uint8
    np.testing.assert_array_equal(fast, slow)
    np.testing.assert_array_equal(odd, slow)


@pytest.mark.parametrize("x", [IMAGES[:, :80], IMAGES.astype(float), IMAGES[:, None]])
def test_what_is_no_image_is_refused(x):
    with pytest.raises(ValueError, match="needs square uint8 images"):
        Affine(1)(x, np.random.default_rng(0))


def test_resampling_is_the_mean_over_areas():
    x = RANDOM.integers(0, 256, (5, 28 * 28), np.uint8)
    fine = x.reshape(-1, 28, 28).repeat(16, axis=1).repeat(16, axis=2).astype(float)
    means = fine.reshape(-1, 16, 28, 16, 28).mean(axis=(2, 4)).reshape(5, -1)
    got = resample(x, 16)
    assert got.dtype == np.uint8
    assert np.abs(got - means).max() <= 0.5
    np.testing.assert_array_equal(resample(x, 28), x)
    middle = x.reshape(-1, 28, 28)[:, 2:-2, 2:-2].reshape(5, -1)
    np.testing.assert_array_equal(resample(x, 16, margin=2), resample(middle, 16))
    np.testing.assert_array_equal(resample(np.full((1, 784), 255, np.uint8), 16), [[255] * 256])


def test_augmentation_comes_before_what_shrinks_the_data():
    x = RANDOM.integers(0, 256, (100, 784), np.uint8)
    data = from_arrays(x, np.arange(100) % 2).through(lambda a: resample(a, 16)).with_input_bits(4)
    assert data.x_train.shape == (72, 256)
    assert data.x_train.max() < 16
    chosen = np.arange(9)
    np.testing.assert_array_equal(data.training_batch(chosen, None), data.x_train[:9])
    np.testing.assert_array_equal(data.training_batch(chosen, lambda a: a), data.x_train[:9])

    def invert(a):
        assert a.shape == (9, 784)
        return 255 - a

    inverted = data.training_batch(chosen, invert)
    np.testing.assert_array_equal(inverted, resample(255 - data.originals[:9], 16) >> 4)


def test_a_recipe_with_augmentation_trains_and_reports_it():
    data = load("digits")
    recipe = qat.Recipe(2, 32, augment=Affine(shift=0.5))
    net = qat.Network([64, 16, 10], seed=0)
    history = qat.fit(net, data, recipe=recipe)
    assert history.settings["augment"].startswith("Affine(shift=0.5")
    plain = qat.fit(qat.Network([64, 16, 10], seed=0), data, recipe=qat.Recipe(2, 32))
    assert plain.settings["augment"] is None
    assert plain.epochs[0].loss != history.epochs[0].loss


def test_mnist_at_16_has_the_shape_it_says():
    assert DATASETS["mnist-16"].shape == (256,)
