"""What stands between neurons: chains of nodes that are linear, as weights of the integer model.

A chain is a convolution, weights, or, where neither fits, the matrix of the whole chain, which is
what a unit at every input makes of it. Scales and averages are taken into the weights.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

import numpy as np

from qat.model import Pool, Shape
from qat.model.conv import MAX_KERNEL, MAX_STRIDE
from qat.model.shape import Padding
from qat.nir.dynamics import Float
from qat.nir.layout import kernel_of, model_order, shape_of
from qat.nir.nodes import Extent, Float64, Node
from qat.nir.plan import Link, Window
from qat.nir.shapes import kernel_of as sides_of
from qat.nir.shapes import padding_of, strides_of
from qat.nir.twin import apply

MOST_UNROLLED = 2**22
"""Weights of a chain that is written as one matrix, at most."""

AT_ONCE = 512


@dataclass(frozen=True, eq=False)
class Weights:
    """A chain as weights: the link, whose source and delay come later; bias by channel or neuron.

    unrolled: names of the nodes that became one matrix, () if none
    """

    link: Link
    bias: Float64
    unrolled: tuple[str, ...] = ()


def pool_of(node: Node) -> tuple[Pool, float] | None:
    """Return (a pool of a layer, what one of its values is worth); None for one that is none."""
    if node.kind not in ("SumPool2d", "AvgPool2d"):
        return None
    kernel, given = sides_of(node), node.reads
    plain = strides_of(node) == kernel and not any(map(any, padding_of(node, given)))
    if not plain or any(side % k for side, k in zip(given[1:], kernel, strict=True)):
        return None
    pool = Pool("sum", (kernel[0], kernel[1]))
    return pool, (1 / prod(kernel) if node.kind == "AvgPool2d" else 1.0)


def weights_of(chain: list[Node], given: Extent, worth: float) -> Weights:
    """Return a chain of linear nodes, from a signal of this extent, as weights.

    worth: of 1 in the signal. Raises ValueError for a chain without weights that fit the model.
    """
    core = [node for node in chain if node.kind not in ("Flatten", "Scale", "Output")]
    scales = [node for node in chain if node.kind == "Scale"]
    if len(core) == 1 and not scales:
        one = core[0]
        found = _dense(one, given) if one.kind in ("Affine", "Linear") else None
        if one.kind.startswith("Conv") and all(n.kind != "Flatten" for n in chain):
            found = _window(one)
        if found is not None:
            return replace(found, link=replace(found.link, weight=found.link.weight * worth))
    return _unrolled(chain, given, worth)


def _dense(node: Node, given: Extent) -> Weights:
    weight = node.values["weight"][:, model_order(given)]
    bias = node.values.get("bias", np.zeros(len(weight)))
    return Weights(Link(0, weight), bias)


def _window(node: Node) -> Weights | None:
    """Return a convolution that a Conv record can be, None for others."""
    given = shape_of(node.reads)
    strides = (1, *strides_of(node)) if node.kind == "Conv1d" else strides_of(node)
    pads = padding_of(node, node.reads)
    pads = ((0, 0), *pads) if node.kind == "Conv1d" else pads
    weight, groups = node.values["weight"], node.whole("groups")[0]
    depthwise = groups > 1 and groups == given.channels == len(weight)
    if groups > 1 and not depthwise:
        weight, groups = _whole_groups(weight, groups), 1
    kernel = kernel_of(weight)
    own = strides[0] if given.height > 1 else strides[1]
    if given.height == 1 and given.width > 1:
        strides = (own, strides[1])
    if (strides[0] != strides[1] and given.height > 1) or own > MAX_STRIDE:
        return None
    fitted = _padded(kernel, pads, given, own)
    if fitted is None or max(fitted[0].shape[1:3]) > MAX_KERNEL:
        return None
    kernel, padding = fitted
    link = Link(0, kernel, Window(given, own, padding, groups))
    if link.shape.size != prod(node.extent):
        return None
    return Weights(link, node.values["bias"])


def _whole_groups(weight: Float64, groups: int) -> Float64:
    """Return the weights of a convolution in groups as those of one, with zeros between them."""
    out, each = len(weight) // groups, weight.shape[1]
    found = np.zeros((len(weight), each * groups, *weight.shape[2:]))
    for g in range(groups):
        found[g * out : (g + 1) * out, g * each : (g + 1) * each] = weight[g * out : (g + 1) * out]
    return found


def _padded(
    kernel: Float64, pads: tuple[tuple[int, int], ...], given: Shape, stride: int
) -> tuple[Float64, Padding] | None:
    """Return (kernel, padding) of a record that reads what a kernel with these zeros does.

    The record's "same" looks (kernel - 1) // 2 positions back and has as many positions as
    ceil(side / stride). A kernel with rows of zeros before or behind looks back further, or less.
    """
    if not any(map(any, pads)):
        return kernel, "none"
    sides = []
    for axis, (side, (low, high)) in enumerate(
        zip((given.height, given.width), pads, strict=True), start=1
    ):
        k = kernel.shape[axis]
        if (side + low + high - k) // stride + 1 != -(-side // stride):
            return None
        fits = [n for n in range(k, MAX_KERNEL + 1) if 0 <= (n - 1) // 2 - low <= n - k]
        if not fits or fits[0] > side:
            return None
        before = (fits[0] - 1) // 2 - low
        sides.append((before, fits[0] - k - before))
    return np.pad(kernel, ((0, 0), *sides, (0, 0))), "same"


def _unrolled(chain: list[Node], given: Extent, worth: float) -> Weights:
    """Return a chain as one matrix: what it makes of a unit at every input."""
    size, out = prod(given), prod(chain[-1].extent) if chain else prod(given)
    if size * out > MOST_UNROLLED:
        names = ", ".join(node.name for node in chain) or "the edge"
        raise ValueError(
            f"{names}: as one matrix it has {size * out:,} weights; at most {MOST_UNROLLED:,}, and "
            "no convolution of the model is the same"
        )
    bias = _through(chain, np.zeros((1, size)), given)[0]
    columns = [
        _through(chain, np.eye(min(AT_ONCE, size - i), size, i), given) - bias
        for i in range(0, size, AT_ONCE)
    ]
    order = model_order(chain[-1].extent if chain else given)
    weight = np.concatenate(columns).T[np.ix_(order, model_order(given))] * worth
    return Weights(Link(0, weight), bias[order], tuple(node.name for node in chain))


def _through(chain: list[Node], x: Float, given: Extent) -> Float:
    found = x.reshape(len(x), *given)
    for node in chain:
        found = apply(node, found.reshape(len(found), *node.reads))
    return found.reshape(len(x), -1)
