"""The accuracy that FIGURES.md claims, with the default recipe: of one seed, in the proof of five.

`pytest -m proof -s tests/unit/qat/train/test_quality.py` prints the table: digits 64-64-10, T = 8,
test data. A seed takes ten seconds of processor time.
"""

from __future__ import annotations

import numpy as np
import pytest

import qat
from qat.data.dataset import Dataset

SEEDS = [1, pytest.param(5, marks=pytest.mark.proof)]
ROUNDED = (8, 4, 2)


@pytest.fixture(scope="module", params=SEEDS)
def accuracies(request: pytest.FixtureRequest) -> dict[str, float]:
    """Return the mean accuracy of every way over the seeds."""
    data = qat.datasets.load("digits")
    found: dict[str, list[float]] = {}
    for seed in range(request.param):
        for way, value in trained(data, seed).items():
            found.setdefault(way, []).append(value)
    means = {way: float(np.mean(values)) for way, values in found.items()}
    for way, mean in means.items():
        print(f"{way:24} {100 * mean:.2f} %  of seeds {np.round(100 * np.array(found[way]), 1)}")
    return means


def trained(data: Dataset, seed: int) -> dict[str, float]:
    """Return the accuracy of one seed's networks on test data."""
    nets = {}
    for way, bits in (("float", None), ("trained ternary", 2)):
        nets[way] = qat.Network([data.inputs, 64, data.classes], bits, 8, seed=seed)
        qat.fit(nets[way], data, seed=seed)
    for bits in ROUNDED:
        nets[f"rounded to {bits} bits"] = nets["float"].with_bits(bits)
    return {way: qat.evaluate(net, data.x_test, data.y_test) for way, net in nets.items()}


def test_ternary_digits_lose_at_most_a_point(accuracies: dict[str, float]) -> None:
    assert accuracies["trained ternary"] >= 0.965
    assert accuracies["trained ternary"] >= accuracies["float"] - 0.01


def test_rounding_to_ternary_after_training_loses_much_more(accuracies: dict[str, float]) -> None:
    assert accuracies["float"] - accuracies["rounded to 2 bits"] > 0.03
    assert accuracies["float"] - accuracies["rounded to 8 bits"] < 0.01
