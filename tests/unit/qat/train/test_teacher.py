"""Learning from models: the loss and its gradient, what it gains, and models that do not fit."""

import re
from dataclasses import replace

import numpy as np
import pytest
from support.slopes import numeric

import qat
from qat.model import LIF, Analog, Dense, Frames, Layer, Model
from qat.train.loss import cross_entropy
from qat.train.network import Network
from qat.train.session import Session
from qat.train.teacher import Teacher, Teaching


@pytest.fixture(scope="module")
def digits():
    return qat.datasets.load("digits")


@pytest.fixture(scope="module")
def taught_by(digits):
    """A network of counts that knows the digits, trained once."""
    net = Network([64, 48, 10], neuron="burst", levels=3, steps=1, seed=3)
    qat.fit(net, digits, epochs=30)
    return qat.export(net, "counts")


def softmax(logits):
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)


def test_the_loss_is_that_of_both_and_its_gradient_belongs_to_it():
    random = np.random.default_rng(4)
    logits, labels = random.normal(size=(5, 3)) * 3, np.array([0, 2, 1, 1, 0])
    says = [softmax(random.normal(size=(5, 3))) for _ in range(2)]
    teaching = Teaching(tuple(lambda _, p=p: p for p in says), 0.6, 2.5)
    x = np.zeros((5, 1))
    loss, gradient = teaching.loss(x, logits, labels)
    wanted, said = (says[0] + says[1]) / 2, np.log(softmax(logits / 2.5))
    by_hand = 0.4 * cross_entropy(logits, labels)[0] - 0.6 * 2.5**2 * (wanted * said).sum(1).mean()
    np.testing.assert_allclose(loss, by_hand)
    slope = numeric(lambda z: teaching.loss(x, z, labels)[0], logits)
    np.testing.assert_allclose(gradient, slope, atol=1e-6)


def test_nothing_but_a_teacher_is_needed_to_learn(digits, taught_by):
    """Labels that are all wrong do not matter where the whole loss is the teacher's."""
    wrong = replace(digits, y_train=(digits.y_train + 1) % 10)
    net = Network([64, 32, 10], seed=5)
    qat.fit(net, wrong, epochs=15, teacher=Teacher([taught_by], part=1))
    assert qat.evaluate(net, digits.x_test, digits.y_test) > 0.9


def test_scores_become_probabilities_that_fit_validation_data(digits, taught_by):
    teaching = Teacher([taught_by], part=1, temperature=1).of(digits)
    (says,) = teaching.probabilities
    p, labels = says(digits.x_validation), digits.y_validation
    np.testing.assert_allclose(p.sum(axis=1), 1)
    loss = -np.log(p[range(len(labels)), labels]).mean()
    scores = taught_by.run(digits.x_validation).scores.astype(float)
    best = min(cross_entropy(scores * 2.0**k, labels)[0] for k in np.arange(-24, 4, 0.05))
    assert best - 1e-3 < loss < best + 1e-3


def test_a_training_with_a_teacher_goes_on_where_it_ended(digits, taught_by, tmp_path):
    def trained(net, part=0.7, **more):
        qat.fit(net, digits, epochs=3, run=tmp_path, teacher=Teacher([taught_by], part), **more)
        return qat.export(net)

    def stop(epoch):
        if epoch.number == 2:
            raise KeyboardInterrupt

    whole = trained(Network([64, 16, 10], seed=1))
    assert whole.metadata["training"]["teacher"] == [taught_by.digest()]
    trained(Network([64, 16, 10], seed=1), progress=stop)
    with pytest.raises(ValueError, match="teaching"):
        trained(Network([64, 16, 10], seed=1), 0.5, resume=True)
    resumed = trained(Network([64, 16, 10], seed=1), resume=True)
    assert resumed.digest() == whole.digest()
    alone = Network([64, 16, 10], seed=1)
    qat.fit(alone, digits, epochs=3)
    assert qat.export(alone).digest() != whole.digest()


def test_a_model_of_whole_windows_teaches_one_of_steps():
    random = np.random.default_rng(0)
    x = random.integers(-4, 4, (90, 6, 3)).astype(np.int8)
    data = qat.data.own.from_arrays(x, (x.sum(axis=(1, 2)) > 0).astype(int), name="steps")
    layer = Layer(Dense(np.array([[-1] * 18, [1] * 18])), LIF(1))
    held = Model(Analog(18, *data.input_range), (layer,), qat.model.Count(), 2, "whole")
    seen = []

    def scorer(model):
        return lambda inputs: seen.append(inputs) or model.run(inputs).scores

    teaching = Teacher([held], run=scorer).of(data)
    net = Network([3, 8, 2], steps=6, input="frames", input_range=data.input_range)
    Session(net, data, qat.Recipe(1, 16), 0, teaching).epoch()
    assert len(seen) > 1
    assert all(inputs.shape[1:] == (18,) for inputs in seen)
    np.testing.assert_array_equal(seen[0], data.x_validation.reshape(-1, 18))


def other(model_input, outputs=10):
    layer = Layer(Dense(np.ones((outputs, model_input.size), np.int8)), LIF(1))
    return Model(model_input, (layer,), qat.model.Count(), 4, "other")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda m: Teacher([]), "teacher: found no model; give at least one"),
        (lambda m: Teacher([m], part=0), "teaching: found 0; must be above 0, at most 1"),
        (lambda m: Teacher([m], part=1.5), "teaching: found 1.5; must be above 0, at most 1"),
        (lambda m: Teacher([m], temperature=0), "temperature: found 0; must be above 0, finite"),
        (
            lambda m: Teacher([other(Analog(64, 0, 16), 3)]),
            "teacher other: has 3 classes; digits has 10",
        ),
        (
            lambda m: Teacher([other(Analog(64, 0, 15))]),
            "teacher other: reads inputs of shape (64,), 0 to 15; those of digits are (64,), 0 to "
            "16; use a model trained on the same inputs",
        ),
        (
            lambda m: Teacher([other(Frames(64, 0, 16))]),
            "teacher other: reads inputs of shape (4, 64), 0 to 16; those of digits are (64,), 0 "
            "to 16; use a model trained on the same inputs",
        ),
        (
            lambda m: Teacher([replace(m, readout=None, steps=None)]),
            "teacher counts: runs free and gives no classes; use a model with a readout",
        ),
        (
            lambda m: Teacher([replace(m, metadata={**m.metadata, "x_scale": 0.5})]),
            "teacher counts: its inputs have the x_scale 0.5; those of digits 1.0; use a model "
            "trained on the same inputs",
        ),
        (
            lambda m: Teacher([other(Analog(64, 0, 16))]),
            "of digits's validation data, of which 10.5 % are of one class; use a model trained on "
            "these data",
        ),
        (
            lambda m: Teacher([replace(m, metadata={"data": {"classes": list("abcdefghij")}})]),
            "teacher counts: has the classes 'a', 'b'",
        ),
    ],
)
def test_what_does_not_fit_is_refused(make, message, digits, taught_by):
    named = replace(digits, class_names=tuple("0123456789"))
    with pytest.raises(ValueError, match=re.escape(message)):
        qat.fit(Network([64, 8, 10]), named, epochs=1, teacher=make(taught_by))
