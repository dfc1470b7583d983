"""Pictures of a model at work: spikes, membranes, firing rates, confusion.

Each is a matplotlib Figure, made without its global state; matplotlib comes with the extra
`plot` and is imported when a picture is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qat.model import Model, Result
from qat.model.checks import plain, spread_over

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = ("png", "svg")
NEURONS = 4
"""Membranes that are drawn of each layer: those that spiked most, but not at every step."""

PIECE = 500
"""Samples that are traced at a time."""

ROW, TILES, COLOURS = 8, 64, 3
"""Small pictures in a row, and of a layer at most; channels of a colour picture."""

BINS = 30
SPIKE, MEMBRANE, THRESHOLD = "C3", "C0", "0.4"
"""Colours."""


@dataclass(frozen=True, eq=False)
class Scene:
    """What is drawn: a model, inputs as it takes them, and their labels if they are known.

    sample: the one whose spikes and membranes are drawn
    steps:  as Model.run takes it
    origin: where the inputs come from, for the titles

    Raises ValueError if there is no such sample.
    """

    model: Model
    x: NDArray[Any]
    labels: NDArray[np.int64] | None = None
    class_names: tuple[str, ...] = ()
    sample: int = 0
    steps: int | None = None
    origin: str = "the inputs"

    def __post_init__(self) -> None:
        if not 0 <= self.sample < len(self.x):
            raise ValueError(f"sample: found {self.sample}; there are {len(self.x)}, from 0")

    @cached_property
    def traced(self) -> Result:
        """The run of the sample, with every spike and membrane."""
        return self.model.run(self.x[self.sample : self.sample + 1], steps=self.steps, trace=True)

    @property
    def title(self) -> str:
        """What the sample is and what the model makes of it."""
        words = f"sample {self.sample}"
        if self.labels is not None:
            words += f", class {self.named(int(self.labels[self.sample]))}"
        if self.traced.predictions is not None:
            words += f", predicted {self.named(int(self.traced.predictions[0]))}"
        return f"{words} ({drawn(self.origin)})"

    def named(self, label: int) -> str:
        """Return the name of a class."""
        return drawn(self.class_names[label]) if label < len(self.class_names) else str(label)


def drawn(text: str) -> str:
    """Return a text of a file as a picture shows it, printable, and without formulas."""
    return plain(text).replace("$", r"\$")


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure; ValueError, with what to do, without matplotlib."""
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415  # an extra
    except ImportError:
        raise ValueError(
            "matplotlib is missing; pictures need it: pip install 'matplotlib>=3.8,<4'"
        ) from None
    return Figure(figsize=(width, height), layout="constrained", dpi=120)


def raster(scene: Scene) -> Figure:
    """Draw when each neuron of each layer spiked for one sample."""
    spikes = scene.traced.spikes or ()
    figure = new_figure(7, 1 + 2.4 * len(spikes))
    rows = figure.subplots(len(spikes), 1, squeeze=False, sharex=True)[:, 0]
    for index, (axes, layer) in enumerate(zip(rows, spikes, strict=True)):
        step, neuron = np.nonzero(layer[0])
        axes.scatter(step + 1, neuron, marker="|", s=30, color=SPIKE)
        axes.set(ylim=(-1, layer.shape[2]), xlim=(0.5, layer.shape[1] + 0.5))
        axes.set_ylabel(f"layer {index}: neuron")
        axes.set_title(f"{100 * (layer != 0).mean():.1f} % of neurons and steps", fontsize="small")
    rows[-1].set_xlabel("step")
    figure.suptitle(scene.title)
    return figure


def membranes(scene: Scene) -> Figure:
    """Draw u, the membrane before the reset, of some busy neurons, with their thresholds."""
    result, layers = scene.traced, scene.model.layers
    assert result.spikes is not None
    assert result.u is not None
    figure = new_figure(10, 1 + 2.2 * len(layers))
    grid = figure.subplots(len(layers), NEURONS, squeeze=False, sharex=True)
    for index, layer in enumerate(layers):
        u = result.u[index][0]
        spikes = u >= spread_over(layer.neuron.least, layer.size)
        busiest = _busiest(spikes)
        thresholds = np.broadcast_to(spread_over(layer.neuron.least, layer.size), layer.size)
        for axes, neuron in zip(grid[index], busiest, strict=False):
            _membrane(axes, u[:, neuron], spikes[:, neuron], int(thresholds[neuron]))
            axes.set_title(f"layer {index}, neuron {neuron}", fontsize="small")
        for axes in grid[index][len(busiest) :]:
            axes.set_axis_off()
    grid[-1][0].set_xlabel("step")
    figure.suptitle(f"u before the reset, its threshold and spikes; {scene.title}")
    return figure


def _busiest(spikes: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the neurons to draw, for spikes of (step, neuron)."""
    counts = spikes.sum(axis=0)
    telling = np.where(counts == len(spikes), 0.5, counts)
    return np.argsort(-telling, kind="stable")[:NEURONS]


def _membrane(axes: Axes, u: NDArray[Any], spikes: NDArray[np.bool_], threshold: int) -> None:
    steps = np.arange(1, len(u) + 1)
    axes.axhline(threshold, color=THRESHOLD, linestyle="--", linewidth=1)
    axes.plot(steps, u, color=MEMBRANE, marker=".", linewidth=1)
    axes.plot(steps[spikes], u[spikes], color=SPIKE, marker="o", linestyle="none")


def firing_rates(scene: Scene) -> list[NDArray[np.float64]]:
    """Return the spikes per step of each value that a layer sends, mean over all samples."""
    totals = [np.zeros(layer.sends) for layer in scene.model.layers]
    steps = 0
    for start in range(0, len(scene.x), PIECE):
        part = scene.x[start : start + PIECE]
        spikes = scene.model.run(part, steps=scene.steps, trace=True).spikes or ()
        for total, layer in zip(totals, spikes, strict=True):
            np.add(total, layer.sum(axis=(0, 1)), out=total)
        steps += len(part) * spikes[0].shape[1]
    return [total / steps for total in totals]


def firing(scene: Scene) -> Figure:
    """Draw how often the neurons of each layer spike, as a histogram."""
    rates = firing_rates(scene)
    bins = np.linspace(0, max(float(np.concatenate(rates).max()), 0.01), BINS + 1)
    figure = new_figure(7, 1 + 2.4 * len(rates))
    rows = figure.subplots(len(rates), 1, squeeze=False, sharex=True)[:, 0]
    for index, (axes, layer) in enumerate(zip(rows, rates, strict=True)):
        axes.hist(layer, bins=bins, color=MEMBRANE)
        axes.axvline(layer.mean(), color=THRESHOLD, linestyle="--", linewidth=1)
        silent = int((layer == 0).sum())
        words = f"mean {100 * layer.mean():.1f} %, {silent} of {len(layer)} silent"
        axes.set_title(words, fontsize="small")
        axes.set_ylabel(f"layer {index}: neurons")
    rows[-1].set_xlabel("spikes per step")
    figure.suptitle(f"firing rates, {drawn(scene.origin)}")
    return figure


def confusion_matrix(scene: Scene) -> NDArray[np.int64]:
    """Return how many samples of each class (row) were predicted as each class (column)."""
    predictions = scene.model.run(scene.x, steps=scene.steps).predictions
    if scene.labels is None or predictions is None:
        raise ValueError("confusion: needs labels and a model with a readout; give --data")
    size = max(scene.model.outputs, int(scene.labels.max()) + 1)
    matrix = np.zeros((size, size), np.int64)
    np.add.at(matrix, (scene.labels, predictions), 1)
    return matrix


def confusion(scene: Scene) -> Figure:
    """Draw which class was taken for which."""
    matrix = confusion_matrix(scene)
    size = len(matrix)
    figure = new_figure(2.5 + 0.5 * size, 2 + 0.5 * size)
    axes = figure.subplots()
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for row, column in zip(*np.nonzero(matrix), strict=True):
        colour = "white" if share[row, column] > 0.5 else "black"
        text: dict[str, Any] = {
            "ha": "center",
            "va": "center",
            "fontsize": "small",
            "color": colour,
        }
        axes.text(column, row, str(matrix[row, column]), **text)
    names = [scene.named(label) for label in range(size)]
    turned = 90 if max(map(len, names)) > 2 else 0
    axes.set_xticks(range(size), names, rotation=turned)
    axes.set_yticks(range(size), names)
    axes.set(xlabel="predicted", ylabel="class")
    right = np.trace(matrix) / matrix.sum()
    axes.set_title(f"{100 * right:.2f} % right of {drawn(scene.origin)}")
    return figure


def weights(scene: Scene) -> Figure:
    """Draw the weights of the first layer where they lie on the map of the input.

    Those of several channels of a map are added up, but for the three of a colour picture.
    """
    pictures = _first_weights(scene.model)
    if not _wide(pictures):
        raise ValueError("weights: the first layer reads no map; there is nothing to draw")
    shown = pictures[:TILES].astype(np.float64)
    most = float(np.abs(shown).max()) or 1.0
    titles = [str(channel) for channel in range(len(shown))]
    if shown.shape[3] == COLOURS:
        figure = _tiles(0.5 + shown / (2 * most), titles)
    else:
        added = shown.sum(axis=3)
        most = float(np.abs(added).max()) or 1.0
        figure = _tiles(added, titles, cmap="RdBu_r", vmin=-most, vmax=most)
    left = "" if len(shown) == len(pictures) else f", the first {TILES} of {len(pictures)}"
    figure.suptitle(f"weights of layer 0 by channel{left}; {drawn(scene.model.name)}")
    return figure


def _first_weights(model: Model) -> NDArray[Any]:
    return model.layers[0].synapse.pictures(model.shapes()[0])


def _wide(pictures: NDArray[Any]) -> bool:
    """Return True for more than 1x1; pictures: (channels, height, width, channels of the map)."""
    return pictures.shape[1] * pictures.shape[2] > 1


def maps(scene: Scene) -> Figure:
    """Draw what each layer sends for one sample: spikes a step, by position and channel."""
    shapes = scene.model.shapes()[1:]
    spikes = scene.traced.spikes or ()
    placed = [i for i, shape in enumerate(shapes) if shape.positions > 1]
    if not placed:
        raise ValueError("maps: no layer of this model lies on a map; there is nothing to draw")
    tiles, titles, most = [], [], 1.0
    for index in placed:
        means = spikes[index][0].mean(axis=0).reshape(shapes[index].sides)
        most = max(most, float(means.max()))
        for channel in range(min(means.shape[2], TILES)):
            tiles.append(means[..., channel])
            titles.append(f"{index}: {channel}")
    figure = _tiles(tiles, titles, cmap="Greys", vmin=0, vmax=most)
    figure.suptitle(
        f"spikes a step, by layer and channel: 0 white, {most:g} black\n{scene.title}",
        fontsize="medium",
    )
    return figure


def _tiles(pictures: Any, titles: list[str], **how: Any) -> Figure:
    """Return small pictures side by side, eight in a row, each with its title."""
    rows = -(-len(pictures) // ROW)
    figure = new_figure(1.1 * ROW, 0.6 + 1.25 * rows)
    grid = figure.subplots(rows, ROW, squeeze=False).ravel()
    for axes in grid:
        axes.set_axis_off()
    for axes, picture, title in zip(grid, pictures, titles, strict=False):
        axes.set_axis_on()
        axes.set(xticks=[], yticks=[])
        axes.imshow(picture, interpolation="nearest", **how)
        axes.set_title(title, fontsize="x-small")
    return figure


PLOTS: Mapping[str, Callable[[Scene], Figure]] = MappingProxyType(
    {
        "raster": raster,
        "membranes": membranes,
        "firing": firing,
        "confusion": confusion,
        "weights": weights,
        "maps": maps,
    }
)
"""The pictures by name."""


def drawable(model: Model, labelled: bool) -> list[str]:
    """Return the names of the pictures that this model has; labelled: its inputs have labels."""
    needs = {
        "confusion": labelled and model.readout is not None,
        "weights": _wide(_first_weights(model)),
        "maps": any(shape.positions > 1 for shape in model.shapes()[1:]),
    }
    return [name for name in PLOTS if needs.get(name, True)]


def to_bytes(figure: Figure, form: str) -> bytes:
    """Return a figure as a file of the form "png" or "svg": the same one gives the same bytes."""
    if form not in FORMATS:
        raise ValueError(f"format: found {form!r}; one of {', '.join(FORMATS)}")
    from matplotlib import rc_context  # noqa: PLC0415  # an extra

    buffer = BytesIO()
    with rc_context({"svg.hashsalt": "spikemcu"}):
        figure.savefig(buffer, format=form, metadata={"Date": None} if form == "svg" else {})
    return buffer.getvalue()
