"""Windows of a recording."""

import numpy as np
import pytest

from qat.data.encode import windows


@pytest.mark.parametrize(
    ("length", "hop", "group"), [(6, None, 1), (6, 2, 3), (9, 4, 9), (20, 1, 4)]
)
def test_windows_are_means_of_groups(length, hop, group):
    signal = np.random.default_rng(0).normal(size=(20, 3))
    cut = windows(signal, length, hop, group)
    starts = range(0, 20 - length + 1, hop or length)
    assert cut.shape == (len(starts), length // group, 3)
    for window, start in zip(cut, starts, strict=True):
        for step, values in enumerate(window):
            part = signal[start + step * group : start + (step + 1) * group]
            np.testing.assert_allclose(values, part.mean(axis=0))


@pytest.mark.parametrize(
    ("signal", "numbers", "said"),
    [
        (np.zeros((9, 2)), (10,), "found a length of 10; the signal has 9 samples; use shorter"),
        (np.zeros(9), (3,), r"signal: found shape \(9,\); must be \(samples, channels\)"),
        (np.full((9, 2), np.nan), (3,), "signal: holds NaN"),
        (np.zeros((9, 2)), (0,), "found length 0"),
        (np.zeros((9, 2)), (4, 0), "hop 0"),
        (np.zeros((9, 2)), (4, 1, 3), "the length a multiple of the group"),
    ],
)
def test_windows_that_cannot_be_cut(signal, numbers, said):
    with pytest.raises(ValueError, match=said):
        windows(signal, *numbers)
