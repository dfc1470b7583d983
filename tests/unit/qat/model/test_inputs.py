"""How bytes become spikes: rates, times, events; what the records refuse."""

from __future__ import annotations

import numpy as np
import pytest

from qat import Network, export, fit
from qat.data.own import from_arrays
from qat.model import Analog, Delta, Frames, Latency, Rate, Spikes
from qat.train.inflow import INPUTS


def test_rate_spikes_as_often_as_the_value_says() -> None:
    x = np.arange(256, dtype=np.uint8)[None]
    for steps in (1, 7, 64):
        counts = Rate(256, 0, 255).encode(x, steps).sum(axis=1)[0]
        np.testing.assert_array_equal(counts, np.floor(steps * np.arange(256) / 256 + 0.5))


def test_rate_spreads_its_spikes() -> None:
    spikes = Rate(1, 0, 16).encode(np.array([[4]], np.uint8), 16)[0, :, 0]
    assert np.diff(np.flatnonzero(spikes)).tolist() == [4, 4, 4]


def test_largest_power_of_two_spikes_at_every_step() -> None:
    assert Rate(1, 0, 16).encode(np.array([[16]], np.uint8), 9).all()
    assert Rate(1, 0, 1).encode(np.array([[1]], np.uint8), 9).all()


def test_negative_values_have_lines_of_their_own() -> None:
    x = np.array([[-8, 5, 0]], np.int8)
    counts = Rate(3, -8, 7).encode(x, 8).sum(axis=1)[0]
    assert counts.tolist() == [0, 5, 0, 8, 0, 0]
    assert Rate(3, -8, 7).lines == 6


def test_latency_is_shorter_for_larger_values() -> None:
    encoder = Latency.linear(256, 0, 255, 8)
    spikes = encoder.encode(np.arange(256, dtype=np.uint8)[None], 8)[0]
    assert spikes.sum(axis=0).tolist() == [0] + [1] * 255
    times = spikes.argmax(axis=0)[1:]
    np.testing.assert_array_equal(times, (255 - np.arange(1, 256)) * 8 // 255)


def test_latency_is_silent_after_its_last_level() -> None:
    encoder = Latency(2, 0, 9, (7, 3))
    assert encoder.encode(np.array([[3, 2]], np.uint8), 4)[0].tolist() == [
        [False, False],
        [True, False],
        [False, False],
        [False, False],
    ]


def test_delta_follows_the_signal() -> None:
    rng = np.random.default_rng(3)
    signal = np.clip(np.cumsum(rng.integers(-4, 5, (200, 1)), axis=0), -100, 100)
    events = Delta(1, -128, 127, 4).encode(signal[None].astype(np.int8), 200)[0].astype(int)
    followed = signal[0, 0] + 4 * np.cumsum(events[:, 0] - events[:, 1])
    assert np.abs(followed - signal[:, 0]).max() < 8  # as slow as a threshold a step
    assert not events[0].any()


def test_delta_is_silent_at_rest() -> None:
    assert not Delta(3, 0, 255, 2).encode(np.full((1, 50, 3), 200, np.uint8), 50).any()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Rate(3, -200, 4), "allowed are -128 to 255"),
        (lambda: Latency(3, 0, 9, ()), "needs 1 to"),
        (lambda: Latency(3, 0, 9, (2, 5)), "each at most the one before"),
        (lambda: Latency(3, 0, 9, (2.5,)), "must be an integer"),
        (lambda: Delta(3, 0, 9, 0), "allowed are 1 to 255"),
    ],
)
def test_what_makes_no_sense_is_refused(make, says) -> None:
    with pytest.raises(ValueError, match=says):
        make()


def test_every_kind_says_what_the_first_layer_receives() -> None:
    kinds = [Analog(4), Frames(4, -3, 3), Spikes(4), Rate(4), Latency(4), Delta(4)]
    assert [kind.lines for kind in kinds] == [4, 4, 4, 4, 4, 8]
    assert [kind.reads for kind in kinds] == [(0, 255), (-3, 3)] + [(0, 1)] * 4
    assert [kind.held for kind in kinds] == [True, False, False, True, True, False]


@pytest.mark.parametrize("kind", list(INPUTS))
@pytest.mark.parametrize("input_range", [(0, 15), (-8, 7)])
def test_a_network_of_every_kind_trains_and_exports_its_integers(kind, input_range) -> None:
    rng = np.random.default_rng(5)
    low, high = (0, 1) if kind == "spikes" else input_range
    shape = (90, 4) if kind in ("analog", "rate", "latency") else (90, 6, 4)
    x = rng.integers(low, high, shape, endpoint=True)
    data = from_arrays(x, rng.integers(0, 2, 90))
    net = Network([4, 10, 2], steps=6, input=kind)
    fit(net, data, epochs=2)
    model = export(net)
    trained, same = net.run(data.x_test), model.run(data.x_test, trace=True)
    np.testing.assert_array_equal(trained.scores, same.scores)
    for ours, theirs in zip(trained.spikes, same.spikes or (), strict=True):
        np.testing.assert_array_equal(ours, theirs)
