"""The accuracy that the README claims, with the default recipe; about half a minute."""

import numpy as np

import qat


def test_ternary_digits_lose_at_most_a_point():
    data = qat.datasets.load("digits")

    def accuracy(bits, seed):
        net = qat.Network([data.inputs, 64, data.classes], bits, 8, seed=seed)
        qat.fit(net, data, seed=seed)
        return qat.evaluate(net, data.x_test, data.y_test)

    ternary, real = (np.mean([accuracy(bits, seed) for seed in range(5)]) for bits in (2, None))
    assert ternary >= 0.965
    assert ternary >= real - 0.01
