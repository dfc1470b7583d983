"""Slopes by finite differences, for tests of gradients."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

ALONE = 2
"""Elements of an array that are moved one by one."""
TOGETHER = 2
"""Random directions in which all elements are moved at once: no wrong one hides in both."""


def in_float64(net: Any) -> Any:
    """Return a network whose parameters are float64."""
    net.parameters = {k: np.asarray(v, np.float64) for k, v in net.parameters.items()}
    return net


def numeric(
    function: Callable[[NDArray[Any]], Any], value: NDArray[Any], eps: float = 1e-6
) -> NDArray[np.float64]:
    """Return the central difference of a function of one array, element by element."""
    return np.reshape([_along(function, value, d, eps) for d in _elements(value)], value.shape)


def assert_slope(
    slope: NDArray[Any],
    function: Callable[[NDArray[Any]], Any],
    value: NDArray[Any],
    *,
    least: float = 0.0,
    eps: float = 1e-6,
    **tolerance: Any,
) -> None:
    """Compare the gradient of a function of one array with its differences.

    Along some elements, and along random directions, which see every element. At least one of the
    differences must be above `least` in size.
    """
    random = np.random.default_rng(value.size)
    elements = list(_elements(value))
    some = random.permutation(len(elements))[:ALONE]
    directions = [elements[i] for i in some]
    directions += [random.normal(size=value.shape) for _ in range(TOGETHER * (value.size > ALONE))]
    expected = [_along(function, value, one, eps) for one in directions]
    assert np.abs(expected).max() >= least, tolerance
    found = [np.sum(slope * one) for one in directions]
    np.testing.assert_allclose(found, expected, **tolerance)


def _elements(value: NDArray[Any]) -> Any:
    return np.eye(value.size).reshape(-1, *value.shape)


def _along(
    function: Callable[[NDArray[Any]], Any], value: NDArray[Any], d: NDArray[Any], eps: float
) -> float:
    return float((function(value + eps * d) - function(value - eps * d)) / (2 * eps))
