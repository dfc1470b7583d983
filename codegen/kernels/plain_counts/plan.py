"""Stages of dense layers that read or emit counts: the plain kernel, with costs of their own."""

from __future__ import annotations

from dataclasses import replace

from codegen.kernels.common import spikes_of_dense
from codegen.kernels.kernel import LEVELS, layer_reads
from codegen.kernels.plain import plan as plain
from codegen.kernels.plain.layer import PlainLayer
from qat.model import Model


def counts(index: int, model: Model) -> bool:
    """Return True for a layer that reads counts, or whose neurons are not those of `plain`."""
    return layer_reads(index, model) == LEVELS or not spikes_of_dense(model.layers[index])


def layer_stage(index: int, model: Model) -> PlainLayer:
    """Return the stage of a dense layer of any weights, ternary ones included."""
    return replace(plain.layer_stage(index, model), kernel="plain_counts")
