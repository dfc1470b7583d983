"""A training that diverges: one line, the best epoch kept, no warning of NumPy's.

The suite turns every warning into an error, so that one which escapes fails these tests.
"""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path

import numpy as np
import pytest

import qat
from codegen.cli import main
from qat import DivergedError, Network
from qat.data.own import from_arrays
from qat.model import Model
from qat.study.tradeoff import Comparison, Plan
from qat.train.divergence import Unbounded, check_arrays, in_words, is_finite
from qat.train.fit import require_whole
from qat.train.recipes import Recipe

SLOWLY = ["--learning-rate", "0.02", "--weight-decay", "110"]
"""Every update multiplies the weights by -1.2: some epochs pass before they leave float32."""


@pytest.fixture(scope="module")
def data() -> qat.Dataset:
    rng = np.random.default_rng(0)
    y = np.arange(120) % 3
    return from_arrays(rng.integers(0, 60, (120, 4)) + 60 * y[:, None], y, name="made")


def network(bits: int | None = 2) -> Network:
    return Network([4, 8, 3], bits, 4)


@pytest.mark.parametrize("native", ["0", "1"])
@pytest.mark.parametrize("bits", [2, 8, None])
@pytest.mark.parametrize("rate", [1e10, 1e38, 1e300])
def test_a_rate_far_too_high_is_one_line(
    rate: float,
    bits: int | None,
    native: str,
    data: qat.Dataset,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SPIKEMCU_NATIVE", native)
    net = network(bits)
    before = net.parameters
    with pytest.raises(DivergedError) as caught:
        qat.fit(net, data, epochs=9, learning_rate=rate)
    assert "\n" not in str(caught.value)
    assert "diverged in epoch 1: " in str(caught.value)
    assert f"learning rate {rate:g}" in str(caught.value)
    assert re.search("of (layer 0|the readout) grew", str(caught.value))
    assert net.parameters is before


def test_the_best_epoch_before_is_kept(data: qat.Dataset) -> None:
    net = network()
    history = qat.fit(net, data, epochs=200, learning_rate=0.02, weight_decay=300)
    assert history.diverged is not None
    assert 0 < len(history.epochs) < 200
    assert f"diverged in epoch {len(history.epochs) + 1}: " in history.diverged
    assert history.best in history.epochs
    assert all(np.isfinite(value).all() for value in net.parameters.values())
    found = qat.evaluate(qat.export(net), data.x_validation, data.y_validation)
    assert found == history.best.validation_accuracy
    with pytest.raises(DivergedError):
        require_whole(history)


def test_a_sane_training_is_none_of_it(data: qat.Dataset) -> None:
    history = qat.fit(network(), data, epochs=1)
    assert history.diverged is None
    assert require_whole(history) is history.best


def test_trainings_that_are_compared_must_be_whole(data: qat.Dataset) -> None:
    plan = Plan([8], [2], None, 4, [0], Recipe(200, 32, 0.02, weight_decay=300))
    with pytest.raises(DivergedError, match="weight decay 300"):
        list(Comparison(plan, data, lambda *_: None))


def test_what_is_too_much_is_named() -> None:
    fault = Unbounded("the loss")
    line = in_words(fault, 3, Recipe(9, 32, 1e-3, weight_decay=0.1))
    assert line.endswith("(learning rate 0.001); try learning rate 0.0001")
    line = in_words(fault, 3, Recipe(9, 32, 1e-3, weight_decay=1e9))
    assert line.endswith("(learning rate 0.001, weight decay 1e+09); try weight decay 0.1")
    line = in_words(fault, 3, Recipe(9, 32, 50.0, rate_penalty=1e30))
    assert line.endswith("; try learning rate 0.003 and rate penalty 0.005")


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e25])
def test_numbers_that_adam_cannot_square_are_found(value: float) -> None:
    """1e25 is finite, its square is not: Adam would stand still, without a word."""
    gradient = np.array([[1.0, value]], np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        assert not is_finite(gradient)
        with pytest.raises(Unbounded, match="the gradient of the weights of the readout"):
            check_arrays(network(), "the gradient of ", {"1.weight": gradient})


# --------------------------------------------------------------- command line


def train(tmp_path: Path, *words: str) -> tuple[int, Path]:
    path = tmp_path / "m.npz"
    command = ["train", "digits", "-o", str(path), "--hidden", "8", "--epochs", "200"]
    return main([*command, *words]), path


def test_train_says_it_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, path = train(tmp_path, "--learning-rate", "1e10")
    streams = capsys.readouterr()
    assert status == 1
    assert not path.exists()
    assert streams.err.startswith("spikemcu train: training diverged in epoch 1: ")
    assert "learning rate 1e+10" in streams.err
    assert streams.err.count("\n") == 1


def test_train_writes_the_best_epoch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, path = train(tmp_path, *SLOWLY, "--json")
    streams = capsys.readouterr()
    found = json.loads(streams.out)
    assert status == 1
    assert found["diverged"] in streams.err
    assert f"epoch {found['best_epoch']} was the best before and is kept" in streams.err
    assert Model.load(path).digest() == found["digest"]
    assert found["other_bits"] == []


def test_the_seed_layer_is_quiet_about_infinity() -> None:
    layer = qat.QuantizedSNNLayer(4, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = qat.quantize_aware_train_step(layer, np.full(4, 1e200), np.full(3, 1e200), 1e200)
    assert found["loss"] == np.inf
    with pytest.raises(ValueError, match="NaN or infinity"):
        layer.forward(np.ones(4))
