"""The cost model: features, fits, choices; and the activity that it starts from."""

from __future__ import annotations

import dataclasses
import importlib
import json

import numpy as np
import pytest
from support.golden import GOLDEN
from support.models import inputs_for, small_model, steps_for

import codegen
import qat
from codegen import costs, kernels
from codegen.boards import load_boards
from codegen.calibrate import CORES, fit, nnls
from codegen.cycles import TIMINGS, cycles_of, kind_of
from codegen.features import KINDS
from codegen.kernels import NUMBERS, SPIKES, Kernel, candidates, select
from codegen.stack import Instruction
from codegen.stages import choices, part_names, plan
from codegen.synthetic import PLANS, inputs, make
from qat.model import LIF, Activity, Dense, Layer, Model, Rates, Spikes

CORE = "cortex-m4"
Observation = importlib.import_module("codegen.calibrate").Observation


# --------------------------------------------------------------------- activity


def test_activity_is_what_a_run_shows():
    model = small_model()
    x = inputs_for(model, 30, seed=4)
    found, result = Activity.measure(model, x), model.run(x, trace=True)
    for rates, spikes in zip(found.layers, result.spikes, strict=True):
        assert rates.rate == pytest.approx(spikes.mean())
        assert rates.busy == pytest.approx(spikes.any(axis=2).mean())
        assert rates.counts[0] == pytest.approx((spikes.sum(axis=1) == 0).mean())
        spikes_of_counts = sum(c * share for c, share in enumerate(rates.counts))
        assert spikes_of_counts == pytest.approx(rates.rate * model.steps)
    assert sum(found.values) == pytest.approx(1)
    assert found.values[0] == pytest.approx((x == 0).mean())


def test_metadata_keep_the_activity_and_not_the_digest():
    model = small_model()
    found = Activity.measure(model, inputs_for(model, 20, seed=1))
    kept = dataclasses.replace(model, metadata={"activity": found.to_json()})
    assert kept.digest() == model.digest()
    back = Activity.of(kept)
    assert back.source == "of the training data"
    np.testing.assert_allclose(back.values, found.values, atol=1e-6)
    assert "assumed" in Activity.of(model).source
    assert "equally frequent" in Activity.of(model).source


def test_an_assumed_density_replaces_the_rates_and_not_the_input():
    model = small_model()
    known = Activity.measure(model, inputs_for(model, 20, seed=1))
    model = dataclasses.replace(model, metadata={"activity": known.to_json()})
    dense = Activity.of(model, 0.5)
    assert [r.rate for r in dense.layers] == [0.5, 0.5]
    np.testing.assert_allclose(dense.values, known.values, atol=1e-6)
    assert sum(dense.layers[0].counts) == pytest.approx(1)
    assert Activity.of(model, 0).layers[0] == Rates(0, 0, (1.0, *[0.0] * 6))
    assert Activity.of(model, 1).layers[0].counts[-1] == 1
    with pytest.raises(ValueError, match=r"density: found 1\.5"):
        Activity.of(model, 1.5)


@pytest.mark.parametrize(
    "damage",
    [
        {},
        {"values": [1.0], "busy": 1, "layers": []},
        {"values": [2.0] * 17, "busy": 1, "layers": [{"rate": 0, "busy": 0, "counts": []}] * 2},
        [],
    ],
)
def test_foreign_activity_is_one_clear_line(damage):
    model = dataclasses.replace(small_model(), metadata={"activity": damage})
    with pytest.raises(ValueError, match="does not belong to this model"):
        Activity.of(model)


@pytest.mark.parametrize("given", [False, True], ids=["by fit", "by export"])
def test_training_writes_the_activity(given):
    data = qat.datasets.load("digits")
    net = qat.Network([64, 8, 10], bits=[2, 8], steps=4)
    qat.fit(net, data, seed=0, epochs=1)
    x = data.x_validation
    model = qat.export(net, "digits", x if given else None)
    found, true = Activity.of(model), Activity.measure(model, x)
    assert found.source == "of the training data"
    np.testing.assert_allclose(found.values, true.values, atol=2e-6)
    np.testing.assert_allclose(found.layers[0].counts, true.layers[0].counts, atol=2e-6)


def test_many_steps_have_few_counts():
    long = dataclasses.replace(small_model(), steps=1000)
    counts = Activity.of(long, 0.1).layers[0].counts
    assert len(counts) == 65
    assert sum(counts) == pytest.approx(1)


def test_raised_rates_have_more_spikes():
    rates = Rates(0.1, 0.9, (0.8, 0.1, 0.0, 0.0, 0.1))
    more = rates.raised(0.01)
    assert sum(c * s for c, s in enumerate(more.counts)) == pytest.approx(0.5 + 0.04)
    assert sum(more.counts) == pytest.approx(1)
    silent = Rates(0.0, 0.0, (1.0, 0.0, 0.0)).raised(0.01)
    assert silent.counts == pytest.approx((0.98, 0.02, 0.0))


# ------------------------------------------------------------------------ costs


@pytest.mark.parametrize("board", load_boards().values(), ids=lambda b: b.name)
@pytest.mark.parametrize("model", [*GOLDEN, small_model()], ids=lambda m: m.name)
def test_more_activity_never_costs_less_and_the_worst_is_never_below(model, board):
    program = plan(model)
    worst = {
        w.part: costs.evaluate(w, board.core, "worst")
        for w in costs.worst_works(program, model.input, board.core)
    }
    last = dict.fromkeys(worst, 0.0)
    for density in (0.0, 0.1, 0.4, 1.0):
        activity = Activity.of(model, density)
        for work in costs.works(program, model.input, activity, board.core):
            cost = costs.evaluate(work, board.core)
            if "readout" not in work.part:  # a count of 8 has fewer digits than one of 7
                assert last[work.part] <= cost + 1e-6
            assert cost <= worst[work.part]
            last[work.part] = cost


def test_every_part_has_a_row_and_every_row_was_measured():
    for isa in CORES:
        assert set(costs.coefficients()["costs"][isa]) == set(KINDS)
    for board in load_boards().values():
        assert set(costs.coefficients()["cycles"][board.core]) == set(KINDS)
        assert TIMINGS[board.core].source
        assert costs.ISA[board.core] in CORES
    for model in (*GOLDEN, small_model()):
        activity = Activity.of(model)
        parts = [w.part for w in costs.works(plan(model), model.input, activity, CORE)]
        assert set(parts) <= set(part_names(plan(model)))


def test_the_fit_of_each_kind_is_close():
    for kinds in costs.coefficients()["costs"].values():
        for kind, row in kinds.items():
            assert row["mean_error"] < 0.12, kind
            assert all(value > 0 for value in row["typical"].values())


def test_what_was_never_measured_is_said():
    work = costs.works(plan(small_model()), small_model().input, Activity.of(small_model()), CORE)[
        0
    ]
    with pytest.raises(ValueError, match=r"python -m codegen\.calibrate"):
        costs.evaluate(dataclasses.replace(work, kind="unknown"), CORE)


def test_least_squares_without_negative_numbers():
    rng = np.random.default_rng(0)
    a, true = rng.random((40, 6)), np.array([3.0, 0, 1, 0, 2, 0])
    np.testing.assert_allclose(nnls(a, a @ true), true, atol=1e-8)
    bounded = nnls(a, a @ np.array([3.0, -1, 1, 0, 2, 0]))
    assert (bounded >= 0).all()
    slope = a.T @ (a @ np.array([3.0, -1, 1, 0, 2, 0]) - a @ bounded)
    assert (slope[bounded == 0] < 1e-8).all()  # the conditions of Kuhn and Tucker
    np.testing.assert_allclose(slope[bounded > 0], 0, atol=1e-8)


def test_a_fit_finds_costs_and_bounds_them():
    rng = np.random.default_rng(1)
    seen = []
    for _ in range(60):
        n, m = rng.integers(0, 50, 2)
        seen.append(
            Observation("k", {"n": float(n), "m": float(m), "once": 1.0}, 7 * n + 2 * m + 30)
        )
    found = fit(seen)
    assert found["typical"] == pytest.approx({"n": 7, "m": 2, "once": 30}, rel=1e-3)
    for o in seen:
        assert sum(found["worst"].get(n, 0) * c for n, c in o.features.items()) >= o.instructions


def test_calibration_models_differ_from_the_examples_and_can_be_made():
    for seed, row in enumerate(PLANS):
        model = make(row, seed)
        assert make(row, seed).digest() == model.digest()
        x = inputs(model, seed)
        assert x.min() >= model.input.low
        assert x.max() <= model.input.high
    assert len({make(row, seed).digest() for seed, row in enumerate(PLANS)}) == len(PLANS)


def test_spike_costs_are_plain_numbers():
    found = codegen.spike_costs(small_model(), "qemu-m4")
    assert len(found) == 2
    assert all(isinstance(cost, float) and cost > 0 for cost in found)
    wide, narrow = (codegen.spike_costs([64, 100, n, 10], "qemu-m4")[0] for n in (256, 64))
    assert wide > 2 * narrow
    assert len(codegen.spike_costs([20, 30, 5], "qemu-m0", bits=[2, 8], steps=4)) == 1
    json.dumps(found)
    with pytest.raises(ValueError, match="spike_costs: found sizes"):
        codegen.spike_costs([20, 5], "qemu-m0")


# ---------------------------------------------------------------------- choices


def dense(bits: int, n_in: int = 40, n_out: int = 33) -> Dense:
    return Dense(np.ones((n_out, n_in), np.int8), bits)


def test_the_first_row_serves_without_costs_and_the_cheapest_with_them(monkeypatch):
    rows = [k for k in kernels.KERNELS if 8 in k.bits and NUMBERS in k.reads]
    assert select(dense(8), NUMBERS) == candidates(dense(8), NUMBERS)[0]
    other = dataclasses.replace(rows[0], name="other")
    monkeypatch.setattr(kernels, "KERNELS", (*kernels.KERNELS, other))
    first = candidates(dense(8), NUMBERS)[0].name
    assert select(dense(8), NUMBERS, {first: 5.0, "other": 5.0}).name == first
    assert select(dense(8), NUMBERS, {first: 5.0, "other": 4.0}).name == "other"
    assert select(dense(8), NUMBERS, {first: 5.0}).name == first
    assert select(dense(8), NUMBERS, {"other": 5.0}).name == "other"


def test_bits_that_no_kernel_serves(monkeypatch):
    monkeypatch.setattr(
        kernels, "KERNELS", (Kernel("one", (2,), (SPIKES,), "packing", "needs", "cost"),)
    )
    with pytest.raises(ValueError, match="no kernel serves weights of 8 bits"):
        select(dense(8), SPIKES)


def test_every_stage_has_a_reason_that_names_it():
    for model in (*GOLDEN, small_model()):
        found = choices(model)
        assert [c.kernel for c in found] == [s.kernel for s in plan(model).stages]
        for choice in found:
            assert not choice.costs or choice.kernel == min(choice.costs, key=choice.costs.get)


def test_a_kernel_may_be_given():
    layer = Layer(dense(8), LIF(np.array(5), (3,)))
    model = Model(Spikes(40), (layer,), name="given")
    assert plan(model, kernels={0: "plain"}).layers[0].kernel == "plain"


# ----------------------------------------------------------------------- cycles


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("adds r0, #1", "alu"),
        ("ldrh r4, [r1, #2]", "load"),
        ("str r0, [sp, #4]", "store"),
        ("push {r4, lr}", "several"),
        ("ldrd r0, r1, [r2]", "several"),
        ("muls r0, r1", "multiply"),
        ("vorr q0, q1, q2", "vector"),
        ("vldrw.u32 q0, [r0, q7]", "gather"),
        ("vldrw.u32 q0, [r3, #16]", "vector"),
        ("uxtah r0, r1, r2", "alu"),
    ],
)
def test_instructions_have_classes(text, kind):
    name, operands = text.split(" ", 1)
    assert kind_of(Instruction(0, name, operands)) == kind


def test_documented_cycles():
    m0, m4 = TIMINGS["cortex-m0"], TIMINGS["cortex-m4"]
    branch = Instruction(0, "bne", "0 <f>")
    assert [cycles_of(branch, jumped, m0) for jumped in (False, True)] == [1, 3]
    assert cycles_of(Instruction(0, "push", "{r4-r7, lr}"), False, m0) == 1 + 5
    assert cycles_of(Instruction(0, "pop", "{r4, pc}"), True, m0) == 1 + 2 + 3
    assert cycles_of(Instruction(0, "ldr", "r0, [r1]"), False, m4) == 2
    assert cycles_of(Instruction(0, "bl", "8 <g>"), True, m0) == 4


def test_steps_of_a_free_model_are_the_call():
    free = GOLDEN[2]
    assert costs.base_load(plan(free), CORE).steps == 1
    assert steps_for(free) is None
