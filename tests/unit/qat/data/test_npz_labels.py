"""Labels of .npz files: words become classes, numbers must count from 0."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qat.data.dataset import Dataset
from qat.data.named import load

X = np.random.default_rng(0).normal(size=(60, 3))
WORDS = np.array(["walk", "run ", "sit"])[np.arange(60) % 3]


def loaded(folder: Path, **arrays: Any) -> Dataset:
    np.savez(folder / "d.npz", **arrays)
    return load(folder / "d.npz")


def test_words_are_classes(tmp_path):
    data = loaded(tmp_path, x=X, y=WORDS, x_test=X[:9], y_test=WORDS[:9])
    assert data.class_names == ("run", "sit", "walk")
    np.testing.assert_array_equal(data.y_test, [2, 0, 1] * 3)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"y": np.where(np.arange(60) == 5, "nan", WORDS)}, "y: a label is missing"),
        ({"y": WORDS, "x_test": X[:1], "y_test": ["fly"]}, "y_test: holds 'fly', which y does"),
        ({"y": 1 + np.arange(60) % 3}, "no sample of class 0; .* number the classes anew"),
        ({"y": np.arange(60) % 3 - 1}, "holds -1; .* number the classes anew"),
        ({"y": np.arange(60) % 3 + 0.5}, "holds fractions"),
        (
            {"y": WORDS, "x": X.astype(np.longdouble) * np.longdouble("1e4000")},
            "allowed are 1e-100",
        ),
    ],
)
def test_labels_that_are_none(arrays, said, tmp_path):
    with pytest.raises(ValueError, match=said) as caught:
        loaded(tmp_path, **{"x": X, **arrays})
    assert "\n" not in str(caught.value)
