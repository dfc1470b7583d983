"""The compiled loops of maps, norms and counts against NumPy, which documents them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qat.machine import native
from qat.model import Pool, Shape
from qat.train import convolution, lif, neurons
from qat.train.dynamics import Dynamics
from qat.train.fold import SPIKES, Constants
from qat.train.norm import Moments
from qat.train.pooling import PoolTwin
from qat.train.surrogate import SURROGATES
from qat.train.synapses import ConvTwin


@pytest.fixture(autouse=True, scope="module")
def compiled():
    assert native.library() is not None, "this machine has a compiler; the loops must compile"


def both(call):
    """Return what a call gives with the compiled loops and with NumPy."""
    with pytest.MonkeyPatch.context() as context:
        context.delenv("SPIKEMCU_NATIVE", raising=False)
        fast = call()
        context.setenv("SPIKEMCU_NATIVE", "0")
        return fast, call()


@st.composite
def convolutions(draw):
    kernel = draw(st.integers(1, 5)), draw(st.integers(1, 7))
    grid = Shape(
        kernel[0] + draw(st.integers(0, 4)), kernel[1] + draw(st.integers(0, 4)),
        draw(st.sampled_from([1, 2, 9, 33])),
    )  # fmt: skip
    return ConvTwin(grid, draw(st.sampled_from([None, 1, 5, 32])), kernel,
                    draw(st.sampled_from([1, 2])),
                    draw(st.sampled_from(["same", "none"])))  # fmt: skip


@given(convolutions(), st.integers(0, 99))
def test_convolutions(twin, seed):
    random = np.random.default_rng(seed)
    codes = random.integers(-1, 2, twin.weights).astype(np.float32)
    x = random.integers(0, 16, (3, twin.n_in)).astype(np.float32)
    d = random.integers(-9, 10, (3, twin.n_out)).astype(np.float32)  # whole: sums are exact

    def all_of_it():
        return twin.sums(codes, x), twin.weight_gradient(d, x), twin.input_gradient(codes, d)

    for fast, slow in zip(*both(all_of_it), strict=True):
        np.testing.assert_array_equal(fast, slow)
    sums, weights, inputs = all_of_it()
    # the two gradients are those of one bilinear form: <d, sums(codes, x)>
    form = float((d * sums).sum())
    assert form == float((weights * codes).sum()) == float((inputs * x).sum())
    np.testing.assert_array_equal(sums, _record_sums(twin, codes, x))


def _record_sums(twin, codes, x):
    return twin.record(_constants(codes), 2).currents(x.astype(np.int64), 2**20)


def _constants(codes):

    zero = np.zeros(())
    return Constants(codes, zero, None, np.ones(()), 0, SPIKES, True, zero)


def test_pieces_are_the_whole(monkeypatch):
    twin = ConvTwin(Shape(6, 5, 3), 7, (3, 3))
    random = np.random.default_rng(0)
    codes = random.integers(-1, 2, twin.weights).astype(np.float32)
    x = random.integers(0, 16, (11, twin.n_in)).astype(np.float32)
    d = random.integers(-9, 10, (11, twin.n_out)).astype(np.float32)
    whole = twin.sums(codes, x), twin.weight_gradient(d, x), twin.input_gradient(codes, d)
    monkeypatch.setattr(convolution, "PATCHES", 2 * 30 * 27)
    parts = twin.sums(codes, x), twin.weight_gradient(d, x), twin.input_gradient(codes, d)
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(one, other)


@given(
    st.sampled_from(["max", "sum"]), st.tuples(*[st.integers(1, 3)] * 4),
    st.sampled_from([1, 8, 33]), st.integers(0, 99),
)  # fmt: skip
def test_pools(mode, sides, channels, seed):
    (height, width), kernel = (sides[0] * sides[2], sides[1] * sides[3]), sides[2:]
    twin = PoolTwin(Pool(mode, kernel), Shape(height, width, channels))
    random = np.random.default_rng(seed)
    values = random.integers(-3, 4, (2, 3, twin.given.size)).astype(np.float32)
    d = random.normal(size=(2, 3, twin.left.size)).astype(np.float32)

    def all_of_it():
        left, chosen = twin.forward(values)
        return left, twin.backward(d, chosen)

    for fast, slow in zip(*both(all_of_it), strict=True):
        np.testing.assert_array_equal(fast, slow)
    wanted = twin.record.of(values, twin.given, np.float32)
    np.testing.assert_array_equal(all_of_it()[0], wanted)


@given(st.integers(1, 700), st.sampled_from([1, 8, 33]), st.integers(1, 7), st.integers(0, 99))
def test_moments_counts_and_windows(rows, channels, levels, seed):
    random = np.random.default_rng(seed)
    values = random.integers(-300, 400, (rows, channels)).astype(np.float32)
    thresholds = np.sort(random.integers(-200, 300, (levels, channels)), axis=0)
    low = random.integers(-200, 0, channels).astype(np.float32)
    d = random.normal(size=values.shape).astype(np.float32)

    def all_of_it():
        moments = Moments.of(values, channels)
        reached = neurons._reached(values, thresholds.astype(np.float32))
        return moments.mean, moments.variance, reached, neurons._window(d, values, low, low + 200)

    for fast, slow in zip(*both(all_of_it), strict=True):
        assert fast.tobytes() == slow.tobytes()
    np.testing.assert_allclose(all_of_it()[1], values.var(axis=0, dtype=np.float64), atol=1e-6)


@pytest.mark.parametrize("reset", ["subtract", "value"])
@pytest.mark.parametrize("detached", [True, False])
@given(seed=st.integers(0, 99), most=st.integers(2, 7))
def test_several_spikes_a_step(reset, detached, seed, most):
    random = np.random.default_rng(seed)
    dynamics = Dynamics((3,), reset, None, True, most, 5.0)
    current = random.integers(-30, 120, (6, 4, 9)).astype(np.float32)
    threshold = (20 + random.integers(0, 9, 9)).astype(np.float32)
    d = random.normal(size=current.shape).astype(np.float32)

    def all_of_it():
        u, spikes = lif.forward(current, threshold, dynamics, 6)
        found = lif.backward(d, u, spikes, threshold, dynamics, surrogate=SURROGATES["atan"],
                             detach_reset=detached)  # fmt: skip
        return u, spikes, found.current, found.threshold

    fast, slow = both(all_of_it)
    assert fast[1].max() > 1
    for one, other in zip(fast[:2], slow[:2], strict=True):
        assert one.tobytes() == other.tobytes()
    for one, other in zip(fast[2:], slow[2:], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)
