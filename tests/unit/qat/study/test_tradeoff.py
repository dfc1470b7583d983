"""One task in float, rounded and trained in few bits."""

from dataclasses import replace

import numpy as np
import pytest

import qat
from qat.study.tradeoff import Comparison, Kind, Plan
from qat.train.recipes import Recipe


@pytest.fixture(scope="module")
def digits():
    return qat.datasets.load("digits")


PLAN = Plan([8, 12], [2, 8], 8, 4, range(2), Recipe(2, 64))


def test_every_network_is_what_it_says(digits):
    shown = []
    found = list(Comparison(PLAN, digits, lambda what, epoch: shown.append(what)))
    kinds = [(None, "float"), (2, "rounded"), (2, "trained"), (8, "rounded"), (8, "trained")]
    expected = [(Kind(w, b, how), seed) for w in (8, 12) for seed in (0, 1) for b, how in kinds]
    assert [(c.kind, c.seed) for c in found] == expected
    assert len(set(shown)) == PLAN.trainings == 12
    for candidate in found:
        if candidate.model is None:
            continue
        assert candidate.model.layers[0].synapse.bits == candidate.kind.bits
        assert candidate.model.readout.synapse.bits == 8
        accuracy = qat.evaluate(candidate.model, digits.x_test, digits.y_test)
        assert accuracy == candidate.test


def test_rounded_and_trained_networks(digits):
    plan = replace(PLAN, widths=[12], bits=[2], seeds=[1], output_bits=None)
    real, rounded, trained = Comparison(plan, digits, lambda *_: None)
    net = qat.Network([64, 12, 10], None, 4, seed=1)
    qat.fit(net, digits, 1, recipe=plan.recipe)
    assert real.test == qat.evaluate(net, digits.x_test, digits.y_test)
    assert rounded.model.digest() == qat.export(net.with_bits(2)).digest()
    rates = net.with_bits(2).run(digits.x_validation).firing_rates
    np.testing.assert_allclose(rounded.model.metadata["firing_rates"], rates)
    low = qat.Network([64, 12, 10], 2, 4, seed=1)
    qat.fit(low, digits, 1, recipe=plan.recipe)
    assert trained.model.digest() == qat.export(low).digest()


def test_ctrl_c_ends_it(digits):
    def interrupt(what, epoch):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(Comparison(PLAN, digits, interrupt))


def test_plans_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="bits: found 3; allowed are 2, 4, 8 and 16"):
        replace(PLAN, bits=[3])
    with pytest.raises(ValueError, match="widths: found 0"):
        replace(PLAN, widths=[0])
