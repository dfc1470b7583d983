"""What a layer on a map sends for one sample, as small pictures: one for each channel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codegen.report.page.figures import colour_of
from codegen.report.page.raster import Sample
from qat.model import Model

MOST_CHANNELS = 64
"""Channels that are shown of a layer, the first ones."""

SHADES = 7
"""Shades that values are told apart by."""

ACROSS = 96
"""Positions side by side in a row of pictures, about; a picture at least."""

PIXELS = 7
"""Pixels of a position."""


@dataclass(frozen=True)
class Shade:
    """Positions of about the same value: runs as `M<x> <y>h<length>`, and how dark they are."""

    opacity: float
    path: str


@dataclass(frozen=True)
class Maps:
    """The pictures of a layer: channels side by side, in a box of width x height positions.

    frames: (x, y) of each picture, of `map_width` x `map_height` positions
    most:   spikes a step of the darkest position
    """

    name: str
    colour: str
    shape: str
    channels: int
    shown: int
    most: float
    width: int
    height: int
    map_width: int
    map_height: int
    frames: tuple[tuple[int, int], ...]
    shades: tuple[Shade, ...]

    @property
    def pixels(self) -> int:
        """Width on the page."""
        return PIXELS * self.width


def maps(model: Model, sample: Sample) -> tuple[Maps, ...]:
    """Return the pictures of every layer whose signal lies on a map."""
    found = zip(model.shapes()[1:], sample.result.spikes or (), strict=False)
    return tuple(
        _maps(f"layer {index}", str(shape), spikes[0].mean(axis=0).reshape(shape.sides))
        for index, (shape, spikes) in enumerate(found)
        if shape.positions > 1
    )


def _maps(name: str, shape: str, means: NDArray[np.float64]) -> Maps:
    """Return the pictures of spikes a step, (height, width, channels)."""
    height, width, channels = means.shape
    shown = min(channels, MOST_CHANNELS)
    row = max(1, min(shown, ACROSS // (width + 1)))
    frames = [
        (channel % row * (width + 1), channel // row * (height + 1)) for channel in range(shown)
    ]
    most = float(means.max())
    shade = np.ceil(means[..., :shown] * (SHADES / (most or 1.0))).astype(np.int64)
    return Maps(
        name=name,
        colour=colour_of(name),
        shape=shape,
        channels=channels,
        shown=shown,
        most=most,
        width=row * (width + 1) - 1,
        height=-(-shown // row) * (height + 1) - 1,
        map_width=width,
        map_height=height,
        frames=tuple(frames),
        shades=tuple(
            Shade(round(level / SHADES, 2), path)
            for level in range(1, SHADES + 1)
            if (path := _path(shade == level, frames))
        ),
    )


def _path(here: NDArray[np.bool_], frames: list[tuple[int, int]]) -> str:
    """Return the runs of positions, (height, width, channels), in their frames."""
    runs = []
    for channel, (left, top) in enumerate(frames):
        edges = np.diff(np.pad(here[..., channel].astype(np.int8), ((0, 0), (1, 1))), axis=1)
        starts, ends = np.argwhere(edges == 1), np.argwhere(edges == -1)
        for (y, start), (_, end) in zip(starts.tolist(), ends.tolist(), strict=True):
            runs.append(f"M{left + start} {top + y + 0.5:g}h{end - start}")
    return "".join(runs)
