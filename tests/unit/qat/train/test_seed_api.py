import contextlib
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qat
from qat import QuantizedSNNLayer, TernaryWeights, deployment, quantize_aware_train_step
from qat.data.encode import to_integers
from qat.model import Count, Frames, Spikes

TUTORIAL_LAYER = """
import numpy as np
from qat import QuantizedSNNLayer, quantize_aware_train_step

layer = QuantizedSNNLayer(
    n_inputs=784, n_neurons=128, weight_bits=8, threshold=1.0, tau_mem=20.0
)
x = np.random.randn(784)
target = np.zeros(128)
target[42] = 1.0
result = quantize_aware_train_step(layer, x, target, lr=0.01)
print(f"{result['loss']:.4f}")
weights = layer.export_weights()
"""

TUTORIAL_TERNARY = """
import numpy as np
from qat import TernaryWeights

ternary = TernaryWeights(threshold_ratio=0.7)
weights = np.random.randn(128, 784) * 0.1
codes = ternary.quantize(weights)
print(f"{ternary.sparsity(weights):.1%}")
"""


def run_program(source):
    names, printed = {}, io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(source, "tutorial", "exec"), names)
    return names, printed.getvalue()


def test_the_tutorial_of_the_layer_runs():
    names, printed = run_program(TUTORIAL_LAYER)
    assert printed == f"{names['result']['loss']:.4f}\n"
    assert names["result"]["loss"] in [0.5 * n for n in range(129)]
    weights = names["weights"]
    assert weights.shape == (128, 784)
    assert weights.dtype == np.float64
    assert len(np.unique(weights)) <= 255


def test_the_tutorial_of_ternary_weights_runs():
    names, printed = run_program(TUTORIAL_TERNARY)
    assert set(np.unique(names["codes"])) == {-1.0, 0.0, 1.0}
    # a standard normal has mean|w| = sqrt(2/pi); P(|w| < 0.7 * 0.798) is 42.35 %
    assert printed.endswith("%\n")
    assert abs(float(printed[:-2]) - 42.35) < 0.8


def test_initial_weights_to_the_bit():
    layer = QuantizedSNNLayer(n_inputs=5, n_neurons=3)
    expected = np.random.RandomState(42).randn(3, 5) * np.sqrt(2.0 / 5)
    np.testing.assert_array_equal(layer.W, expected)
    assert layer.W.dtype == np.float64
    np.testing.assert_array_equal(layer._v, np.zeros(3))
    assert (layer.weight_bits, layer.threshold, layer.tau_mem) == (8, 1.0, 20.0)


@pytest.mark.parametrize("tau", [20.0, 2.0, np.inf])
@pytest.mark.parametrize("bits", [2, 4, 8])
def test_forward_to_the_bit(tau, bits):
    layer = QuantizedSNNLayer(6, 4, weight_bits=bits, threshold=0.1, tau_mem=tau)
    v, spiked = np.zeros(4), 0
    for x in np.random.RandomState(1).randn(50, 6):
        a = np.exp(-0.5 / tau)
        v = a * v + (1 - a) * (qat.quantize._ste_quantize(layer.W, bits) @ x)
        s = (v >= 0.1).astype(np.float64)
        v = v - s * 0.1
        out = layer.forward(x, dt=0.5)
        np.testing.assert_array_equal(out, s)
        np.testing.assert_array_equal(layer._v, v)
        assert out.dtype == np.float64
        spiked += s.sum()
    assert (spiked > 0) == (tau != np.inf)
    layer.reset()
    np.testing.assert_array_equal(layer._v, np.zeros(4))


def test_exported_weights_are_those_of_the_forward():
    layer = QuantizedSNNLayer(6, 4, weight_bits=4)
    np.testing.assert_array_equal(layer.export_weights(), qat.quantize._ste_quantize(layer.W, 4))


def test_train_step_to_the_bit_and_without_a_reset():
    layer, x = QuantizedSNNLayer(6, 4, threshold=0.05), np.random.RandomState(0).randn(6)
    target, before = np.array([1.0, 0, 1, 0]), layer.W.copy()
    result = quantize_aware_train_step(layer, x, target, lr=0.1)
    out = result["output"]
    np.testing.assert_array_equal(layer.W, before - 0.1 * np.outer(out - target, x))
    assert result["loss"] == 0.5 * float(np.sum((out - target) ** 2))
    assert type(result["loss"]) is float
    assert layer._v.any()


def test_training_reaches_its_target():
    layer, x = QuantizedSNNLayer(8, 3, tau_mem=1.0), np.random.RandomState(3).rand(8) + 0.5
    target = np.array([1.0, 0.0, 1.0])
    losses = []
    for _ in range(200):
        layer.reset()
        losses.append(quantize_aware_train_step(layer, x, target, lr=0.05)["loss"])
    assert losses[-1] == 0


@pytest.mark.parametrize("x", [np.ones(5), np.ones((6, 1)), np.ones((1, 6)), 1.0])
def test_inputs_of_another_shape_are_refused(x):
    layer = QuantizedSNNLayer(6, 4)
    with pytest.raises(ValueError, match=r"x: found shape .*; must be \(6,\)"):
        layer.forward(x)


def test_bad_input_is_refused_before_anything_changes():
    layer = QuantizedSNNLayer(3, 2, threshold=0.01)
    weights = layer.W.copy()
    bad = np.array([1.0, np.nan, 0.0])
    for call in (
        lambda: layer.forward(bad),
        lambda: quantize_aware_train_step(layer, bad, np.zeros(2)),
        lambda: quantize_aware_train_step(layer, np.ones(3), np.array([np.nan, 0])),
        lambda: quantize_aware_train_step(layer, np.ones(3), np.zeros(3)),
        lambda: quantize_aware_train_step(layer, np.ones(3), np.zeros(2), lr=np.nan),
        lambda: layer.forward(np.ones(3), dt=0.0),
        lambda: layer.forward(np.ones(3), dt=np.nan),
    ):
        with pytest.raises(ValueError, match=r"(x|target|lr|dt): "):
            call()
    np.testing.assert_array_equal(layer.W, weights)
    assert not layer._v.any()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"n_inputs": 0}, "n_inputs"),
        ({"n_neurons": 1.5}, "n_neurons"),
        ({"weight_bits": 1}, "weight_bits"),
        ({"threshold": np.nan}, "threshold"),
        ({"tau_mem": 0.0}, "tau_mem"),
        ({"tau_mem": np.nan}, "tau_mem"),
    ],
)
def test_layers_that_cannot_be_are_refused(values, said):
    with pytest.raises(ValueError, match=said):
        QuantizedSNNLayer(**{"n_inputs": 3, "n_neurons": 2, **values})


# ------------------------------------------------------------- deployment


def float_spikes(layer, frames, x_scale):
    layer.reset()
    return np.array([layer.forward(frame * x_scale) for frame in frames], bool)


@pytest.mark.parametrize("bits", [2, 4, 8, 16])
@pytest.mark.parametrize("leak", [1 / 2, 1 / 16, 3 / 16])
def test_a_leak_of_powers_of_two_deploys_almost_exactly(bits, leak):
    layer, got, expected = deployed_and_float(bits, -1 / np.log(1 - leak))
    report = deployment(layer.to_model(x_scale=0.03))
    assert report.leak_error < 1e-12
    ahead = np.abs(got.cumsum(0).astype(int) - expected.cumsum(0)).max(axis=1)
    lost = 2.5 * report.unit / layer.threshold  # per step: two shifts and a rounded current
    assert (ahead <= 2 + lost * np.arange(1, 301)).all()


@pytest.mark.parametrize("bits", [2, 8])
@pytest.mark.parametrize("tau", [3.0, 20.0])
def test_any_other_leak_keeps_the_firing_rates(bits, tau):
    _, got, expected = deployed_and_float(bits, tau)
    np.testing.assert_allclose(got.mean(0), expected.mean(0), atol=0.02)


def deployed_and_float(bits, tau):
    layer = QuantizedSNNLayer(400, 30, weight_bits=bits, threshold=0.3, tau_mem=tau)
    real = np.random.RandomState(bits).randn(300, 400) + 0.3
    x = to_integers(real, 0.03, -128, 127)
    model = layer.to_model(x_scale=0.03, input_bits=8)
    got = model.run(x[None]).output[0]
    expected = float_spikes(layer, x.astype(float), 0.03)
    assert expected.sum() > 100
    return layer, got, expected


def test_a_layer_deployed_for_spikes():
    layer = QuantizedSNNLayer(40, 30, weight_bits=2, threshold=0.1, tau_mem=5.0)
    x = np.random.RandomState(5).rand(200, 40) < 0.3
    model = layer.to_model(x_scale=2.0, input_bits=1, steps=200)
    assert isinstance(model.input, Spikes)
    assert isinstance(model.readout, Count)
    assert model.layers[0].synapse.fraction_bits > 0
    expected = float_spikes(layer, x, 2.0)
    assert expected.any()
    result = model.run(x[None], trace=True)
    assert (result.spikes[0][0] != expected).mean() < 0.01
    assert np.abs(result.scores[0] - expected.sum(0)).max() <= 2


def test_the_weights_of_a_deployed_layer_are_exact():
    layer = QuantizedSNNLayer(20, 10, weight_bits=6)
    model = layer.to_model()
    report = deployment(model)
    synapse = model.layers[0].synapse
    step = report.unit / (report.leak_wanted * report.x_scale * 2.0**synapse.input_shift)
    np.testing.assert_allclose(synapse.codes * step, layer.export_weights(), rtol=1e-12, atol=0)
    assert synapse.bits == 8
    assert model.input == Frames(20, -128, 127)
    assert layer.to_model(input_bits=4, signed=False).input == Frames(20, 0, 15)


def test_the_report_tells_the_error_of_the_leak_and_the_residue(tmp_path):
    layer = QuantizedSNNLayer(20, 10, tau_mem=20.0)
    reports = [deployment(layer.to_model(leak_terms=n)) for n in (1, 2, 3)]
    assert reports[0].leak_wanted == 1 - np.exp(-1 / 20)
    assert reports[0].leak_given == 1 / 16
    np.testing.assert_allclose(reports[0].leak_error, (1 / 16) / (1 - np.exp(-1 / 20)) - 1)
    assert reports[0].leak_error > reports[1].leak_error > reports[2].leak_error
    assert all(0 < r.residue < 0.02 and r.threshold_error < 1e-3 for r in reports)
    model = layer.to_model()
    model.save(tmp_path / "layer.npz")
    assert deployment(qat.Model.load(tmp_path / "layer.npz")) == reports[2]


def test_the_residue_is_what_a_silent_neuron_keeps():
    layer = QuantizedSNNLayer(4, 3, weight_bits=8, threshold=50.0, tau_mem=10.0)
    model = layer.to_model(x_scale=0.1)
    report = deployment(model)
    x = np.zeros((6, 900, 4), np.int8)
    x[:, :100] = np.random.RandomState(2).randint(-128, 128, (6, 100, 4))
    rest = np.abs(model.run(x).state[0]).max() * report.unit / layer.threshold
    assert 0 < rest <= report.residue


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from([2, 3, 4, 7, 8, 16]),
    st.floats(0.2, 100),
    st.floats(0.02, 1.0),
    st.integers(1, 8),
    st.booleans(),
)
def test_layers_of_many_kinds_deploy_with_a_proof(bits, tau, x_scale, input_bits, signed):
    layer = QuantizedSNNLayer(33, 5, weight_bits=bits, tau_mem=tau)
    model = layer.to_model(x_scale, input_bits, signed=signed)
    assert model.bounds().layers[0].u.magnitude <= 2**31 - 1


@pytest.mark.parametrize(
    ("layer", "call", "said"),
    [
        ({"tau_mem": np.inf}, {}, "tau_mem: is infinite"),
        ({"threshold": 0.0}, {}, "threshold: found 0.0"),
        ({"weight_bits": 17}, {}, "weight_bits: found 17"),
        ({}, {"x_scale": 0.0}, "x_scale"),
        ({}, {"x_scale": np.nan}, "x_scale"),
        ({}, {"x_scale": 1e9}, "threshold: is"),
        ({}, {"input_bits": 9}, "input bits: found 9"),
        ({}, {"leak_terms": 5}, "leak terms"),
        ({}, {"name": "int"}, "keyword"),
        ({}, {"steps": 0}, "Model.steps"),
    ],
)
def test_layers_that_cannot_be_deployed_are_refused(layer, call, said):
    with pytest.raises(ValueError, match=said):
        QuantizedSNNLayer(3, 2, **layer).to_model(**call)


def test_only_deployed_models_have_a_report():
    model = QuantizedSNNLayer(3, 2).to_model()
    other = qat.Model(model.input, model.layers)
    with pytest.raises(ValueError, match="was not made by"):
        deployment(other)


def test_names_are_those_of_the_tutorial():
    assert qat.TernaryWeights is TernaryWeights
    assert TernaryWeights() == TernaryWeights(threshold_ratio=0.7)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = qat.nothing
