"""The rows of the accuracy table, and one of them measured."""

import json
from dataclasses import replace

import pytest
from bench.rows import ROWS, Row, measure

import qat
from codegen.cli import main
from qat.data.named import DATASETS


@pytest.mark.parametrize("name", ROWS)
def test_a_row_makes_a_network_of_its_data(name):
    row = ROWS[name]
    assert row.data in DATASETS
    teaches = name in {other.teachers for other in ROWS.values()}
    assert teaches or (row.goal is None) != (row.within is None)
    assert len(row.bits) == len(row.notes) + 1
    assert json.loads(json.dumps(row.settings()))["sizes"] == list(row.sizes)
    assert row.recipe.epochs > 0
    if row.against is not None:
        other = ROWS[row.against]
        assert row.within is not None
        assert row.data == other.data
        assert row.layers is not None or (row.sizes, row.bits) == (other.sizes, other.bits)


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


def test_a_row_on_maps_is_what_the_command_line_trains(tmp_path, capsys):
    """The kept model is that of `spikemcu train` with the same settings, to the bit."""
    row = Row(
        "digits",
        (),
        (2, 2, 4),
        goal=0.3,
        input_bits=3,
        steps=1,
        layers="8c3s2-8c3v",
        network={"neuron": "burst", "levels": 2},
        training={"epochs": 2},
    )
    trial = measure(row, 3, keep=tmp_path / "digits-conv.npz")
    kept = qat.Model.load(tmp_path / "digits-conv.npz")
    words = (
        "train digits --layers 8c3s2-8c3v --levels 2 --input-bits 3 --output-bits 4 --epochs 2 "
        f"--seed 3 --name digits_conv -o {tmp_path / 'same.npz'}"
    )
    assert main(words.split()) == 0
    capsys.readouterr()
    same = qat.Model.load(tmp_path / "same.npz")
    assert kept.digest() == same.digest() == trial.digest
    assert (kept.name, kept.metadata["accuracy"]) == (same.name, same.metadata["accuracy"])
    assert kept.metadata["accuracy"]["test"] == trial.test > 0.3


def test_windows_of_a_recording_are_maps_where_layers_look_at_them():
    row = Row("basic-motions", (), (2, 2), within=0.1, steps=1, layers="4c5-ag")
    data = row.prepared(0)
    assert row.sizes == (600, 4)
    assert data.x_train.shape[1:] == (600,)
    assert data.grid.sides == (1, 100, 6)
    assert row.normalised


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
