"""Membranes in bytes on Helium: where the proved ranges are bytes, or saturation makes them so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.zoo.windows import extreme_bytes

from codegen.kernels.windows.plan import layer_stage
from qat.model import LIF, Model


def changed(model: Model, neuron: LIF | None = None, **synapse: object) -> Model:
    """Return a model with another neuron, or other fields of its synapse."""
    (layer,) = model.layers
    made = replace(layer, neuron=neuron or layer.neuron, synapse=replace(layer.synapse, **synapse))
    return replace(model, layers=(made,))


def test_all_that_is_needed_lies_in_bytes_of_the_same_memory():
    stage = layer_stage(0, extreme_bytes())
    assert stage.in_bytes is not None
    (field, *_) = stage.fields
    assert field.shape[0] == stage.blocks
    assert 4 * field.shape[1] >= 32
    assert {table.name for table in stage.dense} >= {"nibbles0", "byte_threshold0", "byte_reset0"}
    assert stage.replaced == tuple(table.name for table in stage.tables)


@pytest.mark.parametrize(
    "neuron",
    [
        LIF(5, (), floor=-129, ceiling=127),
        LIF(125, (), floor=-128, ceiling=128),
        LIF(125, (), floor=-128),
        LIF(5, (), floor=-128, ceiling=127, most=2),
        LIF(5, (), floor=-128, ceiling=127, reset_by=200),
        LIF(5, (), "value", floor=-128, ceiling=127, reset_to=-150),
    ],
)
def test_what_may_leave_a_byte_is_computed_in_planes(neuron):
    stage = layer_stage(0, changed(extreme_bytes(), neuron))
    assert stage.in_bytes is None
    assert not stage.dense


def test_a_current_beyond_a_byte_is_computed_in_planes():
    assert layer_stage(0, changed(extreme_bytes(), bias=95)).in_bytes is not None
    assert layer_stage(0, changed(extreme_bytes(), bias=96)).in_bytes is None


def test_a_small_membrane_needs_no_saturation():
    model = changed(extreme_bytes(), LIF(np.array(9), (1,), "zero"))
    stage = layer_stage(0, model)
    assert stage.in_bytes is not None
    assert (stage.in_bytes.floor, stage.in_bytes.ceiling) == (None, None)
