"""A layer of a plan in whole numbers: codes, shifts, thresholds, and what each of them costs.

With unit = scale * 2**-F the real value of 1 in the membrane (times what an input byte is worth,
and 2**s for values), thresholds, resets and biases are divided by it. A strict comparison has
floor(threshold / unit) + 1, the other ceil(threshold / unit): exact wherever membranes are whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, floor, log2
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.model import LI, LIF, Accumulate, Conv, CuBa, Dense, Layer
from qat.model.checks import INT32_MAX, MAX_SHIFT
from qat.model.edges import INPUT, Edge
from qat.model.integrator import Score
from qat.model.leak import Leak, LeakClasses, Terms
from qat.nir.codes import Block, Coded, coded, gram_of
from qat.nir.dynamics import Float
from qat.nir.leaks import leak_of, mean_rounding, shared_leak, slowest
from qat.nir.plan import Link, Stage

WHOLE = 1e-6
"""How near a value in units of the membrane must be to a whole number to count as one."""

FLOAT32 = 1e-7
"""Relative noise of values that a framework computed in float32."""

MOST_NOISE = 0.01
"""What noise may explain, in units of the membrane."""

ROOM = 2**29
"""Membranes stay below it: the proved ranges add what a step may bring."""

RESOLUTION = 512
"""Units that the smallest threshold has at least, over the leak: a floor that a leak makes in every
step lifts a membrane by half a unit / lambda, which then is a thousandth of the threshold."""

FINE = 4096
"""The same where the leak is what the framework has, and floors alone differ: of 30 networks with
exact leaks (tests/support/nir/grid.py, seed 100) 23 then spike alike, and 6 with RESOLUTION."""

STILL = 256
"""The same of a membrane that does not leak."""

VALUES = 1024
"""The same where the input is values, whose sums are large."""

LEAST_FRACTION = 4
"""Fraction bits of spikes that a leaking membrane has at least."""

SAMPLES = 4096
"""Rows of inputs by which codes are chosen."""


@dataclass(frozen=True, eq=False)
class Whole:
    """A layer in whole numbers.

    codes, fraction_bits: of each link; unit: the real value of 1 in the membrane
    worth: of 1 in an input of values; None of spikes
    leak_c: of the synaptic current of current-based neurons; None of others
    exact: what stayed as it was: "weights", "leak", "bias", "threshold"
    """

    stage: Stage
    bits: int
    codes: tuple[NDArray[np.int64], ...]
    fraction_bits: tuple[int, ...]
    input_shift: int
    unit: float
    worth: float | None
    leak: Leak
    leak_c: Terms | None
    bias: NDArray[np.int64]
    threshold: NDArray[np.int64]
    reset_by: NDArray[np.int64]
    reset_to: NDArray[np.int64]
    most: int
    exact: frozenset[str]

    @property
    def scales(self) -> tuple[float, ...]:
        """The real value of 1 in the codes of each link, of an input of 1."""
        return tuple(
            self.unit * 2.0**-self.input_shift / self.worth
            if self.worth is not None and link.source == INPUT
            else self.unit * 2.0**fraction
            for link, fraction in zip(self.stage.links, self.fraction_bits, strict=True)
        )

    def record(self) -> Layer:
        """Return the layer of the integer model; ValueError where the model refuses it."""
        stage = self.stage
        synapses = [
            self._synapse(link, codes, fraction, first=i == 0)
            for i, (link, codes, fraction) in enumerate(
                zip(stage.links, self.codes, self.fraction_bits, strict=True)
            )
        ]
        more = tuple(
            Edge(synapse, "input" if link.source == INPUT else link.source, _delay(link))
            for synapse, link in zip(synapses[1:], stage.links[1:], strict=True)
        )
        return Layer(synapses[0], self.neuron(), pool=stage.pool, delay=_delay(stage.links[0]),
                     more=more)  # fmt: skip

    def readout(self, score: Score) -> Accumulate | LI:
        """Return the readout that a layer which does not spike is.

        Where nothing leaks the last membrane is the sum of all currents, which needs no membrane;
        where all of it does (an output of currents) the score is their sum.
        """
        (codes,), (fraction,) = self.codes, self.fraction_bits
        synapse = self._synapse(self.stage.links[0], codes, fraction, first=True)
        assert isinstance(synapse, Dense)
        assert not isinstance(self.leak, LeakClasses)
        if (not self.leak and score == "last") or self.leak == (0,):
            return Accumulate(synapse)
        return LI(synapse, self.leak, score)

    def neuron(self) -> LIF | CuBa:
        """Return the record of its neurons."""
        reset = self.stage.neuron.reset
        more: dict[str, Any] = {"reset": "zero"}
        if self.stage.neuron.late:
            more = {"reset": "late"}
        elif reset != "value":
            by = self.reset_by if reset == "subtract" else np.zeros((), np.int64)
            more = {"reset": "subtract", "reset_by": _one(by)}
        elif self.reset_to.any():
            more = {"reset": "value", "reset_to": _one(self.reset_to)}
        about = (_one(self.threshold), self.leak)
        if self.leak_c is not None:
            return CuBa(*about, leak_c=self.leak_c, most=self.most, **more)
        return LIF(*about, most=self.most, **more)

    def _synapse(
        self, link: Link, codes: NDArray[np.int64], fraction: int, *, first: bool
    ) -> Dense | Conv:
        about: dict[str, Any] = {
            "bits": self.bits,
            "bias": _one(self.bias) if first else np.zeros((), np.int32),
            "fraction_bits": fraction,
            "input_shift": self.input_shift if link.source == INPUT else 0,
        }
        small: Any = codes.astype(np.int16 if self.bits == 16 else np.int8)
        if link.window is None:
            return Dense(small, **about)
        w = link.window
        return Conv(small, w.grid, stride=w.stride, padding=w.padding, groups=w.groups, **about)


def _one(values: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return constants as the records have them: one where all are equal."""
    flat = np.asarray(values)
    if flat.ndim and (flat == flat[0]).all():
        flat = flat[0]
    return np.asarray(flat, np.int32)


def _delay(link: Link) -> Any:
    return link.delay if np.ndim(link.delay) == 0 else np.asarray(link.delay)


def whole(
    stage: Stage, bits: int, inputs: Sequence[NDArray[Any]], values: float | None, several: int = 1
) -> Whole:
    """Return a layer in whole numbers.

    inputs:  of each link, (samples, inputs), by which codes are chosen; () for none
    values:  what 1 of an input of values is worth where the first link reads one; None for spikes
    several: spikes that a neuron may emit in a step, at most, where it may emit several
    """
    found = _codes(stage.links, bits, inputs)
    spiking = stage.neuron.threshold is not None
    leak, leak_exact = (leak_of if spiking else shared_leak)(stage.neuron.decay)
    leak_c = None
    if stage.neuron.current_decay is not None:
        leak_c, exact = shared_leak(stage.neuron.current_decay)
        leak_exact = leak_exact and exact
    worth = 1.0 if values is None else values
    finest = FINE if leak_exact else RESOLUTION
    exponent = _exponent(
        stage, found.scale * worth, (leak, leak_c), finest if values is None else None
    )
    unit = found.scale * worth * 2.0**exponent
    fraction = tuple(max(-exponent, 0) for _ in stage.links)
    if values is not None:
        found, fraction = _beside_values(stage, bits, inputs, found, unit)
    return _constants(
        stage, bits, found, fraction=fraction, shift=max(exponent, 0), unit=unit, worth=values,
        leak=leak, leak_c=leak_c, leak_exact=leak_exact, several=several,
    )  # fmt: skip


def _codes(links: Sequence[Link], bits: int, inputs: Sequence[NDArray[Any]]) -> Coded:
    blocks = []
    for i, link in enumerate(links):
        rows = link.weight.reshape(len(link.weight), -1)
        gram = gram_of(_rows(link, inputs[i])) if inputs else None
        blocks.append(Block(rows, gram))
    found = coded(blocks, bits)
    shaped = tuple(c.reshape(x.weight.shape) for c, x in zip(found.codes, links, strict=True))
    return replace(found, codes=shaped)


def _rows(link: Link, x: NDArray[Any]) -> Float:
    """Return what weights read, (samples, inputs of a channel), of signals (samples, inputs)."""
    rng = np.random.default_rng(0)
    if link.conv is not None:
        few = x[rng.permutation(len(x))[: max(1, SAMPLES // link.conv.shape.positions)]]
        few = few.astype(np.float64)
        patches = link.conv.patches(few.reshape(len(few), *link.conv.grid.sides))
        if link.conv.depthwise:
            return patches.mean(axis=3).reshape(-1, patches.shape[2])
        return patches.reshape(-1, patches.shape[2] * patches.shape[3])
    return x[rng.permutation(len(x))[:SAMPLES]].astype(np.float64)


Leaks = tuple[Leak, Terms | None]
"""The leak of a membrane, and that of its synaptic current or None."""


def _exponent(stage: Stage, base: float, leaks: Leaks, resolution: int | None) -> int:
    """Return e of unit = base * 2**e: minus the fraction bits of spikes, the shift of values.

    resolution: FINE or RESOLUTION; None of values
    """
    n, each = stage.neuron, [leak for leak in leaks if leak]
    least = float(np.min(n.threshold)) if n.threshold is not None else 1.0
    if resolution is None:
        return min(max(floor(log2(least / (base * VALUES))), 0), MAX_SHIFT)
    most = _most_fraction(stage, base, leaks)
    start, units = (LEAST_FRACTION, float(resolution)) if each else (0, float(STILL))
    for leak in each:
        units /= slowest(leak)
    if each:
        start = max(start, ceil(log2(units * base / least)))
    start = min(start, most)
    for fraction in range(start, most + 1):
        if all(_is_whole(value, base * 2.0**-fraction) for value in _must_be_whole(stage)):
            return -fraction
    return -min(max(start, ceil(log2(units * base / least))), most)


def _most_fraction(stage: Stage, base: float, leaks: Leaks) -> int:
    """Return the most fraction bits with which the largest membrane has room in int32."""
    fan = sum(np.abs(x.weight).reshape(len(x.weight), -1).sum(axis=1) for x in stage.links)
    largest = (float(np.max(fan)) + float(np.abs(stage.bias).max())) / base
    for leak in leaks:
        if leak is not None:
            largest *= min(1 / slowest(leak), 64.0) if leak else 256.0
    return min(max(floor(log2(ROOM / max(largest, 1.0))), 0), MAX_SHIFT)


def _must_be_whole(stage: Stage) -> list[Float]:
    n = stage.neuron
    found: list[Float] = [stage.bias]
    if n.several:
        found.append(np.asarray(n.threshold))
    if n.reset == "subtract":
        found.append(np.asarray(n.reset_by))
    if n.reset == "value":
        found.append(np.asarray(n.reset_to))
    return found


def _is_whole(values: Any, unit: float) -> bool:
    units = np.asarray(values, np.float64) / unit
    noise = min(WHOLE + FLOAT32 * np.abs(units).max(initial=0), MOST_NOISE)
    return bool(np.abs(units - np.rint(units)).max(initial=0) < noise)


def _beside_values(
    stage: Stage, bits: int, inputs: Sequence[NDArray[Any]], found: Coded, unit: float
) -> tuple[Coded, tuple[int, ...]]:
    """Return codes of links that read spikes beside one that reads values, in the same unit."""
    first = _codes(stage.links[:1], bits, inputs[:1])
    codes, fractions = [first.codes[0]], [0]
    for i, link in enumerate(stage.links[1:], 1):
        own = _codes((link,), bits, inputs[i : i + 1])
        fraction = min(max(ceil(log2(own.scale / unit)), 0), MAX_SHIFT)
        scale = unit * 2.0**fraction
        high = 2 ** (bits - 1) - 1
        codes.append(np.clip(np.rint(link.weight / scale), -high, high).astype(np.int64))
        fractions.append(fraction)
    return replace(found, codes=tuple(codes)), tuple(fractions)


def _constants(
    stage: Stage,
    bits: int,
    found: Coded,
    *,
    fraction: tuple[int, ...],
    shift: int,
    unit: float,
    worth: float | None,
    leak: Leak,
    leak_c: Terms | None,
    leak_exact: bool,
    several: int,
) -> Whole:
    n = stage.neuron
    exact = {name for name, yes in (("weights", found.exact), ("leak", leak_exact)) if yes}
    rounding = mean_rounding(leak, leak_c, stage.map.channels)
    bias = np.rint(np.asarray(stage.bias) / unit - rounding)
    by, to = (np.rint(np.asarray(v, np.float64) / unit) for v in (n.reset_by, n.reset_to))
    if _is_whole(stage.bias, unit):
        exact.add("bias")
    if all(_is_whole(v, unit) for v in _must_be_whole(stage)[1:]):
        exact.add("threshold")
    threshold = _threshold(n.threshold, unit, strict=n.strict, several=n.several)
    for what, values in (
        ("threshold", threshold), ("bias", bias), ("reset", by), ("reset", to),
    ):  # fmt: skip
        if not np.abs(values).max() <= INT32_MAX:  # NaN is no less
            raise ValueError(
                f"layer {stage.node!r}: its {what} is beyond int32 in units of weights"
            )
    return Whole(
        stage, bits, found.codes, fraction, shift, unit, worth, leak, leak_c,
        bias.astype(np.int64), threshold.astype(np.int64), np.maximum(by, 0).astype(np.int64),
        to.astype(np.int64), several if n.several else 1, frozenset(exact),
    )  # fmt: skip


def _threshold(value: Float | None, unit: float, *, strict: bool, several: bool) -> Float:
    """Return the whole numbers from which on a membrane spikes, still as floats."""
    units = np.asarray(0 if value is None else value, np.float64) / unit
    near = np.rint(units)
    whole_units = np.abs(units - near) < WHOLE + FLOAT32 * np.abs(units)
    if several:
        found = near
    elif strict:
        found = np.where(whole_units, near, np.floor(units)) + 1
    else:
        found = np.where(whole_units, near, np.ceil(units))
    return np.maximum(found, 1)
