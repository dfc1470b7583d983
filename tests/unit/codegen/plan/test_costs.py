"""The cost model: it knows every feature, grows with what is active, and is plain numbers."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from support.models import KINDS, half_as_many, models
from support.zoo.small import small_model

from codegen import isa
from codegen.kernels import KERNELS, PARTS
from codegen.kernels.bitsliced import listing
from codegen.kernels.common import digits_of
from codegen.kernels.features import Adder, Codes, Columns
from codegen.kernels.source import Source
from codegen.measure import spend
from codegen.plan import cost
from codegen.plan.choose import choices, plan
from codegen.plan.kinds import check_names, family, kinds
from codegen.render import render
from qat.model import LIF, Activity, Dense, Layer, Model, Rates, Spikes

CORES = sorted(isa.cores())
DIGITS = ("top", "signed")

MAPS = {
    *("conv_plain spikes", "conv_plain currents", "conv_plain held"),
    *("plain_counts spikes", "plain_counts currents", "plain_counts held"),
    *("mixed currents", "mixed held"),
}
READOUTS = {"pairs readout"}
VALUES = {"detector", "samples", "sound"}
"""What multiplies values of both signs, in a time that depends on them where a library does it."""
UNMEASURED = {"rv32ec": MAPS | READOUTS | VALUES}
"""Kinds without coefficients: an estimate of them is refused in a line, and nothing is chosen."""


def test_every_kernel_is_measured_on_every_core():
    of_kernels = {row.kind(part) for row in KERNELS for read in row.reads for part in PARTS[read]}
    assert of_kernels <= set(kinds())
    for core in CORES:
        missing = UNMEASURED.get(core, set())
        assert {kind for kind in kinds() if not cost.measured(kind, core)} == missing
        untraced = {k for k in kinds() if k not in cost.coefficients()["cycles"][core]}
        assert untraced <= missing


@settings(max_examples=half_as_many())
@given(models(KINDS, stops=False))
def test_every_feature_of_a_model_was_seen_when_the_costs_were_fitted(model):
    activity = Activity.of(model)
    for core in CORES:
        program, seen = plan(model, core), cost.coefficients()["costs"][isa.find(core).name]
        parts = cost.works(program, model.input, activity, core)
        works = [*parts, *cost.worst_works(program, model.input, core)]
        for work in [w for w in works if w.kind not in UNMEASURED.get(core, set())]:
            assert set(work.features.numbers()) <= set(seen[family(work.kind)]["seen"]), work.kind


def test_every_feature_has_a_coefficient_on_some_core_and_every_coefficient_a_feature():
    costs = cost.coefficients()["costs"]
    known = {}
    for row in kinds().values():
        known.setdefault(row.family, set()).update(row.features.names())
    for name, fields in known.items():
        tables = [table for table in costs.values() if name in table]  # test above: who lacks it
        seen = {field for table in tables for field in table[name]["seen"]}
        assert seen <= fields
        assert fields - seen <= NEVER.get(name, set()), name


BINARY = {f"sliced.{width}.lists_{kind}" for width in ("bytes", "nibbles") for kind in DIGITS}
SHORT = {f"added.short.{name}" for name in Adder.names()}
FAR = {f"added.far.{name}" for name in Adder.names()}
SIGNAL = {
    "sums.words",
    "sums.words_planes",
    "sums.values",
    "sums.values_planes",
    *(f"sums.products.codes{bits}" for bits in (2, 4, 8, 16)),
}
IN_WORDS = {
    *("neurons.copied", "neurons.counted", "neurons.levels", "neurons.further"),
    "neurons.picked",
}
NEVER = {
    "rest decision": {"fused_calls", "fused_state_words"},
    "plain currents": {"columns.few.one", "columns.few.one4"},
    "sliced rate encoder": BINARY,
    "sliced latency encoder": BINARY,
    "bitsliced currents": {f"quads.{name}" for name in SHORT | FAR}
    | {"sliced.nibbles.lists_signed"},
    "bitsliced layer": {f"quad_sums.{name}" for name in SHORT | FAR} | {"blocks.copied"},
    "conv_plain currents": SIGNAL | {"sums.crossing", "sums.single_planes"},
    "plain_counts currents": SIGNAL,
    "plain_counts layer": {"sums.inputs"},
    "windows spikes": IN_WORDS,
    "channel_words spikes": IN_WORDS
    | {f"fours.{name}" for name in IN_WORDS if name != "neurons.copied"},
}
"""Features that nothing has: no inference with a fused layer stops early; currents of one neuron
have features of their own; encoders cut bytes into bits; four blocks have one adder, and lists of
16 bits; single ones copy nothing; bytes have no planes, a signal is no bytes; neurons in words of
channels are counted apart."""


@pytest.mark.parametrize("key", ["seen", "typical", "worst"])
def test_a_coefficient_without_a_feature_is_an_error(key):
    table = dict(cost.coefficients()["costs"]["armv6-m"]["decision"])
    wrong = {"decision": table | {key: {"unheard_of": 1.0}}}
    with pytest.raises(ValueError, match=r"'decision' on armv6-m .*'unheard_of'.*calibrate"):
        check_names(wrong, "armv6-m")
    with pytest.raises(ValueError, match="'unheard of', which is no kind"):
        check_names({"unheard of": table}, "armv6-m")


def test_features_are_added_scaled_and_told_by_name():
    two = Columns(columns=1.0, codes8=Codes(codes=3.0)) + Columns(codes8=Codes(codes=1.0, rest=2.0))
    assert two == Columns(columns=1.0, codes8=Codes(codes=4.0, rest=2.0))
    assert two.scaled(2).numbers() == {"columns": 2.0, "codes8.codes": 8.0, "codes8.rest": 4.0}
    assert list(Codes.names()) == ["codes", "power_of_two", "rest"]
    assert {"codes4.codes", "few.one"} < set(Columns.names())
    with pytest.raises(TypeError, match="unheard_of"):
        Codes(unheard_of=1.0)


@settings(max_examples=half_as_many())
@given(models(KINDS, stops=False))
def test_the_worst_case_is_above_what_is_typical(model):
    for core in CORES:
        program = plan(model, core)
        worst = cost.worst_works(program, model.input, core)
        for density in (0.0, 0.05, 0.3, 0.6, 1.0):
            parts = cost.works(program, model.input, Activity.of(model, density), core)
            for work, bound in zip(parts, worst, strict=True):
                if work.kind not in UNMEASURED.get(core, set()):
                    assert cost.evaluate(work, core) <= cost.evaluate(bound, core, "worst")


def _value(source: Source, digits: tuple[int, ...]) -> int:
    """Return the number whose digits stand in these lists."""
    kind, takes = source.digits.kind, source.digits.takes
    if kind == "top" and 0 in digits:
        return 2**source.bits - 1
    levels = listing.levels(source)
    return sum(-(2 ** levels[k]) if k < takes else 2 ** levels[k] for k in digits)


@pytest.mark.parametrize("size", [20, 200])
@pytest.mark.parametrize(
    ("bits", "high", "signed"),
    [(1, 1, False), (2, 3, False), (4, 15, False), (4, 9, False), (4, 7, True), (5, 16, False),
     (6, 63, False), (8, 255, False), (8, 200, False), (8, 127, True)],
)  # fmt: skip
def test_the_digits_of_a_value_make_the_value(bits, high, signed, size):
    digits = digits_of(size, bits, high, signed)
    source = Source(size=size, words=7, bits=bits, negative=signed, digits=digits)
    most = listing.most_digits(source)
    for value in range(-(2 ** (bits - 1)) if signed else 0, high + 1):
        found = listing.digits_in(digits.kind, bits, digits.takes, value)
        assert _value(source, found) == value
        assert all(0 <= k < digits.lists for k in found)
        assert len(found) <= most
    lengths = listing.lengths(source, {high: 3.0, 0: 5.0})
    assert set(lengths) <= {0.0, 3.0}


def test_a_list_is_worked_off_in_rounds_that_hold_every_digit():
    for lengths in ([100.0] * 4, [600.0, 0.0, 700.0], [3.0]):
        work = listing.work_off(lengths, 25, 512)
        assert sum(n for _, n in work.segments) == pytest.approx(sum(lengths))
        assert work.rounds >= sum(lengths) / 512
        assert len(work.segments) == work.rounds * len(lengths)


def test_generation_is_deterministic_with_kernels_chosen_by_costs():
    rng = np.random.default_rng(0)
    layer = Layer(Dense(rng.integers(-99, 100, (20, 90)), 8), LIF(300, (3,)))
    model = Model(Spikes(90), (layer,), name="choice")
    assert render(model) == render(model)
    (choice,) = choices(model)
    assert choice.kernel == min(choice.costs, key=choice.costs.get)
    assert set(choice.costs) == {"strips", "plain"}


def test_sums_of_more_than_16_bits_have_a_cost():
    layer = Layer(Dense(np.full((16, 600), 127), 8), LIF(300, (3,)))
    model = Model(Spikes(600), (layer,), name="pieces")
    assert plan(model, kernels={0: "strips"}).layers[0].piece
    for core in CORES:
        (choice,) = choices(model, core)
        assert set(choice.costs) == {"strips", "plain"}


def test_costs_of_spikes_are_plain_numbers_that_grow_with_what_reads_them():
    model = small_model()
    found = spend.spike_costs(model, "qemu-m4")
    assert [type(x) for x in found] == [float, float]
    assert all(x > 0 for x in found)
    thin, wide = (spend.spike_costs((64, 128, n, 10), "qemu-m4")[0] for n in (32, 512))
    assert wide > 8 * thin
    for board in ("qemu-m0", "qemu-m55"):
        (one,) = spend.spike_costs((784, 128, 10), board, bits=(2, 8))
        assert 0 < one < 200


def test_the_cost_of_a_spike_is_that_of_more_spikes():
    model, core = small_model(), "cortex-m4"
    program = plan(model, core)

    def total(rate):
        activity = Activity.of(model)
        layers = (Rates(rate, 1.0, activity.layers[0].counts), *activity.layers[1:])
        one = Activity(activity.values, activity.busy, layers)
        return sum(cost.evaluate(w, core) for w in cost.works(program, model.input, one, core))

    totals = [total(rate) for rate in (0.1, 0.3, 0.6, 0.9)]
    assert all(a < b for a, b in pairwise(totals))
    slope = (totals[-1] - totals[0]) / (0.8 * model.layers[0].size * model.steps)
    assert spend.spike_costs(model, "qemu-m4")[0] == pytest.approx(slope, rel=0.5)
