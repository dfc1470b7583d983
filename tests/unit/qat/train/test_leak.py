from itertools import product

import numpy as np
import pytest

from qat.model import leak_fraction
from qat.model.leak import leak as leak_of
from qat.train.leak import nearest_leak, residue


@pytest.mark.parametrize("fraction", [0.875, 0.5, 0.3, 1 - np.exp(-1 / 20), 0.01, 1.0])
@pytest.mark.parametrize("terms", [1, 2])
def test_nearest_leak_is_the_nearest_of_all(fraction, terms):
    signed = [s * 2.0**-k for k in range(16) for s in (1, -1)]
    sums = [sum(c) for n in range(1, terms + 1) for c in product(signed, repeat=n)]
    best = min(abs(s - fraction) for s in sums if 0 < s <= 1)
    assert abs(float(leak_fraction(nearest_leak(fraction, terms))) - fraction) == best


def test_nearest_leak_prefers_fewer_terms():
    assert nearest_leak(0.125) == (3,)
    assert nearest_leak(1.0) == (0,)
    assert nearest_leak(0.875) == (0, -3)


def test_three_terms_come_near_to_a_time_constant():
    wanted = 1 - np.exp(-1 / 20)
    errors = [abs(float(leak_fraction(nearest_leak(wanted, n))) / wanted - 1) for n in (1, 2, 3, 4)]
    assert errors[0] > errors[1] > errors[2] > errors[3]
    assert errors[2] < 5e-3


@pytest.mark.parametrize(
    ("fraction", "terms"), [(0.0, 3), (1.1, 3), (np.nan, 3), (0.5, 0), (0.5, 5)]
)
def test_nearest_leak_refuses(fraction, terms):
    with pytest.raises(ValueError, match=r"leak (fraction|terms): found"):
        nearest_leak(fraction, terms)


@pytest.mark.parametrize(
    "leak", [(0,), (1,), (3,), (2, 4), (2, -4), (2, -3, -4), (1, 3, -5), (4, 6, -9)]
)
def test_residue_is_where_membranes_end(leak):
    v = np.arange(-5000, 5001, dtype=np.int32)
    for _ in range(4000):
        v = v - leak_of(v, leak)
    assert np.abs(v).max() == residue(leak)


def test_residue_of_a_shift_by_three_is_seven():
    assert residue((3,)) == 7
    with pytest.raises(ValueError, match="never comes to rest"):
        residue(())
