"""The compiled time loops against NumPy, which documents them."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from bench import speed
from hypothesis import given
from hypothesis import strategies as st

import qat
from qat.machine import native
from qat.model import LeakClasses
from qat.train import lif
from qat.train.dynamics import Dynamics
from qat.train.surrogate import SURROGATES

DYNAMICS = [
    Dynamics(leak, reset, limits, rounded, reset_to=-7.0)
    for leak in [(), (3,), (1, -3), (2, 4, -6)]
    for reset in ["subtract", "value", "late"]
    for limits in [None, (-40, 60)]
    for rounded in [True, False]
]


@pytest.fixture(autouse=True, scope="module")
def compiled():
    assert native.library() is not None, "this machine has a compiler; the loops must compile"


def both(monkeypatch, call):
    """Return what a call gives with the compiled loops and with NumPy."""
    with monkeypatch.context() as context:
        context.delenv("SPIKEMCU_NATIVE", raising=False)
        fast = call()
        context.setenv("SPIKEMCU_NATIVE", "0")
        return fast, call()


@st.composite
def runs(draw):
    random = np.random.default_rng(draw(st.integers(0, 99)))
    steps, neurons = draw(st.integers(1, 9)), draw(st.sampled_from([1, 7, 8, 31, 64, 65]))
    held = draw(st.booleans())
    current = random.integers(-30, 50, (1 if held else steps, 5, neurons)).astype(np.float32)
    each = draw(st.booleans())
    threshold = np.float32(20) + random.integers(0, 9, neurons if each else ()).astype(np.float32)
    dynamics = draw(st.sampled_from(DYNAMICS))
    if neurons > 2 and draw(st.booleans()):
        classes = LeakClasses(
            ((3,), (1, -3), (2, 4, -6)), random.permutation(np.arange(neurons) % 3)
        )
        dynamics = dataclasses.replace(dynamics, leak=classes)
    return current, threshold, dynamics, steps


@given(runs())
def test_the_forward_pass_is_equal_to_the_bit(run):
    with pytest.MonkeyPatch.context() as patch:
        fast, slow = both(patch, lambda: lif.forward(*run))
    for compiled, plain in zip(fast, slow, strict=True):
        assert compiled.dtype == plain.dtype == np.float32
        assert compiled.tobytes() == plain.tobytes()


@given(runs(), st.sampled_from(sorted(SURROGATES)), st.booleans(), st.booleans())
def test_gradients_agree(run, surrogate, detached, shared):
    current, threshold, dynamics, steps = run
    u, spikes = lif.forward(*run)
    random = np.random.default_rng(0)
    slope = random.normal(size=(1 if shared else steps, *u.shape[1:])).astype(np.float32)

    def call():
        return lif.backward(
            slope, u, spikes, threshold, dynamics,
            surrogate=SURROGATES[surrogate], detach_reset=detached, held=len(current) == 1,
        )  # fmt: skip

    with pytest.MonkeyPatch.context() as patch:
        fast, slow = both(patch, call)
    for name in ("current", "threshold"):
        got, wanted = getattr(fast, name), getattr(slow, name)
        assert got.shape == wanted.shape
        assert np.abs(got - wanted).max() <= 1e-5 * max(np.abs(wanted).max(), 1e-3)


def test_every_surrogate_has_its_number_in_c():
    assert set(native.SURROGATES) == set(SURROGATES)


def test_a_network_trained_either_way_starts_alike(monkeypatch):
    data = qat.datasets.load("digits")

    def first_epoch():
        net = qat.Network([64, 24, 10], seed=1)
        return qat.fit(net, data, epochs=1).epochs[0]

    fast, slow = both(monkeypatch, first_epoch)
    assert abs(fast.loss - slow.loss) < 0.02 * slow.loss


def test_the_library_is_compiled_once_and_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("SPIKEMCU_CACHE", str(tmp_path))
    assert native.library() is not None
    (built,) = (tmp_path / "native").iterdir()
    before = built.stat().st_mtime_ns
    native._loaded.cache_clear()
    assert native.library() is not None
    assert [built] == list((tmp_path / "native").iterdir())
    assert built.stat().st_mtime_ns == before


def test_a_damaged_library_is_compiled_again(tmp_path, monkeypatch):
    monkeypatch.setenv("SPIKEMCU_CACHE", str(tmp_path))
    assert native.library() is not None
    (built,) = (tmp_path / "native").iterdir()
    damaged = built.read_bytes()[:1000]  # loading that would end the process
    built.unlink()  # the file that this process has loaded stays whole
    built.write_bytes(damaged)
    native._loaded.cache_clear()
    assert native.library() is not None
    (again,) = (tmp_path / "native").iterdir()
    assert again.stat().st_size > 1000


def test_without_a_cache_the_library_is_compiled_for_the_process(tmp_path, monkeypatch):
    (tmp_path / "cache").write_text("a file")
    monkeypatch.setenv("SPIKEMCU_CACHE", str(tmp_path / "cache"))
    found = native.library()
    assert found is not None
    current = np.full((1, 2, 3), 7, np.float32)
    assert lif.forward(current, np.float32(20), Dynamics((3,)), 9)[1].any()


@pytest.mark.parametrize("broken", ["no compiler", "failing compiler"])
def test_without_a_library_numpy_does_the_work(broken, tmp_path, monkeypatch):
    monkeypatch.setenv("SPIKEMCU_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CC", raising=False)
    if broken == "no compiler":
        monkeypatch.setenv("PATH", str(tmp_path))
    else:
        monkeypatch.setenv("CC", "false")
    assert native.library() is None
    current = np.ones((1, 2, 3), np.float32)
    assert lif.forward(current, np.float32(1), Dynamics((3,)), 4)[1].sum() == 24


def test_a_planted_difference_is_seen(monkeypatch):
    run = np.full((1, 2, 3), 7, np.float32), np.float32(20), Dynamics((3,)), 9
    wrong = (*run[:2], dataclasses.replace(run[2], leak=(2,)), 9)
    fast, _ = both(monkeypatch, lambda: lif.forward(*wrong))
    _, slow = both(monkeypatch, lambda: lif.forward(*run))
    assert fast[0].tobytes() != slow[0].tobytes()


def test_an_epoch_of_mnist_is_quick_and_small():
    """The goal is 1.2 CPU seconds for 60,000 samples; four times that allows for a busy machine."""
    program = "from bench.speed import measure; print(*measure(10_000))"
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    environment["PYTHONPATH"] = str(Path(speed.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True, text=True, check=True, env=environment,
    )  # fmt: skip
    seconds, megabytes = map(float, done.stdout.split())
    assert 6 * seconds < 4.8
    assert megabytes < 1500
    assert speed.measure.__doc__
