"""Arrays of pictures become vectors with a map."""

from __future__ import annotations

import numpy as np
import pytest

import qat
from qat.data.pictures import flat, told


@pytest.mark.parametrize(
    ("shape", "became", "sides"),
    [
        ((6, 5), (6, 5), None),
        ((6, 4, 5), (6, 4, 5), None),
        ((6, 4, 5, 3), (6, 60), (4, 5, 3)),
        ((6, 2, 4, 5, 3), (6, 2, 60), (4, 5, 3)),
        ((6, 1, 9, 4), (6, 36), (1, 9, 4)),
    ],
)
def test_values_keep_their_order(shape, became, sides):
    x = np.arange(np.prod(shape)).reshape(shape)
    found, grid = flat("x", x)
    assert found.shape == became
    assert (grid.sides if grid else None) == sides
    assert (found.ravel() == x.ravel()).all()


@pytest.mark.parametrize("shape", [(6, 1, 8, 8), (6, 3, 8, 8), (6, 2, 3, 8, 8)])
def test_channels_that_come_first_are_refused_with_the_way_out(shape):
    with pytest.raises(ValueError, match="channels seem to come first") as error:
        flat("x", np.zeros(shape))
    axes = str(error.value).split("x.transpose")[1]
    turned = np.zeros(shape).transpose(*map(int, axes.strip("()").split(",")))
    assert flat("x", turned)[1].sides == (8, 8, shape[-3])


def test_what_a_shape_was_taken_for_is_told():
    assert told(np.zeros((6, 5))) == ()
    assert told(np.zeros((6, 4, 5, 1))) == ("samples of pictures 4 high, 5 wide, 1 channel",)
    assert told(np.zeros((6, 2, 4, 5, 3)))[0].startswith("samples of 2 steps, pictures 4 high")
    assert "if they are pictures, give" in told(np.zeros((6, 8, 8)))[0]


def test_both_parts_share_one_map():
    x, y = np.arange(40 * 12).reshape(40, 3, 4, 1) % 251, np.arange(40) % 2
    data = qat.datasets.from_arrays(x, y, x[:8], y[:8])
    assert data.grid.sides == (3, 4, 1)
    assert (data.x_test == x[:8].reshape(8, 12)).all()
    with pytest.raises(ValueError, match="x_test: found pictures of 4x3x1; x has 3x4x1"):
        qat.datasets.from_arrays(x, y, x[:8].reshape(8, 4, 3, 1), y[:8])
    with pytest.raises(ValueError, match="x_test: found no pictures; x has 3x4x1"):
        qat.datasets.from_arrays(x, y, x[:8].reshape(8, 12), y[:8])
    with pytest.raises(ValueError, match="none of it may be 0"):
        qat.datasets.from_arrays(x[:, :, :0], y)
