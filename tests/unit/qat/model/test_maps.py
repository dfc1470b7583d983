"""Convolutions, pools and neurons that count, against loops written apart from the records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qat.model import (
    LIF,
    Accumulate,
    Activity,
    Analog,
    Burst,
    Conv,
    Count,
    Dense,
    Frames,
    Layer,
    Model,
    Pool,
    Shape,
    Spikes,
)

HIGH = {2: 1, 4: 7, 8: 127, 16: 900}


def random_conv(rng: np.random.RandomState, grid: Shape, **more: Any) -> Conv:
    """Return a convolution with fields drawn at random, for values or for a signal."""
    bits = int(rng.choice([2, 2, 4, 8, 16]))
    depthwise = grid.channels > 1 and rng.rand() < 0.3
    channels = grid.channels if depthwise else int(rng.randint(1, 9))
    kernel = [int(rng.randint(1, min(7, side) + 1)) for side in (grid.height, grid.width)]
    codes = rng.randint(
        -HIGH[bits], HIGH[bits] + 1, (channels, *kernel, 1 if depthwise else grid.channels)
    )
    return Conv(
        codes, grid, bits,
        rng.randint(-9, 10, channels) if rng.rand() < 0.5 else 3,
        stride=int(rng.randint(1, 3)),
        padding="same" if rng.rand() < 0.6 else "none",
        groups=grid.channels if depthwise else 1,
        **more,
    )  # fmt: skip


def slow_currents(conv: Conv, x: np.ndarray) -> np.ndarray:
    """Return the currents of one map, (height, width, channels), by the equation of the record."""
    height, width = conv.kernel
    pad = [(k - 1) // 2 if conv.padding == "same" else 0 for k in conv.kernel]
    rows = [
        -(-side // conv.stride) if conv.padding == "same" else (side - k) // conv.stride + 1
        for side, k in zip((conv.grid.height, conv.grid.width), conv.kernel, strict=True)
    ]
    bias = np.broadcast_to(conv.bias, conv.channels)
    out = np.zeros((*rows, conv.channels), np.int64)
    for p, q, o in np.ndindex(*out.shape):
        a = 0
        for ky, kx, c in np.ndindex(height, width, conv.codes.shape[3]):
            y, column = conv.stride * p + ky - pad[0], conv.stride * q + kx - pad[1]
            if 0 <= y < conv.grid.height and 0 <= column < conv.grid.width:
                channel = o if conv.groups > 1 else c
                a += int(conv.codes[o, ky, kx, c]) * int(x[y, column, channel])
        s = conv.input_shift
        half = 1 << (s - 1) if s else 0
        out[p, q, o] = ((a + half) >> s) * 2**conv.fraction_bits + int(bias[o])
    return out


@pytest.mark.parametrize("seed", range(40))
def test_currents_are_those_of_the_equation(seed: int) -> None:
    rng = np.random.RandomState(seed)
    grid = Shape(*(int(n) for n in rng.randint(1, 8, 3)))
    values = rng.rand() < 0.5
    shift = {"input_shift": int(rng.randint(0, 4))} if values else {
        "fraction_bits": int(rng.randint(0, 4))}  # fmt: skip
    conv = random_conv(rng, grid, **shift)
    x = rng.randint(-8 if values else 0, 16 if values else 4, (3, 2, grid.size))
    sums = conv.sums(int(x.min()), int(x.max()))
    found = conv.currents(x, sums.magnitude)
    wanted = [slow_currents(conv, one.reshape(grid.sides)) for one in x.reshape(6, -1)]
    assert found.shape == (3, 2, conv.n_out)
    assert found.dtype == np.int32
    assert np.array_equal(found.reshape(6, -1), np.reshape(wanted, (6, -1)))
    ranges = conv.current_range(sums)
    by_channel = found.reshape(-1, conv.channels)
    assert (by_channel >= ranges.lo).all()
    assert (by_channel <= ranges.hi).all()


def slow_pool(signal: np.ndarray, kernel: tuple[int, int], kind: str) -> np.ndarray:
    height, width, channels = signal.shape
    out = np.zeros((height // kernel[0], width // kernel[1], channels), np.int64)
    for p, q, c in np.ndindex(*out.shape):
        seen = [
            int(signal[p * kernel[0] + y, q * kernel[1] + x, c]) for y, x in np.ndindex(*kernel)
        ]
        out[p, q, c] = max(seen) if kind == "max" else sum(seen)
    return out


def test_a_model_of_maps_is_what_loops_compute() -> None:
    """T = 3, a pool of each kind, counts of both kinds of neurons, and a dense layer behind."""
    rng = np.random.RandomState(5)
    first = Conv(rng.randint(-1, 2, (6, 3, 3, 1)), Shape(8, 4, 1), input_shift=1)
    thresholds = np.sort(rng.randint(-10, 30, (3, 6)), axis=0)
    second = Conv(rng.randint(-7, 8, (5, 3, 1, 6)), Shape(4, 2, 6), 4, fraction_bits=1)
    layers = (
        Layer(first, Burst(thresholds), pool=Pool("max", (2, 2))),
        Layer(second, LIF(9, (2,), most=3, reset_by=7), pool=Pool("sum", (4, 1))),
        Layer(Dense(rng.randint(-1, 2, (7, 10))), LIF(4, most=1)),
    )
    readout = Accumulate(Dense(rng.randint(-8, 8, (3, 7)), 4, fraction_bits=2, bias=[1, 2, 3]))
    model = Model(Analog(32, 0, 15, grid=Shape(8, 4, 1)), layers, readout, 3)
    x = rng.randint(0, 16, (20, 32))
    result = model.run(x, trace=True)
    assert [y.dtype.kind for y in result.spikes] == ["u", "u", "b"]
    assert [y.levels for y in layers] == [3, 12, 1]
    for sample in range(20):
        current = slow_currents(first, x[sample].reshape(8, 4, 1))
        v, counts = np.zeros((4, 2, 5), np.int64), np.zeros(7, np.int64)
        v_last = np.zeros(7, np.int64)
        for step in range(3):
            burst = (current[None] >= thresholds[:, None, None]).sum(axis=0)
            sent = slow_pool(burst, (2, 2), "max")
            assert np.array_equal(result.spikes[0][sample, step], sent.ravel())
            u = v - (v >> 2) + slow_currents(second, sent)
            several = np.clip(np.floor_divide(u, 9), 0, 3)
            v = u - 7 * several
            sent = slow_pool(several, (4, 1), "sum")
            assert np.array_equal(result.u[1][sample, step], u.ravel())
            assert np.array_equal(result.v[1][sample, step], v.ravel())
            assert np.array_equal(result.spikes[1][sample, step], sent.ravel())
            u_last = v_last + layers[2].synapse.codes.astype(np.int64) @ sent.ravel()
            spikes = u_last >= 4
            v_last = u_last - 4 * spikes
            counts += spikes
        scores = 4 * (readout.synapse.codes.astype(np.int64) @ counts) + 3 * np.array([1, 2, 3])
        assert np.array_equal(result.scores[sample], scores)


@pytest.mark.parametrize("reset", ["subtract", "zero"])
@pytest.mark.parametrize("most", [1, 2, 3, 7])
@pytest.mark.parametrize("leak", [(), (1,), (2, -4)])
def test_the_ranges_of_neurons_that_count_hold(most: int, reset: str, leak: tuple) -> None:
    rng = np.random.RandomState(most)
    reset_by = {"reset_by": [3, 11, 5]} if reset == "subtract" else {}
    neuron = LIF([5, 8, 6], leak, reset, most=most, **reset_by)
    synapse = Dense(rng.randint(-7, 8, (3, 6)), 4, bias=8 * most)
    model = Model(Spikes(6), (Layer(synapse, neuron),), Count(), 12)
    traced = model.run(rng.randint(0, 2, (3000, 12, 6)), trace=True)
    bounds = model.bounds().layers[0]
    for values, range_ in ((traced.u[0], bounds.u), (traced.v[0], bounds.v)):
        assert (values >= range_.lo).all()
        assert (values <= range_.hi).all()
    assert traced.spikes[0].max() == most


def mapped(**more: Any) -> Model:
    fields: dict[str, Any] = {"padding": "same", "stride": 1, "groups": 1} | more
    codes = np.ones((2, 3, 3, 2 // fields["groups"]), np.int8)
    conv = Conv(codes, Shape(4, 4, 2), **fields)
    return Model(Frames(32, 0, 3, grid=Shape(4, 4, 2)), (Layer(conv, Burst([3, 5])),), Count(), 1)


def test_every_field_counts_in_the_digest_and_survives_the_file(tmp_path: Path) -> None:
    changes: list[dict[str, Any]] = [
        {}, {"padding": "none"}, {"stride": 2}, {"groups": 2}, {"bias": [1, 2]}, {"input_shift": 1}
    ]  # fmt: skip
    models = [mapped(**change) for change in changes]
    layer = models[0].layers[0]
    for other in (
        Layer(layer.synapse, Burst([3, 6])), Layer(layer.synapse, Burst([3])),
        Layer(layer.synapse, layer.neuron, pool=Pool()),
        Layer(layer.synapse, layer.neuron, pool=Pool("sum")),
        Layer(layer.synapse, layer.neuron, pool=Pool("sum", (4, 1))),
        Layer(layer.synapse, LIF(3)), Layer(layer.synapse, LIF(3, most=2)),
    ):  # fmt: skip
        models.append(Model(models[0].input, (other,), Count(), 1))
    assert len({model.digest() for model in models}) == len(models)
    for model in models:
        model.save(tmp_path / "m.npz")
        again = Model.load(tmp_path / "m.npz")
        assert again.digest() == model.digest()
        x = np.random.RandomState(0).randint(0, 4, (5, 1, 32))
        assert np.array_equal(again.run(x).scores, model.run(x).scores)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda: mapped(stride=3), "Conv.stride: found 3; allowed are 1 to 2"),
        (lambda: mapped(padding="valid"), "Conv.padding: found 'valid'; allowed are 'same'"),
        (lambda: mapped(bias=[1, 2, 3]), "Conv.bias: found 3 values; the layer has 2 neurons"),
        (lambda: Conv(np.ones((2, 5, 3, 1)).astype(int), Shape(4, 4, 1)), "kernel 5x3: its height"),
        (lambda: Conv(np.ones((2, 3, 3, 2)).astype(int), Shape(4, 4, 4)), "its last axis must be"),
        (
            lambda: Conv(np.ones((2, 3, 3, 1)).astype(int), Shape(4, 4, 4), groups=2),
            "Conv.groups: found 2; allowed are 1 and 4",
        ),
        (
            lambda: Conv(np.ones((8, 3, 3, 1)).astype(int), Shape(4, 4, 4), groups=4),
            "8 channels in 4 groups",
        ),
        (lambda: Conv(np.ones((2, 8, 8, 1)).astype(int), Shape(9, 9, 1)), "kernel height"),
        (lambda: Layer(mapped().layers[0].synapse, Burst([1]), pool=Pool("max", (3, 3))),
         "pool 3x3: does not divide the map 4x4x2"),
        (lambda: Burst([3, 2]), "must not decrease"),
        (lambda: Burst(list(range(8))), "counts: found 8; allowed are 1 to 7"),
        (lambda: LIF(3, most=8), "LIF.most: found 8; allowed are 1 to 7"),
        (lambda: Pool("mean"), "Pool.mode: found 'mean'"),
        (lambda: Pool("max", 2), "Pool.kernel: found 2; must be"),
        (
            lambda: Model(Frames(32), (mapped().layers[0],), Count(), 1),
            "layer 0: reads a map of 4x4x2; what precedes it is 32",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(change: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        change()


def test_activity_knows_the_digits_of_counts() -> None:
    model = mapped()
    x = np.random.RandomState(0).randint(0, 4, (50, 1, 32))
    counts = model.run(x, trace=True).spikes[0]
    rates = Activity.measure(model, x).layers[0]
    assert rates.rate == pytest.approx((counts > 0).mean())
    assert rates.digits == pytest.approx([(counts & 1).mean(), (counts >> 1 & 1).mean()])
    known = Model(model.input, model.layers, Count(), 1, metadata={
        "activity": Activity.measure(model, x).to_json()})  # fmt: skip
    assert Activity.of(known).layers[0].digits == pytest.approx(rates.digits, abs=1e-6)
    assumed = Activity.of(model, 0.3).layers[0]
    assert assumed.rate == 0.3
    assert sum(assumed.counts) == pytest.approx(1)
    assert sum(d * 2**i for i, d in enumerate(assumed.digits)) == pytest.approx(
        sum(c * share for c, share in enumerate(assumed.counts))
    )
