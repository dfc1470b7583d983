"""The rows of the accuracy table, and one of them measured."""

import json
from dataclasses import replace

import pytest
from bench.rows import ROWS, Row, measure

import qat
from qat.data.named import DATASETS


@pytest.mark.parametrize("name", ROWS)
def test_a_row_makes_a_network_of_its_data(name):
    row = ROWS[name]
    assert row.data in DATASETS
    assert (row.goal is None) != (row.within is None)
    assert len(row.bits) == len(row.sizes) - 1
    assert json.loads(json.dumps(row.settings()))["sizes"] == list(row.sizes)
    assert row.recipe.epochs > 0
    if row.against is not None:
        other = ROWS[row.against]
        assert row.within is not None
        assert (row.data, row.sizes, row.bits) == (other.data, other.sizes, other.bits)


def test_settings_tell_rows_apart():
    texts = {json.dumps(row.settings()) for row in ROWS.values()}
    assert len(texts) == len(ROWS)


def test_a_row_is_measured():
    row = Row("digits", (16,), (2, 8), goal=0.5, input_bits=2, training={"epochs": 3})
    trial = measure(row, 1)
    data = qat.datasets.load("digits").with_input_bits(2)
    net = qat.Network([64, 16, 10], (2, 8), 8, seed=1, input_range=data.input_range)
    qat.fit(net, data, 1, epochs=3)
    model = qat.export(net)
    assert trial.digest == model.digest()
    assert trial.test == qat.evaluate(model, data.x_test, data.y_test) > 0.5
    assert trial.validation == qat.evaluate(model, data.x_validation, data.y_validation)
    assert trial.firing_rates == tuple(model.metadata["firing_rates"])


def test_the_float_network_of_a_row():
    row = Row("digits", (16,), (2, 8), goal=0.5, training={"epochs": 3})
    trial = measure(row, 0, real=True)
    assert trial.digest is None
    assert trial.test > 0.7


def test_bits_and_resolution_are_nothing_to_real_weights():
    """Rows that differ in them alone have one float network, and it is the same to the bit."""
    fine = Row("digits", (16,), (2, 8), goal=0.5, training={"epochs": 2})
    coarse = replace(fine, bits=(2, 2), network={"resolution": 2, "membrane_bits": 9})
    other = replace(coarse, network={"resolution": 2, "threshold": "neuron"})
    assert fine.float_settings() == coarse.float_settings() != other.float_settings()
    assert fine.float_settings() != replace(fine, training={"epochs": 3}).float_settings()
    nets = [(row, row.untrained((None, None), row.prepared(0), 0)) for row in (fine, coarse, other)]
    for row, net in nets:
        qat.fit(net, row.prepared(0), 0, recipe=row.recipe)
    same, also, unlike = (net.parameters["0.weight"].tobytes() for _, net in nets)
    assert same == also != unlike


def test_an_interrupted_trial_is_no_result():
    row = Row("digits", (16,), (2, 8), goal=0.5, training={"epochs": 9})

    def interrupt(epoch):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure(row, 0, progress=interrupt)
