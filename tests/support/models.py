"""Random models over everything the records allow, with sizes on the edges of words."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import assume, settings
from hypothesis import strategies as st

from qat.model import (
    ALIF,
    LI,
    LIF,
    Accumulate,
    Analog,
    Count,
    CuBa,
    Delta,
    Dense,
    EarlyStop,
    Frames,
    Latency,
    Layer,
    LeakClasses,
    Leaky,
    Model,
    Rate,
    Readout,
    Sensor,
    Spikes,
)
from qat.model.integrator import SCORES

EDGES = (1, 2, 31, 32, 33, 63, 64, 65)
RANGES = ((0, 255), (0, 16), (0, 1), (3, 200), (-128, 127), (-8, 7), (-1, 1), (-5, 90))
LEAKS = ((), (0,), (1,), (3,), (15,), (2, 4), (1, -3), (2, 3, -5), (3, 3, 3), (2, -4, 6, -9))
CODES = {2: (-1, 1), 4: (-8, 7), 8: (-128, 127), 16: (-2500, 2500)}
FREE_STEPS = 7

KINDS_OF_NEURONS: tuple[Any, ...] = (LIF, LIF, CuBa, ALIF)


def half_as_many() -> int:
    """Return half of the profile's examples, for properties that compile or search with each."""
    return max(settings.default.max_examples // 2, 1)


def per_layer_or_neuron(draw: Any, rng: np.random.Generator, low: int, high: int, n: int) -> Any:
    """Draw one value, or one per neuron."""
    if draw(st.booleans()):
        return draw(st.integers(low, high))
    return rng.integers(low, high, n, endpoint=True)


def leak(draw: Any, rng: np.random.Generator, n: int) -> Any:
    """Draw a leak that n neurons share, or classes of leaks."""
    count = draw(st.sampled_from((1, 1, 2, 3, 8)))
    if count == 1 or n < count:
        return draw(st.sampled_from(LEAKS))
    of = rng.permutation(np.arange(n) % count)
    leaks = st.sampled_from(LEAKS[1:])
    return LeakClasses(
        tuple(draw(st.lists(leaks, min_size=count, max_size=count, unique=True))), of
    )


@st.composite
def dense(draw: Any, n_in: int, n_out: int, analog: bool) -> Dense:
    """Draw a synapse."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    bits = draw(st.sampled_from((2, 2, 4, 8, 16)))
    low, high = CODES[bits]
    codes = rng.integers(low, high, (n_out, n_in), endpoint=True)
    codes[rng.random(codes.shape) < draw(st.sampled_from((0.0, 0.4, 0.9, 0.99, 1.0)))] = 0
    bias = per_layer_or_neuron(draw, rng, -60, 60, n_out)
    shift = {"input_shift" if analog else "fraction_bits": draw(st.integers(0, 6))}
    return Dense(codes, bits, bias, **shift)


@st.composite
def lif(draw: Any, n: int) -> Leaky:
    """Draw neurons."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    threshold = per_layer_or_neuron(draw, rng, 1, draw(st.sampled_from((3, 250, 2**31 - 1))), n)
    reset: dict[str, Any] = {"reset": draw(st.sampled_from(("subtract", "zero", "value", "late")))}
    if reset["reset"] == "subtract" and draw(st.booleans()):
        reset["reset_by"] = per_layer_or_neuron(draw, rng, 0, 300, n)
    if reset["reset"] == "value":
        reset["reset_to"] = per_layer_or_neuron(draw, rng, -70, 40, n)
    kind, own = draw(st.sampled_from(KINDS_OF_NEURONS)), {}
    if kind is CuBa:
        own["leak_c"] = draw(st.sampled_from(LEAKS))
    if kind is ALIF:
        own["leak_b"] = draw(st.sampled_from((1, 2, 4, 9)))
        own["raise_by"] = per_layer_or_neuron(draw, rng, 1, draw(st.sampled_from((3, 90))), n)
        threshold = np.minimum(threshold, 2**30)
        if reset["reset"] == "late":
            reset["reset"] = "zero"
    return kind(
        threshold,
        leak(draw, rng, n),
        **reset,
        floor=draw(st.none() | st.integers(-300, 0)),
        ceiling=draw(st.none() | st.integers(1, 300)),
        **own,
    )


def draw_input(draw: Any, size: int, kinds: tuple[type, ...]) -> Any:
    """Draw an input record."""
    kind = draw(st.sampled_from(kinds))
    if kind is Spikes:
        return Spikes(size)
    low, high = draw(st.sampled_from(RANGES))
    if kind is Latency and draw(st.booleans()):
        return Latency.linear(size, low, high, draw(st.integers(1, 9)))
    own: dict[str, Any] = {}
    if kind is Latency:
        levels = st.lists(st.integers(low, high + 1), min_size=1, max_size=9)
        own["levels"] = tuple(sorted(draw(levels), reverse=True))
    if kind is Delta:
        own["threshold"] = draw(st.integers(1, max(1, (high - low) // 2)))
    return kind(size, low, high, **own)


PLAIN_KINDS = (Analog, Frames, Spikes)
ENCODED_KINDS = (Rate, Latency, Delta)
KINDS = (*PLAIN_KINDS, *ENCODED_KINDS)


@st.composite
def models(draw: Any, kinds: tuple[type, ...] = KINDS, stops: bool = True) -> Model:
    """Draw a model that the records accept, with inputs of these kinds, some with an early stop."""
    sizes = draw(st.lists(st.sampled_from(EDGES), min_size=2, max_size=4))
    input_ = draw_input(draw, sizes[0], kinds)
    layers = [
        Layer(draw(dense(n_in, n_out, not index and not input_.spiking)), draw(lif(n_out)))
        for index, (n_in, n_out) in enumerate(pairwise((input_.lines, *sizes[1:])))
    ]
    steps = draw(st.none() | st.integers(1, 9))
    readout: Any = None
    if steps is not None:
        outputs = draw(st.sampled_from((1, 10, 33)))
        readout = draw(readouts(sizes[-1], outputs))
    stop = draw_stop(draw, steps) if stops and steps else None
    try:
        return Model(input_, tuple(layers), readout, steps, name="net", stop=stop)
    except ValueError:
        assume(False)  # a free-running model without a bound, or a sum beyond int32
        raise


@st.composite
def readouts(draw: Any, values: int, outputs: int) -> Readout:
    """Draw a readout of `values` values."""
    kind = draw(st.sampled_from((Count, Accumulate, LI, LI)))
    if kind is Count:
        return Count()
    synapse = draw(dense(values, outputs, False))
    if kind is Accumulate:
        return Accumulate(synapse)
    score = draw(st.sampled_from(SCORES))
    least = draw(st.sampled_from((1, 40, 900, 2**31 - 1))) if score == "first" else None
    return LI(synapse, draw(st.sampled_from(LEAKS)), score, least)


def draw_stop(draw: Any, steps: int) -> EarlyStop | None:
    """Draw a rule, or none; models of one output have none and are drawn again."""
    if draw(st.booleans()):
        return None
    return EarlyStop(draw(st.sampled_from((1, 2, 40, 700, 2**31 - 1))), draw(st.integers(1, steps)))


def inputs_for(model: Model, samples: int, seed: int) -> Any:
    """Return random inputs of a model, with all densities."""
    rng = np.random.default_rng(seed)
    steps = () if model.input.held else (model.steps or FREE_STEPS,)
    shape = (samples, *steps, model.input.size)
    x = rng.integers(model.input.low, model.input.high, shape, endpoint=True)
    density = rng.random((samples, *[1] * (len(shape) - 1)))
    return np.where(rng.random(shape) < density, x, max(model.input.low, 0))


def steps_for(model: Model) -> int | None:
    """Return the `steps` argument of a run: only free-running models of a held input need it."""
    return FREE_STEPS if model.steps is None and model.input.held else None


@st.composite
def sensed_models(draw: Any, kinds: tuple[type, ...]) -> Model:
    """Draw a model with a sensor, whose samples and whose windows come in all sizes."""
    model = draw(models(tuple(kind for kind in kinds if kind is not Spikes)))
    window, group = 1, draw(st.integers(1, 5))
    if model.input.held and model.steps is not None:
        window = draw(st.sampled_from([n for n in (1, 2, 3, 5) if model.input.size % n == 0]))
    size = model.input.size // window
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    most = draw(st.sampled_from((1, 3, 700, 2**20)))
    gain = per_layer_or_neuron(draw, rng, 1, most, size) * rng.choice([-1, 1])
    far = draw(st.sampled_from((0, 900, 2**17, 2**30)))
    offset = per_layer_or_neuron(draw, rng, -far, far, size)
    shift = draw(st.integers(0, 22))
    vectors = window if window > 1 else None
    most_hop = 2 * (vectors or model.steps or 1) + 2
    alone = model.steps is None or (model.input.held and vectors is None)
    hop = None if alone else draw(st.none() | st.integers(1, most_hop))
    full = (np.broadcast_to(values, size) for values in (offset, gain))
    return replace(model, sensor=Sensor(*full, shift, group, hop, vectors=vectors))
