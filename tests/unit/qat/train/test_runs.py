"""Run folders: a resumed run equals one without interruption, and bad checkpoints are named."""

import inspect
import json
import zipfile

import numpy as np
import pytest

import qat
from qat.data.augment import Affine
from qat.train.network import Network
from qat.train.runs import data_digest

EPOCHS = 6


@pytest.fixture(scope="module")
def digits():
    return qat.datasets.load("digits")


def settings(**more):
    return {"epochs": EPOCHS, "averaging": 0.98, "augment": Affine(shift=1), **more}


def network(**more):
    return Network([64, 20, 10], **{"bits": [2, 8], "seed": 1, **more})


def interrupt_after(epochs):
    def progress(epoch):
        if epoch.number == epochs:
            raise KeyboardInterrupt

    return progress


@pytest.fixture
def run(digits, tmp_path):
    """A run that was interrupted after two epochs."""
    qat.fit(network(), digits, 3, **settings(run=tmp_path / "run", progress=interrupt_after(2)))
    return tmp_path / "run"


def without_times(history):
    return [(e.number, e.loss, e.validation_loss, e.firing_rates) for e in history.epochs]


@pytest.mark.parametrize("after", [1, 3, EPOCHS])
def test_a_resumed_run_equals_one_without_interruption(after, digits, tmp_path):
    whole, first, second = network(), network(), network()
    expected = qat.fit(whole, digits, 3, **settings())
    path = tmp_path / "run"
    interrupted = qat.fit(first, digits, 3, **settings(run=path, progress=interrupt_after(after)))
    assert interrupted.interrupted
    history = qat.fit(second, digits, 3, **settings(run=path, resume=True))
    assert without_times(history) == without_times(expected)
    assert not history.interrupted
    assert history.best.number == expected.best.number
    for name, value in whole.parameters.items():
        np.testing.assert_array_equal(second.parameters[name], value)
    assert qat.export(second).digest() == qat.export(whole).digest()


def test_an_interruption_amid_an_epoch_goes_on_from_the_one_before(digits, tmp_path):
    whole, second, batches = network(), network(), []
    qat.fit(whole, digits, 3, **settings(augment=same))

    def breaks(x, random):
        batches.append(1)
        if len(batches) == 100:  # an epoch has 40
            raise KeyboardInterrupt
        return x

    breaks.__qualname__ = same.__qualname__
    path = tmp_path / "run"
    qat.fit(network(), digits, 3, **settings(augment=breaks, run=path))
    qat.fit(second, digits, 3, **settings(augment=same, run=path, resume=True))
    assert qat.export(second).digest() == qat.export(whole).digest()


def same(x, random):
    return x


def test_the_folder_holds_settings_history_and_the_best_model(digits, run):
    saved = json.loads((run / "settings.json").read_text())
    assert saved["network"] == json.loads(json.dumps(network(input_range=(0, 16)).settings()))
    assert saved["training"]["epochs"] == EPOCHS
    assert saved["data"] == {"name": "digits", "digest": data_digest(digits)}
    history = json.loads((run / "history.json").read_text())
    assert [epoch["number"] for epoch in history] == [1, 2]
    best = max(epoch["validation_accuracy"] for epoch in history)
    model = qat.Model.load(run / "model.npz")
    assert qat.evaluate(model, digits.x_validation, digits.y_validation) == best


def test_a_finished_run_is_loaded(digits, run):
    resumed = network()
    history = qat.fit(resumed, digits, 3, **settings(run=run, resume=True))
    again = network()
    assert qat.fit(again, digits, 3, **settings(run=run, resume=True)) == history
    assert qat.export(again).digest() == qat.export(resumed).digest()
    assert qat.Model.load(run / "model.npz").digest() == qat.export(resumed).digest()


def test_a_new_run_replaces_an_older_one(digits, run):
    qat.fit(network(seed=2), digits, 3, **settings(run=run, epochs=1))
    assert len(json.loads((run / "history.json").read_text())) == 1
    assert json.loads((run / "settings.json").read_text())["network"]["seed"] == 2


def test_real_weights_resume_and_leave_no_model(digits, tmp_path):
    path, whole, second = tmp_path / "run", network(bits=None), network(bits=None)
    qat.fit(whole, digits, **settings())
    some = settings(run=path, progress=interrupt_after(2))
    qat.fit(network(bits=None), digits, **some)
    qat.fit(second, digits, **settings(run=path, resume=True))
    np.testing.assert_array_equal(second.parameters["0.weight"], whole.parameters["0.weight"])
    assert not (path / "model.npz").exists()


def test_settings_name_all_that_makes_a_network():
    made_with = set(inspect.signature(Network.__init__).parameters) - {"self", "membrane_bits"}
    later = {"layers": "4c3-p2", "grid": [8, 8, 1], "neuron": "burst", "levels": 2,
             "reset_to": 0.25, "score": "first", "readout_leak": [2], "readout_threshold": 2.0,
             }  # fmt: skip
    in_time = {"norm": True, "recurrent": True, "delays": 3, "truncate": 4, "damping": (0.4, 2)}
    some = Network([64, 10], reset="value", readout="li", **later)
    current = Network([64, 8, 10], neuron="cuba", leak_c=(1,)).settings()
    assert current["leak_c"] == [1]
    adaptive = Network([64, 8, 10], neuron="alif", leak_b=3).settings()
    assert (adaptive["leak_b"], adaptive["raise_by"]) == (3, 0.25)
    by_class = Network([64, 8, 10], leaks=((2,), (4,))).settings()
    assert by_class["leaks"] == [[2], [4]]
    late = Network([64, 8, 10], **in_time).settings()
    found = current | adaptive | by_class | some.settings() | late
    assert set(found) == made_with | {"limits"}
    assert later.items() <= some.settings().items()
    assert set(network().settings()) == made_with - {
        *later,
        *in_time,
        "leaks",
        "leak_c",
        "leak_b",
        "raise_by",
    } | {"limits"}


# ------------------------------------------------------------ bad checkpoints


@pytest.mark.parametrize(
    ("net", "more", "said"),
    [
        ({"steps": 4}, {}, r"of other settings \(network.steps 8, now 4\)"),
        ({"bits": 2}, {}, r"network.bits \[2, 8\], now \[2, 2\]"),
        ({"membrane_bits": 8}, {}, r"network.limits null, now \[-128, 127\]"),
        ({}, {"epochs": 9}, r"training.epochs 6, now 9"),
        ({}, {"augment": None}, "training.augment .*, now null"),
        ({"seed": 5, "steps": 3}, {"epochs": 9, "batch_size": 9}, r"; \.\.\.\); repeat those"),
    ],
)
def test_a_checkpoint_of_other_settings_is_refused(net, more, said, digits, run):
    with pytest.raises(ValueError, match=said):
        qat.fit(network(**net), digits, 3, **settings(run=run, resume=True, **more))


def test_a_checkpoint_of_other_data_is_refused(digits, run):
    other = digits.with_input_bits(4)
    with pytest.raises(ValueError, match=r"data.digest \"[0-9a-f]{16}\", now"):
        qat.fit(network(input_range=(0, 16)), other, 3, **settings(run=run, resume=True))


def rewritten(path, **changed):
    """Write a checkpoint with some of its arrays changed, or left out where None."""
    with np.load(path) as archive:
        arrays = {**{key: archive[key] for key in archive.files}, **changed}
    np.savez(path, **{key: a for key, a in arrays.items() if a is not None})


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"not a checkpoint"),
        lambda path: path.write_bytes(path.read_bytes()[:-200]),
        lambda path: path.write_bytes(path.read_bytes()[:3000]),
        lambda path: zipfile.ZipFile(path, "w").close(),
        lambda path: rewritten(path, state=None),
        lambda path: rewritten(path, state=np.frombuffer(b"[1]", np.uint8)),
        lambda path: rewritten(path, **{"mean/0.weight": None}),
        lambda path: rewritten(path, **{"now/0.weight": np.zeros((3, 3), np.float32)}),
    ],
)
def test_a_damaged_checkpoint_is_one_clear_line(spoil, digits, run):
    spoil(run / "checkpoint.npz")
    net = network()
    before = dict(net.parameters)
    with pytest.raises(ValueError, match=r"checkpoint.npz: is no checkpoint, or a dama") as error:
        qat.fit(net, digits, 3, **settings(run=run, resume=True))
    assert "\n" not in str(error.value)
    assert all(net.parameters[name] is value for name, value in before.items())


def test_a_checkpoint_of_a_later_format_is_refused(digits, run):
    path = run / "checkpoint.npz"
    with np.load(path) as archive:
        state = json.loads(archive["state"].tobytes())
    text = json.dumps({**state, "format": 2}).encode()
    rewritten(path, state=np.frombuffer(text, np.uint8))
    with pytest.raises(ValueError, match="has format 2; this reads 1"):
        qat.fit(network(), digits, 3, **settings(run=run, resume=True))


def test_resume_needs_a_checkpoint(digits, tmp_path):
    with pytest.raises(ValueError, match="holds no checkpoint to resume from"):
        qat.fit(network(), digits, 3, **settings(run=tmp_path, resume=True))
    with pytest.raises(ValueError, match="resume: needs the run folder"):
        qat.fit(network(), digits, 3, **settings(resume=True))


def test_a_folder_that_cannot_be_made_is_refused(digits, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="file/run: cannot be written"):
        qat.fit(network(), digits, 3, **settings(run=tmp_path / "file" / "run"))
