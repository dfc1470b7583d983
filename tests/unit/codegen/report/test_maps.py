"""The pictures of maps on the page hold the counts of the sample."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from codegen.report.page.maps import SHADES, maps
from codegen.report.page.raster import Sample, rasters
from qat.model import Model

MODEL = Path(__file__).parents[3] / "contract" / "models" / "pictures.npz"


def test_every_position_has_the_shade_of_its_count() -> None:
    model = Model.load(MODEL)
    x = np.random.RandomState(1).randint(0, 16, (1, model.input.size))
    result = model.run(x, trace=True)
    sample = Sample(x, result, 0, "made")
    found = maps(model, sample)
    assert [one.name for one in found] == ["layer 0", "layer 1"]
    assert rasters(model, sample) == ()
    for one, shape, spikes in zip(found, model.shapes()[1:], result.spikes, strict=True):
        means = spikes[0].mean(axis=0).reshape(shape.sides)
        drawn = np.zeros((one.height, one.width))
        for shade in one.shades:
            for x0, y0, length in re.findall(r"M(\d+) ([\d.]+)h(\d+)", shade.path):
                drawn[int(float(y0)), int(x0) : int(x0) + int(length)] = shade.opacity
        for channel, (left, top) in enumerate(one.frames):
            tile = drawn[top : top + shape.height, left : left + shape.width]
            level = np.ceil(means[..., channel] * SHADES / means.max())
            assert np.array_equal(tile, np.round(level / SHADES, 2))
        assert one.most == means.max()
