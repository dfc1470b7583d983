"""Depthwise convolutions in channel words: the C of random layers against the model."""

from __future__ import annotations

import numpy as np
import pytest
from support.zoo.depthwise import KERNELS, random_words
from support.zoo.windows import inputs_for

from codegen.checks.comparison import compare
from codegen.checks.host import HostModel
from codegen.kernels.channel_words.layer import additions
from codegen.render.generated import generated


@pytest.mark.parametrize("seed", range(15))
def test_words_compute_the_model(seed: int) -> None:
    model = random_words(seed)
    x, steps = inputs_for(model, 6)
    made = generated(model, kernels=KERNELS)
    host = HostModel(made, compiler=("gcc", "clang")[seed // 3 % 2])
    told = compare(model.run(x, trace=True, steps=steps), host.run(x, trace=True, steps=steps))
    assert told.differing == 0, told.first


@pytest.mark.parametrize(
    ("taps", "planes", "width"), [(1, 1, 1), (9, 1, 5), (9, 2, 7), (25, 1, 6), (4, 3, 3)]
)
def test_additions_keep_the_sum(taps: int, planes: int, width: int) -> None:
    """Every tap adds two bits to its plane: with all of them set the sum is their number."""
    sums, carries = np.zeros(width, int), {}
    for a in additions(taps, planes, width):
        found = sums[a.plane] + (2 if a.tap is not None else sum(carries.pop(n) for n in a.of))
        sums[a.plane] = found % 2
        if a.carry is not None:
            carries[a.carry] = found // 2
    assert not carries
    total = 2 * taps * (2**planes - 1)
    assert sum(int(bit) << plane for plane, bit in enumerate(sums)) == total % 2**width
