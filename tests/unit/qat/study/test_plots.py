"""The pictures hold the very spikes and membranes of the model."""

import sys
from pathlib import Path

import numpy as np
import pytest
from support.crossed import crossed
from support.zoo.small import small_model

import qat
from qat.model import Model
from qat.study.plots import (
    FORMATS,
    PLOTS,
    Scene,
    confusion_matrix,
    drawable,
    firing_rates,
    to_bytes,
)


@pytest.fixture(scope="module")
def trained():
    data = qat.datasets.load("digits")
    net = qat.Network([64, 20, 12, 10], input_range=(0, 16))
    qat.fit(net, data, epochs=2)
    return qat.export(net), data


@pytest.fixture
def scene(trained):
    model, data = trained
    return Scene(model, data.x_test[:40], data.y_test[:40], sample=3, origin="test samples")


def test_a_raster_has_a_mark_for_every_spike(scene):
    figure = PLOTS["raster"](scene)
    traced = scene.model.run(scene.x[3:4], trace=True)
    assert len(figure.axes) == 2
    for axes, spikes in zip(figure.axes, traced.spikes, strict=True):
        marks = {tuple(at) for at in np.asarray(axes.collections[0].get_offsets()).tolist()}
        assert marks == {(step + 1, neuron) for _, step, neuron in np.argwhere(spikes)}
    prediction, label = traced.predictions[0], scene.labels[3]
    assert figure.get_suptitle() == (
        f"sample 3, class {label}, predicted {prediction} (test samples)"
    )


def test_membranes_are_drawn_with_threshold_and_spikes(scene):
    figure = PLOTS["membranes"](scene)
    traced = scene.model.run(scene.x[3:4], trace=True)
    assert len(figure.axes) == 8
    for place, axes in enumerate(figure.axes):
        layer = place // 4
        neuron = int(axes.get_title().rpartition(" ")[2])
        threshold, u, marks = (line.get_ydata() for line in axes.lines)
        expected, spikes = traced.u[layer][0, :, neuron], traced.spikes[layer][0, :, neuron]
        np.testing.assert_array_equal(u, expected)
        np.testing.assert_array_equal(marks, expected[spikes])
        thresholds = np.broadcast_to(scene.model.layers[layer].neuron.threshold, 20)
        assert set(threshold) == {thresholds[neuron]}
        assert 0 < spikes.sum() < len(spikes)


def test_firing_rates_are_means_over_samples_and_steps(scene, monkeypatch):
    monkeypatch.setattr("qat.study.plots.PIECE", 7)
    traced = scene.model.run(scene.x, trace=True)
    rates = firing_rates(scene)
    for found, spikes in zip(rates, traced.spikes, strict=True):
        np.testing.assert_allclose(found, spikes.mean(axis=(0, 1)))
    for axes, layer in zip(PLOTS["firing"](scene).axes, rates, strict=True):
        assert sum(bar.get_height() for bar in axes.patches) == len(layer)
        assert f"{(layer == 0).sum()} of {len(layer)} silent" in axes.get_title()


def test_confusion_counts_every_sample(scene):
    matrix = confusion_matrix(scene)
    predictions = scene.model.run(scene.x).predictions
    for label, prediction in zip(scene.labels, predictions, strict=True):
        matrix[label, prediction] -= 1
    assert not matrix.any()
    right = (predictions == scene.labels).mean()
    (axes,) = PLOTS["confusion"](scene).axes
    assert axes.get_title() == f"{100 * right:.2f} % right of test samples"


def test_names_of_classes_are_shown(trained):
    model, data = trained
    names = tuple(f"digit {i}" for i in range(10))
    figure = PLOTS["confusion"](Scene(model, data.x_test[:9], data.y_test[:9], names))
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == list(names)


@pytest.fixture(scope="module")
def mapped():
    """A model of which every layer lies on a map."""
    model = Model.load(Path(__file__).parents[3] / "contract" / "models" / "pictures.npz")
    x = np.random.RandomState(0).randint(0, 16, (9, model.input.size))
    return Scene(model, x, np.arange(9) % 5, sample=3)


@pytest.mark.parametrize(("name", "form"), crossed(PLOTS, FORMATS))
def test_the_same_picture_is_the_same_file(name, form, mapped):
    first = to_bytes(PLOTS[name](mapped), form)
    assert first == to_bytes(PLOTS[name](mapped), form)
    assert first.startswith({"png": b"\x89PNG", "svg": b"<?xml"}[form])


def test_maps_show_the_counts_by_channel(mapped):
    figure = PLOTS["maps"](mapped)
    shown = {axes.get_title(): axes.images[0] for axes in figure.axes if axes.images}
    for index, (shape, spikes) in enumerate(
        zip(mapped.model.shapes()[1:], mapped.traced.spikes, strict=True)
    ):
        means = spikes[0].mean(axis=0).reshape(shape.sides)
        for channel in range(shape.channels):
            picture = shown[f"{index}: {channel}"].get_array()
            assert np.array_equal(picture, means[..., channel])


def test_weights_are_drawn_where_they_lie(mapped, scene):
    codes = mapped.model.layers[0].synapse.codes
    figure = PLOTS["weights"](mapped)
    pictures = [axes.images[0].get_array() for axes in figure.axes if axes.images]
    assert np.array_equal(pictures, codes[..., 0])
    assert drawable(mapped.model, labelled=True) == list(PLOTS)
    assert "maps" not in drawable(scene.model, labelled=True)
    with pytest.raises(ValueError, match="no layer of this model lies on a map"):
        PLOTS["maps"](scene)
    with pytest.raises(ValueError, match="the first layer reads no map"):
        PLOTS["weights"](scene)


def test_a_free_running_model_is_drawn():
    model = qat.QuantizedSNNLayer(5, 7).to_model()
    x = np.random.default_rng(0).integers(-128, 128, (3, 6, 5))
    for name in ("raster", "membranes", "firing"):
        assert to_bytes(PLOTS[name](Scene(model, x)), "png")


def test_what_cannot_be_drawn_is_refused(scene, monkeypatch):
    x = np.zeros((2, 20), np.uint8)
    with pytest.raises(ValueError, match="sample: found 2; there are 2, from 0"):
        Scene(small_model(), x, sample=2)
    with pytest.raises(ValueError, match="confusion: needs labels"):
        PLOTS["confusion"](Scene(scene.model, scene.x))
    with pytest.raises(ValueError, match="format: found 'pdf'; one of png, svg"):
        to_bytes(PLOTS["raster"](scene), "pdf")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ValueError, match=r"pip install 'matplotlib>=3\.8,<4'"):
        PLOTS["raster"](scene)


def test_names_of_classes_are_no_formulas(trained):
    """A word such as $\\frac$ is text, and so is a code that a terminal would obey."""
    model, data = trained
    names = ("$\\frac$", "a$b$", "\x1b[31m", *map(str, range(3, 10)))
    scene = Scene(model, data.x_test[:50], data.y_test[:50], names, origin="50 of $\\x$.csv")
    assert [scene.named(i).isprintable() for i in range(3)] == [True] * 3
    for kind in ("confusion", "raster"):
        assert to_bytes(PLOTS[kind](scene), "svg")
