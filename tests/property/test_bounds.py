"""The proved ranges: nothing lies outside, and what is proved is reached.

Sound: small models are run on every input there is; larger ones are searched by inputs that climb
towards an end. Exact: for a single layer whose inputs are free, inputs are constructed that reach
both ends of every membrane's range, in Model.run and in the C.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.models import KINDS, half_as_many, inputs_for, models, steps_for
from support.zoo.small import small_model

from codegen.checks.host import HostModel
from codegen.render import render
from qat.model import ALIF, LIF, CuBa, Dense, Interval, Layer, Leaky, Model, Result, Spikes

SEEDS = st.integers(0, 2**32 - 1)


def ends(values: Any, axes: tuple[int, ...] = (0, 1)) -> tuple[Any, Any]:
    """Return the smallest and the largest value of each neuron."""
    return values.min(axis=axes), values.max(axis=axes)


def assert_inside(model: Model, x: Any) -> None:
    """Fail if a membrane leaves its range on these inputs, whether or not it would stop early."""
    model = replace(model, stop=None)
    result = model.run(x, trace=True, steps=steps_for(model))
    traces = zip(result.u or (), result.v or (), result.further or (), strict=True)
    for (us, vs, more), bound in zip(traces, model.bounds().layers, strict=True):
        ranges = (bound.u, *bound.state)
        for values, interval in zip((us, vs, *more.values()), ranges, strict=True):
            low, high = ends(values)
            assert (low >= interval.lo).all()
            assert (high <= interval.hi).all()


# ------------------------------------------------------------------------ every input


RESETS: tuple[dict[str, Any], ...] = (
    {"reset": "subtract"}, {"reset": "zero"}, {"reset": "value", "reset_to": -17},
    {"reset": "value", "reset_to": 23}, {"reset": "late"},
)  # fmt: skip


@st.composite
def neurons(draw: Any, threshold: Any, given: dict[str, Any]) -> Leaky:
    """Draw neurons of any kind with a membrane."""
    kind = draw(st.sampled_from((LIF, CuBa) if given["reset"] == "late" else (LIF, CuBa, ALIF)))
    if kind is LIF:
        return LIF(threshold, **given)
    if kind is ALIF:
        own = {"leak_b": draw(st.integers(1, 3)), "raise_by": draw(st.integers(1, 9))}
        return ALIF(threshold, **given, **own)
    return CuBa(threshold, **given, leak_c=draw(st.sampled_from(((0,), (1,), (3,), (1, -3)))))


@st.composite
def tiny_models(draw: Any) -> Model:
    """Draw models of two layers with so few inputs and steps that all can be tried."""
    rng = np.random.default_rng(draw(SEEDS))
    leak = draw(st.sampled_from(((), (0,), (1,), (2,), (1, -3), (2, 3))))
    reset = draw(st.sampled_from(RESETS))
    sizes = (3, draw(st.integers(1, 4)), draw(st.integers(1, 3)))
    layers = []
    for index in (0, 1):
        shape = (sizes[index + 1], sizes[index])
        synapse = Dense(rng.integers(-8, 8, shape), 4, bias=rng.integers(-5, 6, shape[0]),
                        fraction_bits=draw(st.integers(0, 2)))  # fmt: skip
        limits: dict[str, Any] = {"floor": draw(st.none() | st.integers(-20, 0))}
        if not leak:  # it may grow without end
            limits = {"floor": draw(st.integers(-20, 0)), "ceiling": draw(st.integers(1, 40))}
        given = {"leak": leak, **reset, **limits}
        layers.append(Layer(synapse, draw(neurons(rng.integers(1, 20, shape[0]), given))))
    return Model(Spikes(3), tuple(layers), None, None)


def every_input(size: int, steps: int) -> Any:
    """Return (2 ** (size * steps), steps, size) spikes: all there are."""
    bits = np.array(list(product((False, True), repeat=size * steps)))
    return bits.reshape(-1, steps, size)


@given(tiny_models())
def test_no_input_of_a_small_model_leaves_the_ranges(model: Model) -> None:
    assert_inside(model, every_input(3, 3))


@given(tiny_models(), SEEDS)
def test_nor_does_a_long_run(model: Model, seed: int) -> None:
    rng = np.random.default_rng(seed)
    assert_inside(model, rng.random((8, 300, 3)) < rng.random((8, 1, 3)))


# -------------------------------------------------------------------------- witnesses


@dataclass(frozen=True)
class Path:
    """Membranes that a neuron can reach: {v: (v before, current)} for each step."""

    steps: tuple[dict[int, tuple[int, int]], ...]

    def currents(self, step: int, v: int) -> list[int]:
        """Return the currents that lead to v after `step` steps."""
        found: list[int] = []
        for reached in reversed(self.steps[:step]):
            v, current = reached[v]
            found.insert(0, current)
        return found


def own(values: Any, j: int) -> int:
    """Return neuron j's value of a constant that is one for all, or one for each."""
    return int(values[j] if np.ndim(values) else values)


def integrate(neuron: LIF, v: int, current: int) -> int:
    """Return u of the equations; the thresholds are one for all."""
    if neuron.reset == "late" and v >= int(neuron.threshold):
        return 0
    u = v + current - sum(-(v >> -k) if k < 0 else v >> k for k in neuron.leak)
    u = u if neuron.floor is None else max(u, neuron.floor)
    return u if neuron.ceiling is None else min(u, neuron.ceiling)


def after(neuron: LIF, j: int, u: int) -> int:
    """Return v of the equations."""
    if u < own(neuron.threshold, j) or neuron.reset == "late":
        return u
    if neuron.reset == "subtract":
        return u - own(neuron.subtracted, j)
    return own(neuron.replaced, j)


def explore(layer: Layer, j: int, steps: int) -> Path:
    """Return every membrane that neuron j of a free layer can reach."""
    codes = layer.synapse.codes[j]
    bias = own(layer.synapse.bias, j)
    low, high = -int((codes == -1).sum()), int((codes == 1).sum())
    currents = [a + bias for a in range(low, high + 1)]
    now, found = {0}, []
    for _ in range(steps):
        reached = {
            after(layer.neuron, j, integrate(layer.neuron, v, current)): (v, current)
            for v in now
            for current in currents
        }
        found.append(reached)
        now = set(reached)
    return Path(tuple(found))


def spikes_for(layer: Layer, j: int, currents: list[int]) -> Any:
    """Return (1, steps, inputs) spikes that give neuron j these currents."""
    codes = layer.synapse.codes[j]
    bias = own(layer.synapse.bias, j)
    x = np.zeros((1, len(currents), len(codes)), np.bool_)
    for step, current in enumerate(currents):
        a = current - bias
        x[0, step, np.flatnonzero(codes == np.sign(a))[: abs(a)]] = a != 0
    return x


def extremes(layer: Layer, j: int, path: Path, high: bool) -> tuple[list[int], int]:
    """Return (currents of the steps, u) of the largest or smallest u that neuron j reaches."""
    better = max if high else min
    codes = layer.synapse.codes[j]
    bias = own(layer.synapse.bias, j)
    last = bias + (int((codes == 1).sum()) if high else -int((codes == -1).sum()))
    starts = [(0, 0)] + [(t, v) for t, found in enumerate(path.steps[:-1], 1) for v in found]
    step, v = better(starts, key=lambda at: integrate(layer.neuron, at[1], last))
    return [*path.currents(step, v), last], integrate(layer.neuron, v, last)


def resting(layer: Layer, j: int, path: Path, high: bool) -> tuple[list[int], int]:
    """Return (currents of the steps, v) of the largest or smallest v that neuron j keeps."""
    better = max if high else min
    ways = [(t, v) for t, found in enumerate(path.steps, 1) for v in found]
    step, v = better(ways, key=lambda at: at[1])
    return path.currents(step, v), v


@st.composite
def free_layers(draw: Any) -> Model:
    """Draw one ternary layer whose currents take every whole number of their range."""
    rng = np.random.default_rng(draw(SEEDS))
    n, inputs = draw(st.integers(1, 5)), draw(st.integers(6, 20))
    threshold = draw(st.integers(1, 12))
    neuron = LIF(
        threshold,
        draw(st.sampled_from(((0,), (1,), (2,), (3,)))),
        **draw(st.sampled_from(RESETS)),
        floor=draw(st.none() | st.integers(-30, 0)),
        ceiling=draw(st.none() | st.integers(threshold, 40)),
    )
    codes = rng.integers(-1, 2, (n, inputs))
    codes[:, :3], codes[:, 3:6] = 1, -1
    synapse = Dense(codes, bias=rng.integers(-2, 3, n))
    return Model(Spikes(inputs), (Layer(synapse, neuron),), None, None, name="free")


Witness = tuple[str, int, bool, Any, int]
"""What it is of ("u" or "v"), neuron, whether the upper end, spikes, the value."""


def witnesses(model: Model, steps: int = 40) -> Iterator[Witness]:
    """Yield inputs that reach both ends of the ranges of u and v of every neuron."""
    layer = model.layers[0]
    for j in range(layer.size):
        path = explore(layer, j, steps)
        for quantity, find in (("u", extremes), ("v", resting)):
            for high in (False, True):
                currents, value = find(layer, j, path, high)
                yield quantity, j, high, spikes_for(layer, j, currents), value


def assert_reached(model: Model, run: Callable[..., Result]) -> None:
    """Fail unless every end of every range is what the witness for it reaches."""
    bounds = model.bounds().layers[0]
    for quantity, j, high, x, value in witnesses(model):
        interval: Interval = getattr(bounds, quantity)
        end = int((interval.hi if high else interval.lo)[j])
        if value != end:  # v starts at 0, which nothing need lead back to
            assert (quantity, end) == ("v", 0)
            continue
        assert getattr(run(x, trace=True), quantity)[0][0, -1, j] == end


@given(free_layers())
def test_both_ends_of_a_free_layer_are_reached(model: Model) -> None:
    assert_reached(model, model.run)


def test_and_in_the_c() -> None:
    rng = np.random.default_rng(5)
    synapse = Dense(rng.integers(-1, 2, (40, 30)), bias=rng.integers(-2, 3, 40))
    model = Model(Spikes(30), (Layer(synapse, LIF(9, (2,))),), None, None, name="free")
    assert_reached(model, HostModel(model).run)


# ----------------------------------------------------------------- deeper layers


def climb(model: Model, layer: int, high: bool, seed: int, rounds: int = 30) -> float:
    """Search inputs that drive a layer's u towards an end; return the part of the bound reached."""
    rng, sign = np.random.default_rng(seed), 1 if high else -1
    x = inputs_for(model, 24, seed)
    most = 0
    for _ in range(rounds):
        assert_inside(model, x)
        trace = model.run(x, trace=True, steps=steps_for(model)).u
        assert trace is not None
        reached = (sign * trace[layer]).max(axis=(1, 2))
        best = x[np.argsort(reached)[-6:]]
        most = max(most, int(reached.max()))
        other = inputs_for(model, 24, int(rng.integers(2**32)))
        parents = best[rng.integers(len(best), size=24)]
        x = np.where(rng.random(x.shape) < 0.9, parents, other)
        x[: len(best)] = best
    bound = model.bounds().layers[layer].u
    return most / max(bound.high if high else -bound.low, 1)


@settings(max_examples=half_as_many())
@given(models(KINDS), SEEDS)
def test_a_search_finds_nothing_outside(model: Model, seed: int) -> None:
    layer = len(model.layers) - 1
    assume(model.bounds().layers[layer].u.high > 0)
    assert climb(model, layer, True, seed, rounds=4) <= 1


@pytest.mark.proof
def test_how_much_of_the_ranges_of_deeper_layers_is_reached() -> None:
    model = small_model()
    for layer in range(len(model.layers)):
        ratios = [max(climb(model, layer, high, seed, 300) for seed in range(4))
                  for high in (False, True)]  # fmt: skip
        print(f"layer {layer}: {ratios[0]:.2f} of the lower end reached, {ratios[1]:.2f} upper")
        assert 0.1 < min(ratios) <= max(ratios) <= 1


# ------------------------------------------------------------------------- the header

STATED = re.compile(
    r"sum (.*?\)), current (.*?\)),\n"
    r" \*          membrane before the reset (.*?\)), after it (.*?\))"
    r"(?:,\n \*          [a-z ]+ (-?\d+ to -?\d+ \(\d+ bits\)))?"
)


def stated(interval: Interval) -> str:
    return f"{interval.low} to {interval.high} ({interval.width} bits)"


def membrane_bits(header: str, layer: int) -> tuple[bool, int]:
    """Return (whether a layer's membranes lie in planes, their bits) of the state in a header."""
    found = re.search(rf"^    u?int(\d+)_t v{layer}\[\d+\](?:\[(\d+)\])?;", header, re.MULTILINE)
    assert found is not None
    return found[2] is not None, int(found[2] or found[1])


@given(models(KINDS))
def test_the_header_states_the_ranges_and_takes_its_widths_from_them(model: Model) -> None:
    header, bounds = render(model)["net.h"], model.bounds()
    ranges = [(b.accumulator, b.current, b.u, *b.state) for b in bounds.layers]
    found = [tuple(filter(None, each)) for each in STATED.findall(header)]
    assert found == [tuple(map(stated, each)) for each in ranges]
    if bounds.scores is not None:
        assert f"steps, proved for any such input: {stated(bounds.scores)};" in header
    for index, bound in enumerate(bounds.layers):
        planes, bits = membrane_bits(header, index)
        assert bits == (bound.v.width if planes else smallest_integer(bound.v.width))


def smallest_integer(width: int) -> int:
    return next(bits for bits in (8, 16, 32) if width <= bits)
