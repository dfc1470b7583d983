"""Slopes by finite differences, for tests of gradients."""

import numpy as np


def in_float64(net):
    """Return a network whose parameters are float64."""
    net.parameters = {k: np.asarray(v, np.float64) for k, v in net.parameters.items()}
    return net


def numeric(function, value, eps=1e-6):
    """Return the central difference of a function of one array, element by element."""
    slope = np.empty(value.shape)
    for index in np.ndindex(value.shape):
        step = np.zeros(value.shape)
        step[index] = eps
        slope[index] = (function(value + step) - function(value - step)) / (2 * eps)
    return slope
