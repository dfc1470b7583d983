import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from qat.model import CODE_RANGE
from qat.train.quantize import QUANTIZERS, TernaryWeights, _ste_quantize, ternary, uniform

WEIGHTS = arrays(
    np.float32,
    st.tuples(st.integers(1, 6), st.integers(1, 9)),
    elements=st.floats(-8, 8, width=32, allow_subnormal=False),
)
BITS = st.sampled_from([2, 4, 8, 16])


@given(WEIGHTS, BITS, st.booleans())
def test_codes_are_whole_numbers_within_their_bits(weight, bits, per_neuron):
    q = QUANTIZERS[bits](weight, per_neuron)
    low, high = CODE_RANGE[bits]
    assert q.codes.dtype == weight.dtype
    assert (q.codes == np.rint(q.codes)).all()
    assert low <= q.codes.min()
    assert q.codes.max() <= high
    assert q.scale.shape == ((len(weight),) if per_neuron else ())
    assert (q.scale > 0).all()


@given(WEIGHTS, st.sampled_from([4, 8, 16]), st.booleans())
def test_uniform_weights_lie_within_half_a_step(weight, bits, per_neuron):
    q = uniform(weight, per_neuron, bits=bits)
    error = np.abs(weight - q.scale[..., None] * q.codes)
    assert (error <= q.scale[..., None] * 0.5 + np.abs(weight) * 1e-6).all()


def test_ternary_follows_its_equation():
    weight = np.array([[0.1, -0.2, 0.9, -1.0], [0.0, 0.02, -0.04, 0.04]], np.float32)
    per_layer, per_neuron = ternary(weight), ternary(weight, True)
    # layer: mean 0.2875, threshold 0.20125; neurons: means 0.55 and 0.025
    np.testing.assert_array_equal(per_layer.codes, [[0, 0, 1, -1], [0, 0, 0, 0]])
    np.testing.assert_allclose(per_layer.scale, 0.95, rtol=1e-6)
    np.testing.assert_array_equal(per_neuron.codes, [[0, 0, 1, -1], [0, 1, -1, 1]])
    np.testing.assert_allclose(per_neuron.scale, [0.95, 0.1 / 3], rtol=1e-6)


def test_a_neuron_without_weights_uses_a_scale_of_its_layer():
    weight = np.array([[1.0, -1.0], [0.0, 0.0]], np.float32)
    for bits, layer in ((2, 0.5), (8, 1 / 127)):  # mean|w| and max|w| / 127
        q = QUANTIZERS[bits](weight, True)
        assert (q.codes[1] == 0).all()
        assert q.scale[1] == layer


def test_a_faint_neuron_keeps_a_scale_near_that_of_its_layer():
    weight = np.array([[1.0, -1.0], [1e-7, -1e-7]], np.float32)
    for bits in (2, 8):
        q = QUANTIZERS[bits](weight, True)
        assert (q.codes[1] == 0).all()
        assert q.scale[0] / 600 < q.scale[1] < q.scale[0]


def test_a_layer_without_weights_has_a_scale():
    q = QUANTIZERS[2](np.zeros((2, 3), np.float32), True)
    assert not q.codes.any()
    assert (q.scale == 1).all()


# ---------------------------------------------------------------- seed API


@pytest.mark.parametrize("bits", [2, 3, 4, 8, 12, 16])
def test_symmetric_grid_to_the_bit(bits):
    x = np.random.RandomState(bits).randn(40, 7)
    step = np.abs(x).max() / (2**bits // 2 - 1)
    np.testing.assert_array_equal(_ste_quantize(x, bits), np.round(x / step) * step)


def test_two_bits_are_ternary():
    x = np.array([-0.8, -0.3, 0.0, 0.39, 0.41, 0.5])
    np.testing.assert_array_equal(_ste_quantize(x, 2), [-0.8, 0.0, 0.0, 0.0, 0.8, 0.8])


def test_ties_round_to_even():
    x = np.array([7.0, 0.5, 1.5, 2.5, -0.5, -1.5])  # 4 bits: the step is 1
    np.testing.assert_array_equal(_ste_quantize(x, 4), [7, 0, 2, 2, 0, -2])


def test_asymmetric_grid_to_the_bit():
    x = np.array([0.1, 0.5, 0.9, 1.3, 0.77])
    step = (1.3 - 0.1) / 15
    np.testing.assert_array_equal(
        _ste_quantize(x, 4, symmetric=False), np.round((x - 0.1) / step) * step + 0.1
    )
    assert len(np.unique(_ste_quantize(np.linspace(-3, 5, 1000), 3, False))) == 8


def test_zeros_stay_zero():
    np.testing.assert_array_equal(_ste_quantize([0.0, 0.0], 8), [0.0, 0.0])
    np.testing.assert_array_equal(_ste_quantize([2.5, 2.5], 8, symmetric=False), [2.5, 2.5])


@pytest.mark.parametrize(
    ("x", "bits", "symmetric", "said"),
    [
        ([1.0, np.nan], 8, True, "NaN"),
        ([1.0, np.inf], 8, False, "NaN or infinity"),
        ([], 8, True, "is empty"),
        ([1.0], 1, True, "at least 2"),
        ([1.0], 0, False, "at least 1"),
        (["a"], 8, True, "real numbers"),
    ],
)
def test_ste_quantize_refuses(x, bits, symmetric, said):
    with pytest.raises(ValueError, match=said):
        _ste_quantize(x, bits, symmetric)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ternary_weights_use_the_mean_strictly_and_keep_the_dtype(dtype):
    w = np.array([1.0, -1.0, 0.5, -0.5, 0.0], dtype)  # mean 0.6
    at_half = TernaryWeights(threshold_ratio=0.5 / 0.6)
    assert at_half.threshold_ratio * 0.6 == 0.5
    assert at_half.quantize(w).dtype == dtype
    np.testing.assert_array_equal(at_half.quantize(w.astype(np.float64)), [1, -1, 0, 0, 0])
    np.testing.assert_array_equal(TernaryWeights().quantize(w), [1, -1, 1, -1, 0])
    assert TernaryWeights().sparsity(w) == 0.2
    assert isinstance(TernaryWeights().sparsity(w), float)


def test_ternary_threshold_is_not_of_the_maximum():
    w = np.array([10.0, 1.0, 1.0, 1.0, -1.0])  # 0.7 * max would zero all but the first
    np.testing.assert_array_equal(TernaryWeights(0.3).quantize(w), [1, 1, 1, 1, -1])


@pytest.mark.parametrize("w", [[1.0, np.nan], []])
def test_ternary_weights_refuse(w):
    with pytest.raises(ValueError, match="w: "):
        TernaryWeights().quantize(w)
    with pytest.raises(ValueError, match="threshold_ratio"):
        TernaryWeights(-0.1)
