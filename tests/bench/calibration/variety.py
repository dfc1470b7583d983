"""Random models of every kind, and inputs for them: what predictions are fitted to and checked on.

A seed gives a model: any kind of input, one to four layers of any bits and sizes, with every
option of the neurons, any readout, early stops whose margin is met never, rarely or often; and a
few inputs, from none active to all. Which set a seed belongs to is a number beside it, so that
what is fitted, what settings are chosen by and what is reported are different models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration.echoing import ECHOES
from calibration.mapped import MAPS
from calibration.samples import codes
from codegen.kernels import layer_candidates, readout_candidates
from codegen.kernels.encoders import PLACE, behind, encoder_of, ways_of
from codegen.kernels.gather.view import seen
from qat.model import (
    ALIF,
    LI,
    LIF,
    Accumulate,
    Activity,
    Analog,
    Burst,
    Count,
    CuBa,
    Delta,
    Dense,
    EarlyStop,
    Frames,
    Input,
    Latency,
    Layer,
    LeakClasses,
    Model,
    Neuron,
    Rate,
    Sensor,
    Spikes,
)
from qat.model.integrator import SCORES
from qat.model.readouts import Readout

FIT, CHOOSE, REPORT = 0, (1, 2, 10, 11, 12, 13, 40, 77), 99
"""Sets of models: those that coefficients are fitted to, that settings of the fit and features
were chosen by (10, 11, 40 and 77 were reported once), and that the figures of FIGURES.md and the
tests are about. Set 88 is reported beside it, and chose nothing either."""

SIZES = (1, 2, 3, 5, 8, 10, 12, 16, 20, 24, 31, 32, 33, 40, 48, 63, 64, 65, 80, 96, 100, 127, 128,
         129, 160, 200, 224, 256, 257, 300, 400, 512, 600)  # fmt: skip
"""Inputs and neurons: the edges of words, of bytes and of four words, and what lies between."""

SYNAPSES = {2: 160_000, 4: 80_000, 8: 40_000, 16: 20_000}
"""Weights of a layer at most, by bits: what the smallest flash has room for, four times."""

RANGES = ((0, 1), (0, 3), (0, 7), (0, 9), (0, 15), (0, 15), (0, 16), (0, 63), (0, 100), (0, 255),
          (0, 255), (-1, 1), (-8, 7), (-8, 7), (-40, 60), (-128, 127), (-128, 127))  # fmt: skip
"""Values of an input of bytes."""

LEAKS = ((), (1,), (2,), (3,), (3,), (3,), (4,), (5,), (6,), (0,), (2, 4), (3, -5), (1, 3),
         (2, 3, 5), (2, -4, -6))  # fmt: skip
"""None to three terms."""

ALIKE = 0.5
"""Models whose options are those that training leaves: one threshold, a leak of one term."""

INPUTS = 6
"""Inputs of a model; each has an activity of its own."""

FREE_STEPS = 6
"""Steps of a model that runs free; so many times its longest delay where that is more: what is
late is then a small part."""

Rng = np.random.Generator

Change = Callable[[Rng, LIF, int], Neuron]
"""Makes other neurons of a layer's."""


@dataclass(frozen=True, eq=False)
class Case:
    """A model and inputs for it.

    kind:  of its input, and "stop" where an inference may end early: what figures are grouped by
    steps: as for Model.run
    """

    kind: str
    seed: tuple[int, int]
    model: Model
    x: NDArray[Any]
    steps: int | None

    def activity(self) -> Activity:
        """Return the activity on the inputs, as training would measure it."""
        return Activity.measure(self.model, self.x, self.steps)

    def known(self) -> Model:
        """Return the model with this activity in its metadata."""
        return replace(self.model, metadata={"activity": self.activity().to_json()})

    def kernels(self) -> dict[int, str]:
        """Return a kernel of every stage, each as likely as any other that could serve."""
        rng, model = np.random.default_rng((*self.seed, 1)), self.model
        ways = ways_of(model)
        found = {PLACE: str(rng.choice(ways))} if ways else {}
        read = seen(behind(model, encoder_of(model, found.get(PLACE))))
        for index in range(len(model.layers)):
            found[index] = str(rng.choice([row.name for row in layer_candidates(index, read)]))
        if model.readout is not None:
            rows = readout_candidates(model)
            found[len(model.layers)] = str(rng.choice([row.name for row in rows]))
        return found


# --------------------------------------------------------------------- models


def _bytes(kind: Callable[..., Input]) -> Callable[[Rng, int, int], Input]:
    def made(rng: Rng, size: int, steps: int) -> Input:
        return kind(size, *RANGES[rng.integers(len(RANGES))])

    return made


def _latency(rng: Rng, size: int, steps: int) -> Input:
    low, high = RANGES[rng.integers(len(RANGES))]
    return Latency.linear(size, low, high, max(1, int(steps * rng.choice([0.5, 1, 1, 1.5]))))


def _delta(rng: Rng, size: int, steps: int) -> Input:
    low, high = RANGES[rng.integers(len(RANGES))]
    return Delta(max(1, size // 2), low, high, max((high - low) // int(rng.choice([4, 16])), 1))


DENSE: Mapping[str, Callable[[Rng, int, int], Input]] = {
    "analog": _bytes(Analog),
    "frames": _bytes(Frames),
    "spikes": lambda rng, size, steps: Spikes(size),
    "rate": _bytes(Rate),
    "latency": _latency,
    "delta": _delta,
}
"""Kinds of input of dense models, and what makes one."""

INTEGRATORS = "integrators"
"""Dense models whose readout has membranes."""


def case(group: int, number: int) -> Case:
    """Return the model `number` of a set, its inputs, and what they are called.

    group: a number of FIT, CHOOSE or REPORT
    """
    for attempt in range(100):
        rng = np.random.default_rng((group, number, attempt))
        try:
            return _case(rng, ORDER[number % len(ORDER)], (group, number))
        except ValueError:  # a value could leave int32: another one
            continue
    raise AssertionError(f"no model of set {group}, number {number}")


def _case(rng: Rng, kind: str, seed: tuple[int, int]) -> Case:
    model = MADE[kind](rng) if kind in MADE else _drawn(rng, kind)
    x = inputs(rng, model)
    if model.stop is None:
        model = _stopping(rng, model, x)
    free = model.steps is None
    name = f"{kind}{', free' if free else ''}{', stop' if model.stop else ''}"
    one = Case(name, seed, model, x, free_steps(model) if free else None)
    one.kernels()  # no kernel reads edges whose units are far apart
    return one


def _drawn(rng: Rng, kind: str) -> Model:
    """Return a dense model of a kind."""
    steps = int(rng.choice([1, 2, 3, 4, 5, 6, 7, 8, 8, 8, 10, 12, 16, 20]))
    free = rng.random() < (0.5 if kind == "spikes" else 0.12) and kind != INTEGRATORS
    sizes = _sizes(rng)
    given = DENSE[kind if kind in DENSE else str(rng.choice(list(DENSE)))](rng, sizes[0], steps)
    model = _model(rng, given, sizes, None if free else steps, NEURONS.get(kind))
    if kind == INTEGRATORS:
        return replace(model, readout=_integrators(rng, model, sizes[-1]))
    return model


def _sizes(rng: Rng) -> tuple[int, ...]:
    """Return inputs, neurons and outputs; the outputs of a classifier are few."""
    layers = int(rng.choice([1, 1, 1, 2, 2, 3, 4]))
    sizes = [int(n) for n in rng.choice(SIZES, layers + 1)]
    if rng.random() < 0.5:  # as wide as the first layers of trained models
        sizes[0] = int(rng.choice([64, 100, 128, 196, 256, 400, 600]))
    return (*sizes, int(rng.choice([2, 3, 4, 5, 7, 8, 10, 10, 10, 12, 16, 20, 33, 64])))


def _model(
    rng: Rng, given: Input, sizes: Sequence[int], steps: int | None, change: Change | None
) -> Model:
    like = rng.random() < ALIKE
    common = int(rng.choice([2, 2, 2, 4, 8, 16]))
    pairs = list(pairwise((given.lines, *sizes[1:])))
    each = [common if rng.random() < 0.7 else int(rng.choice([2, 4, 8, 16])) for _ in pairs]
    counted = steps is not None and rng.random() < 0.25
    hidden = pairs[:-1] if not counted or rng.random() < 0.7 else pairs
    if steps is None:
        hidden = pairs
    layers = tuple(
        _layer(rng, given if i == 0 else None, pairs[i], each[i], like=like, change=change)
        for i in range(len(hidden))
    )
    readout: Readout | None = None
    if counted:
        readout = Count()
    elif steps is not None:
        readout = _readout(rng, layers[-1].size, sizes[-1], like)
    sensor = None
    if not isinstance(given, Spikes) and rng.random() < 0.1:
        sensor = Sensor(np.zeros(given.size, int), np.ones(given.size, int), 2, 2)
    return Model(given, layers, readout, steps, "cal", sensor=sensor)


def _readout(rng: Rng, inputs: int, outputs: int, like: bool) -> Accumulate:
    bits = int(rng.choice([2, 4, 8, 8, 8, 16]))
    bias = 0 if like else rng.choice([0, 1])
    values = rng.integers(-9, 9, outputs) if bias else np.array(0)
    fraction = 0 if like else int(rng.choice([0, 0, 1]))
    return Accumulate(Dense(codes(rng, bits, (outputs, inputs)), bits, values, fraction))


def _layer(
    rng: Rng,
    given: Input | None,
    shape: tuple[int, int],
    bits: int,
    *,
    like: bool,
    change: Change | None,
) -> Layer:
    """Return a random layer, whose neurons spike at any rate from never to always.

    given: the model's input, for the first layer; shape: inputs, neurons; change: makes others of
    most of its neurons
    """
    n_in, n_out = shape
    if n_in * n_out > SYNAPSES[bits]:
        raise ValueError("too many weights")
    analog = given is not None and not given.spiking
    zeros = float(rng.choice([0.0, 0.1, 0.3, 0.9, 0.99] if not like else [0.0, 0.1, 0.3]))
    weights = codes(rng, bits, (n_out, n_in), zeros)
    fraction = 0 if analog or like else int(rng.integers(0, 3))
    spread = float(np.sqrt((weights.astype(float) ** 2).sum(axis=1)).mean()) * 2**fraction
    if given is not None and analog:
        spread *= max(abs(given.low), given.high, 1) / 3
    shift = max(0, round(np.log2(max(spread, 1) / 40))) if analog else 0
    level = float(np.exp(rng.uniform(np.log(0.1), np.log(3))))
    threshold = max(1, round(spread / 2**shift * level))
    bias: NDArray[Any] = np.array(0)
    if (analog and rng.random() < 0.6) or (not like and rng.random() < 0.4):
        bias = rng.integers(-(threshold // 4) - 1, threshold // 4 + 2, n_out)
    elif not like and rng.random() < 0.3:
        bias = np.array(1)
    neuron = LIF(np.array(threshold), (3,)) if like else _neuron(rng, threshold, n_out)
    changed = change is not None and rng.random() < 0.8
    neurons = change(rng, neuron, n_out) if change is not None and changed else neuron
    return Layer(Dense(weights, bits, bias, fraction, shift), neurons)


def _neuron(rng: Rng, threshold: int, n: int) -> LIF:
    """Return neurons of which each option has its chance."""
    own, own_reset, one_reset, zero, low, high = rng.random(6) < (0.3, 0.2, 0.2, 0.25, 0.25, 0.25)
    thresholds = rng.integers(threshold, 2 * threshold + 1, n) if own else np.array(threshold)
    reset_by = None
    if one_reset:
        reset_by = np.array(max(1, threshold * 3 // 4))
    if own_reset:
        reset_by = np.maximum(thresholds - rng.integers(0, 2, n), 1)
    leak = LEAKS[rng.integers(len(LEAKS))]
    return LIF(
        thresholds,
        leak,
        "zero" if zero else "subtract",
        reset_by=None if zero else reset_by,
        floor=-5 * threshold if low or leak == () else None,
        ceiling=6 * threshold if high or leak == () else None,
    )


def _counting(rng: Rng, neuron: LIF, n: int) -> Neuron:
    """Return neurons like these that emit several spikes a step, with a membrane or without."""
    most = int(rng.choice([2, 3, 3, 5, 7]))
    if rng.random() < 0.5:
        return replace(neuron, most=most)
    first = neuron.threshold if neuron.threshold.ndim else np.full(n, neuron.threshold)
    rows = np.arange(1, most + 1)[:, None] * first
    return Burst(rows if rng.random() < 0.5 else rows[:, 0])


def _lasting(rng: Rng, neuron: LIF, n: int) -> Neuron:
    """Return neurons like these that keep more, or that a spike sets to a value.

    They have a synaptic current, or a threshold that spikes raise; or leaks of several classes.
    """
    if n > 1 and rng.random() < 0.25:
        neuron = replace(neuron, leak=_classes(rng, n))
        if rng.random() < 0.5:
            return neuron
    if rng.random() < 0.3:
        low, leak_b = int(neuron.threshold.min()), int(rng.choice([2, 3, 4, 5, 6, 8]))
        raise_by = rng.integers(1, low + 2, n) if rng.random() < 0.3 else np.array(low // 4 + 1)
        return ALIF(
            neuron.threshold, neuron.leak or (3,), neuron.reset, leak_b=leak_b, raise_by=raise_by,
            floor=neuron.floor, ceiling=neuron.ceiling, reset_by=neuron.reset_by,
        )  # fmt: skip
    reset_to, most = None, int(rng.choice([1, 1, 1, 3]))
    if rng.random() < 0.4:
        low = int(neuron.threshold.min())
        reset_to = rng.integers(-low, low, n) if rng.random() < 0.5 else np.array(-(low // 2))
        neuron = replace(neuron, reset="value", reset_by=None, reset_to=reset_to)
    neuron = replace(neuron, most=most)
    if reset_to is not None and rng.random() < 0.5:
        return neuron
    leak_c = ((1,), (1,), (2,), (2,), (3,), (5,), (2, -4), (1, 3))[rng.integers(8)]
    return CuBa(
        neuron.threshold, neuron.leak or (3,), neuron.reset, leak_c=leak_c, most=most,
        floor=neuron.floor, ceiling=neuron.ceiling, reset_by=neuron.reset_by, reset_to=reset_to,
    )  # fmt: skip


def _classes(rng: Rng, n: int) -> LeakClasses:
    """Return leaks of which each of n neurons has one."""
    some = ((1,), (2,), (3,), (4,), (6,), (2, -4), (1, 3))
    chosen = rng.choice(len(some), int(rng.integers(2, min(n, 5) + 1)), replace=False)
    of = rng.permutation(np.arange(n) % len(chosen))
    return LeakClasses(tuple(some[each] for each in chosen), of)


def _integrators(rng: Rng, model: Model, outputs: int) -> LI:
    """Return leaky integrators as a readout; those that end at a threshold may never reach it."""
    inputs, bits = model.layers[-1].sends, int(rng.choice([2, 4, 8, 8, 16]))
    bias = rng.integers(-9, 9, outputs) if rng.random() < 0.5 else np.array(0)
    synapse = Dense(codes(rng, bits, (outputs, inputs)), bits, bias, int(rng.choice([0, 0, 0, 2])))
    leak = ((), (1,), (2,), (3,), (3,), (4,), (2, -4), (1, 3))[rng.integers(8)]
    score = SCORES[rng.integers(4)]
    level = 2 ** (bits - 1) * max(1, inputs // int(rng.choice([1, 8, 40])))
    return LI(synapse, leak, score, level if score == "first" else None)


NEURONS: Mapping[str, Change] = {"counts": _counting, "lasting": _lasting}
"""Dense models whose neurons emit several spikes a step; whose neurons keep more than a membrane,
or are set to a value."""

MADE: Mapping[str, Callable[[Rng], Model]] = {**MAPS, **ECHOES}
"""Kinds of models that modules of their own make."""

KINDS = (*DENSE, *NEURONS, INTEGRATORS, *MADE)
"""Kinds of models."""

ORDER = ("analog", "images", "frames", "spikes", "mixed maps", "rate", "analog", "windows",
         "latency", "lasting", "delta", "bytes", "recurrent", "analog", "counts", "integrators",
         "images", "spikes", "mixed echoes", "analog", "counts")  # fmt: skip
"""Kinds of consecutive models; held bytes, for which most is generated, are the most."""

MARGINS = (None, None, None, None, 0.0, 0.5, 0.9, 1.0)
"""Shares of the inputs that do not lead by the margin half-way; None: nothing ends early."""


def _stopping(rng: Rng, model: Model, x: NDArray[Any]) -> Model:
    """Return the model, or one that may stop early: always, often, rarely or never."""
    share = MARGINS[rng.integers(len(MARGINS))]
    if share is None or model.steps is None or model.outputs < 2:
        return model
    scores = np.sort(model.scores_by_step(x).astype(np.int64))
    leads = scores[:, model.steps // 2, -1] - scores[:, model.steps // 2, -2]
    margin = 2**30 if share == 1.0 else max(1, int(np.quantile(leads, share)))
    return replace(model, stop=EarlyStop(margin, int(rng.integers(1, model.steps + 1))))


# --------------------------------------------------------------------- inputs


def free_steps(model: Model) -> int:
    """Return for how many steps a model that runs free is counted."""
    longest = max(edge.longest for layer in model.layers for edge in layer.edges)
    return FREE_STEPS * max(1, longest)


def inputs(rng: Rng, model: Model, number: int = INPUTS) -> NDArray[Any]:
    """Return inputs about one density, from 0 to 100 %, with values of every distribution."""
    given = model.input
    shape: tuple[int, ...] = (given.size,)
    if not given.held:
        shape = (model.steps or free_steps(model), given.size)
    density = float(rng.choice([0.0, 0.01, 0.03, 0.07, 0.12, 0.2, 0.35, 0.5, 0.7, 0.9, 1.0]))
    spread = float(rng.choice([0.0, 0.3, 1.0]))
    top = rng.random() < 0.3
    rows = []
    for _ in range(number):
        share = min(1.0, density * float(np.exp(spread * rng.standard_normal())))
        low = given.high if top else given.low
        values = rng.integers(low, given.high, shape, endpoint=True)
        if isinstance(given, Delta):
            values = np.broadcast_to(values[:1], shape)
            moved = rng.integers(given.low, given.high, shape, endpoint=True)
            rows.append(np.where(rng.random(shape) < share, moved, values))
        else:
            rows.append(np.where(rng.random(shape) < share, values, max(0, given.low)))
    return np.array(rows).astype(given.dtype)
