import signal
from dataclasses import replace

import numpy as np
import pytest

import qat
from qat.data.own import from_arrays
from qat.train.network import Network
from qat.train.optimiser import Adam, averaged, cosine_rate
from qat.train.recipes import Recipe, recipe_for


@pytest.fixture(scope="module")
def digits():
    return qat.datasets.load("digits")


def small_data(kind="analog", samples=400, seed=0):
    """Two classes: which half of the inputs (of the steps, for frames) is louder."""
    random = np.random.default_rng(seed)
    y = random.integers(0, 2, samples)
    x = random.integers(0, 6, (samples, 8) if kind == "analog" else (samples, 6, 8))
    for i, label in enumerate(y):
        part = slice(0, x.shape[1] // 2) if label else slice(x.shape[1] // 2, None)
        x[i, part] += 6
    return from_arrays(x > 6 if kind == "spikes" else x, y, name=f"small {kind}")


@pytest.mark.parametrize("bits", [None, 2, 4, 8, 16])
def test_a_network_learns_the_digits(bits, digits):
    net = Network([64, 48, 10], bits, seed=1)
    history = qat.fit(net, digits, epochs=12)
    assert history.best.validation_accuracy > 0.9
    assert history.epochs[-1].loss < 0.5 * history.epochs[0].loss


@pytest.mark.parametrize("kind", ["analog", "frames", "spikes"])
@pytest.mark.parametrize("readout", ["accumulate", "count"])
def test_every_input_and_readout_learns(kind, readout):
    net = Network([8, 16, 12, 2], 2, 6, input=kind, readout=readout, bias=True, seed=2)
    data = small_data(kind)
    history = qat.fit(net, data, epochs=25, batch_size=32)
    assert history.best.validation_accuracy > 0.9
    model = qat.export(net)
    assert qat.evaluate(model, data.x_test, data.y_test) > 0.85
    np.testing.assert_array_equal(model.run(data.x_test).scores, net.run(data.x_test).scores)


def test_the_same_seeds_give_the_same_network(digits):
    def trained(net_seed, fit_seed):
        net = Network([64, 20, 10], seed=net_seed)
        history = qat.fit(net, digits, seed=fit_seed, epochs=2)
        return qat.export(net).digest(), [e.loss for e in history.epochs]

    assert trained(0, 0) == trained(0, 0)
    assert len({trained(0, 0)[0], trained(1, 0)[0], trained(0, 1)[0]}) == 3


def test_the_best_epoch_on_validation_data_is_kept(digits):
    net, seen = Network([64, 12, 10], seed=0), []

    def spoil_the_end(x, random):
        return random.integers(0, 17, x.shape) if len(seen) >= 6 else x

    history = qat.fit(net, digits, epochs=8, augment=spoil_the_end, progress=seen.append)
    assert tuple(seen) == history.epochs
    assert [e.number for e in seen] == list(range(1, 9))
    accuracies = [e.validation_accuracy for e in seen]
    assert history.best.validation_accuracy == max(accuracies)
    assert history.best.number <= 6
    assert qat.evaluate(net, digits.x_validation, digits.y_validation) == max(accuracies)
    assert not history.interrupted
    assert history.seconds == sum(e.seconds for e in seen)


def test_what_training_reports_travels_in_the_model(digits, tmp_path):
    net = Network([64, 20, 16, 10], seed=0)
    history = qat.fit(net, digits, seed=5, epochs=2)
    model = qat.export(net)
    assert model.metadata["firing_rates"] == list(history.best.firing_rates)
    np.testing.assert_allclose(
        model.metadata["firing_rates"], net.run(digits.x_validation).firing_rates, rtol=1e-6
    )
    result = model.run(digits.x_validation, trace=True)
    rates = [layer.mean() for layer in result.spikes]
    np.testing.assert_allclose(model.metadata["firing_rates"], rates, rtol=1e-6)
    accuracy = model.metadata["accuracy"]
    assert accuracy["validation"] == history.best.validation_accuracy
    assert accuracy["train"] == qat.evaluate(model, digits.x_train, digits.y_train)
    assert model.metadata["training"]["seed"] == 5
    assert model.metadata["training"]["best_epoch"] == history.best.number
    assert model.metadata["x_scale"] == 1.0
    assert model.metadata["x_offset"] == 0.0
    model.save(tmp_path / "digits.npz")
    assert qat.Model.load(tmp_path / "digits.npz").metadata == model.metadata
    other = qat.export(net, x=digits.x_test)
    assert other.digest() == model.digest()
    assert other.metadata["firing_rates"] == list(net.run(digits.x_test).firing_rates)


def test_scales_of_channels_travel_in_the_model(tmp_path):
    random = np.random.default_rng(0)
    x = random.normal(size=(60, 4, 2)) * [1, 9] + [0, 70]
    data = from_arrays(x, np.arange(60) % 2, each_feature=True)
    net = Network([2, 4, 2], steps=4, input="frames")
    qat.fit(net, data, epochs=1)
    qat.export(net).save(tmp_path / "m.npz")
    metadata = qat.Model.load(tmp_path / "m.npz").metadata
    np.testing.assert_allclose(metadata["x_offset"], x.mean(axis=(0, 1)), atol=1.5)
    np.testing.assert_allclose(metadata["x_scale"], np.array([3, 27]) / 127, rtol=0.2)


def test_ctrl_c_keeps_the_best_so_far(digits):
    net = Network([64, 20, 10], seed=0)

    def interrupt(epoch):
        if epoch.number == 3:
            signal.raise_signal(signal.SIGINT)

    history = qat.fit(net, digits, epochs=50, progress=interrupt)
    assert history.interrupted
    assert len(history.epochs) == 3
    best = qat.evaluate(net, digits.x_validation, digits.y_validation)
    assert (
        best
        == history.best.validation_accuracy
        == max(e.validation_accuracy for e in history.epochs)
    )
    assert qat.export(net).metadata["training"]["best_epoch"] == history.best.number


def test_ctrl_c_in_the_first_epoch_leaves_the_network_as_it_was(digits):
    net = Network([64, 20, 10], seed=0)
    before = {name: value.copy() for name, value in net.parameters.items()}

    def interrupt(x, random):
        if random.random() < 0.2:
            raise KeyboardInterrupt
        return x

    history = qat.fit(net, digits, epochs=5, augment=interrupt)
    assert history.interrupted
    assert history.best is None
    assert history.epochs == ()
    for name, value in before.items():
        np.testing.assert_array_equal(net.parameters[name], value)


def test_the_penalty_silences_neurons(digits):
    rates = []
    for penalty in (0.0, 0.1):
        net = Network([64, 32, 10], seed=0)
        history = qat.fit(net, digits, epochs=10, rate_penalty=penalty)
        rates.append(history.best.firing_rates[0])
        assert history.best.validation_accuracy > 0.85
    assert rates[1] < 0.6 * rates[0]


def test_spending_holds_a_network_to_its_instructions(digits):
    def spent(**settings):
        net = Network([64, 32, 24, 10], seed=0)
        history = qat.fit(net, digits, epochs=15, rate_penalty=0.0, **settings)
        assert history.best.validation_accuracy > 0.9
        first, second = history.epochs[-1].firing_rates
        return 8 * (20 * 32 * first + 10 * 24 * second), first / second

    free, _ = spent()
    target = 0.3 * free
    dear, ratio = spent(spike_cost=[20, 10], cost_target=target, cost_penalty=0.5)
    assert 0.5 * target < dear < 1.2 * target
    _, other = spent(spike_cost=[1, 100], cost_target=target, cost_penalty=0.5)
    assert other > 1.5 * ratio  # the layer whose spikes cost more spikes less


def test_settings_without_a_cost_are_as_they_were(digits):
    assert "spike_cost" not in qat.RECIPES["digits"].settings()
    net = Network([64, 8, 10])
    history = qat.fit(net, digits, epochs=1, spike_cost=[3], cost_target=500)
    assert history.settings["spike_cost"] == [3]
    assert history.settings["cost_target"] == 500


def test_augmentation_sees_every_batch(digits):
    seen = []

    def count(x, random):
        seen.append(len(x))
        assert isinstance(random, np.random.Generator)
        return x

    qat.fit(Network([64, 8, 10]), digits, epochs=2, batch_size=100, augment=count)
    assert sum(seen) == 2 * len(digits.y_train)
    assert max(seen) - min(seen) <= 1


def test_augmentation_of_a_recipe_can_be_left_out(digits):
    def changed(augment):
        seen = []

        def count(x, random):
            seen.append(len(x))
            return x

        recipe = qat.train.recipes.Recipe(1, 100, 1e-3, 0.0, augment=count)
        history = qat.fit(Network([64, 8, 10]), digits, recipe=recipe, augment=augment)
        return sum(seen), history.settings["augment"]

    assert changed(None)[0] == len(digits.y_train)
    assert changed(False) == (0, None)


def test_the_float_network_cannot_be_exported(digits):
    for bits in (None, [2, None]):
        net = Network([64, 8, 10], bits, input_range=(0, 16))
        with pytest.raises(ValueError, match="has real weights"):
            qat.export(net)
        assert 0 <= qat.evaluate(net, digits.x_test, digits.y_test) <= 1


def test_quantizing_after_training_loses_what_training_through_it_keeps(digits):
    net = Network([64, 48, 10], None, seed=1)
    qat.fit(net, digits, epochs=15)
    trained = Network([64, 48, 10], 2, seed=1)
    qat.fit(trained, digits, epochs=15)

    def accuracy(network):
        return qat.evaluate(network, digits.x_validation, digits.y_validation)

    after = {bits: accuracy(net.with_bits(bits)) for bits in (2, 8)}
    assert after[8] > accuracy(net) - 0.02
    assert after[2] < accuracy(net) - 0.02
    assert after[2] < accuracy(trained)
    assert net.bits == (None, None)
    assert qat.export(net.with_bits(8)).metadata == {}


@pytest.mark.parametrize(
    ("sizes", "values", "said"),
    [
        ([63, 8, 10], {}, "digits, x_train: x: found shape"),
        ([64, 8, 9], {}, "has 10 classes; the network has 9 outputs"),
        ([64, 8, 10], {"epochs": 0}, "epochs: found 0"),
        ([64, 8, 10], {"batch_size": 0}, "batch_size: found 0"),
        ([64, 8, 10], {"learning_rate": -1.0}, "learning_rate: found -1.0"),
        ([64, 8, 10], {"averaging": 1.0}, "averaging: found 1.0; must be at least 0 and below 1"),
        ([64, 8, 10], {"keep": "first"}, "keep: found 'first'; use best or last"),
        ([64, 8, 10], {"rate_penalty": float("nan")}, "rate_penalty: found nan"),
        ([64, 8, 10], {"spike_cost": [1, 2], "cost_target": 9}, "found 2 numbers; the network has"),
        ([64, 8, 10], {"spike_cost": [-1], "cost_target": 9}, "spike_cost: found .-1.; must be 0"),
        ([64, 8, 10], {"spike_cost": [1]}, "cost_target: found 0.0; must be instructions per"),
        (
            [64, 8, 10],
            {"spike_cost": [1], "cost_target": 9, "cost_penalty": -1},
            "cost_penalty: found -1",
        ),
    ],
)
def test_what_cannot_be_trained_is_refused(sizes, values, said, digits):
    with pytest.raises(ValueError, match=said):
        qat.fit(Network(sizes), digits, **values)


def test_data_outside_a_given_range_is_refused(digits):
    with pytest.raises(ValueError, match="holds 0 to 16; the network was made for 0 to 15"):
        qat.fit(Network([64, 8, 10], input_range=(0, 15)), digits)


def test_evaluate_refuses(digits):
    net = Network([64, 8, 10], input_range=(0, 16))
    with pytest.raises(ValueError, match="y: found shape"):
        qat.evaluate(net, digits.x_test, digits.y_test[:-1])
    with pytest.raises(ValueError, match="y: found shape"):
        qat.evaluate(net, digits.x_test[:0], digits.y_test[:0])
    free = qat.QuantizedSNNLayer(3, 2).to_model()
    with pytest.raises(ValueError, match="free-running"):
        qat.evaluate(free, np.zeros((1, 4, 3), np.int8), [0])


# --------------------------------------------------------------- optimiser


def test_adam_follows_its_equations():
    p, adam = {"0.weight": np.array([1.0, -2.0]), "0.threshold": np.array(1.0)}, Adam(0.1)
    m = v = 0.0
    w, random = p["0.weight"], np.random.default_rng(0)
    for t in range(1, 6):
        g = random.normal(size=2)
        adam, p = adam.step(p, {"0.weight": g, "0.threshold": np.array(0.0)}, 0.01)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        step = m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        w = w * (1 - 0.01 * 0.1) - 0.01 * step
        np.testing.assert_allclose(p["0.weight"], w, rtol=1e-12)
    assert p["0.threshold"] == 1.0  # no decay, no gradient


def test_the_rate_falls_along_a_cosine():
    rates = [cosine_rate(2.0, p) for p in (0.0, 0.5, 1.0)]
    np.testing.assert_allclose(rates, [2.0, 2.0 * 0.505, 0.02])


def test_an_average_forgets_its_start():
    old, new = {"w": np.float32([0, 8])}, {"w": np.float32([10, 0])}
    assert averaged(old, new, 0.0, 5) is new
    np.testing.assert_allclose(averaged(old, new, 0.9, 1)["w"], [10 * 10 / 11, 8 / 11], rtol=1e-6)
    np.testing.assert_allclose(averaged(old, new, 0.9, 1000)["w"], [1, 7.2], rtol=1e-6)
    assert averaged(old, new, 0.9, 5)["w"].dtype == np.float32


def test_the_network_of_averaged_weights_is_what_is_validated_and_kept(digits):
    net = Network([64, 24, 10], seed=0)
    history = qat.fit(net, digits, epochs=8, averaging=0.98)
    plain = qat.fit(Network([64, 24, 10], seed=0), digits, epochs=8)
    assert history.best.validation_accuracy > 0.85
    best = qat.evaluate(net, digits.x_validation, digits.y_validation)
    assert best == history.best.validation_accuracy
    assert history.epochs[0].loss == plain.epochs[0].loss  # what trains is not the average
    assert history.epochs[0].validation_loss != plain.epochs[0].validation_loss


def test_the_last_epoch_is_kept_where_that_is_asked(digits, tmp_path):
    settings = {"epochs": 10, "learning_rate": 0.02, "batch_size": 128}
    best, last = Network([64, 24, 10]), Network([64, 24, 10])
    usual = qat.fit(best, digits, **settings)
    run = {"run": tmp_path / "run", "keep": "last"}
    asked = qat.fit(last, digits, **settings, **run)
    assert usual.best.number < 10, "the settings must make the best epoch another than the last"
    assert asked.best == asked.epochs[-1]
    assert asked.best.validation_loss == usual.epochs[-1].validation_loss
    assert qat.evaluate(last, digits.x_validation, digits.y_validation) == (
        usual.epochs[-1].validation_accuracy
    )
    assert qat.Model.load(tmp_path / "run" / "model.npz").digest() == qat.export(last).digest()
    again = Network([64, 24, 10])
    assert qat.fit(again, digits, **settings, **run, resume=True).best == asked.best
    assert qat.export(again).digest() == qat.export(last).digest()
    assert (usual.settings.get("keep"), asked.settings["keep"]) == (None, "last")


def test_recipes_fit_the_size_of_the_data():
    assert recipe_for("digits", 5) == qat.RECIPES["digits"]
    small, large = recipe_for("mine", 300), recipe_for("mine", 10**6)
    assert small.epochs == 200
    assert large.epochs == 10
    assert large.batch_size > small.batch_size


def test_a_recipe_over_other_epochs_averages_the_same_part_of_them():
    recipe = Recipe(60, 64, averaging=0.999)
    assert recipe.over(60) == recipe
    assert recipe.over(20) == replace(recipe, epochs=20, averaging=pytest.approx(0.997))
    assert recipe.over(600).averaging == pytest.approx(0.9999)
    assert Recipe(60, 64, averaging=0.9).over(3).averaging == 0
    assert Recipe(60, 64).over(3) == Recipe(3, 64)


def test_networks_on_maps_have_a_recipe_of_their_own():
    """Behind batch norms: a high rate that falls to nothing, no decay, large batches."""
    dense = recipe_for("mnist-16", 55_000)
    for name in ("mnist-16", "mine"):
        recipe = recipe_for(name, 55_000, normalised=True)
        assert recipe.learning_rate >= 1e-2 > dense.learning_rate
        assert (recipe.weight_decay, recipe.final_rate, recipe.averaging) == (0.0, 0.0, 0.0)
        assert recipe.batch_size > dense.batch_size
    for name in ("mnist-16", "digits"):
        counts = recipe_for(name, 55_000, normalised=True, on_maps=False)
        maps = recipe_for(name, 55_000, normalised=True)
        assert counts.epochs > maps.epochs
        assert counts.augment.shift < maps.augment.shift
