"""Readouts of bytes in fields: the C equals the model for every number of outputs left over."""

from __future__ import annotations

import numpy as np
import pytest
from support.zoo.readouts import read_by

from codegen.checks.equivalence import made_inputs
from codegen.host import HostModel
from codegen.kernels.fields.plan import column_tables
from codegen.render.generated import generated


def scores_differ(outputs: int, steps: int, **fault: str) -> bool:
    """Return True if the C of a model of 8 bits has other scores; fault: {old=, new=} of it."""
    model = read_by(outputs, 40, steps, outputs, bits=8)
    made = generated(model, kernels={1: "fields"})
    files = dict(made.files)
    if fault:
        assert fault["old"] in files["readout.c"]
        files["readout.c"] = files["readout.c"].replace(fault["old"], fault["new"])
    x = made_inputs(model, 40, seed=3)
    found = HostModel(model, files=files).run(x).scores
    return not np.array_equal(found, model.run(x).scores)


@pytest.mark.parametrize("outputs", range(2, 15))
def test_every_number_of_outputs(outputs):
    assert not scores_differ(outputs, 1 + outputs % 2)


@pytest.mark.parametrize(
    ("old", "new"),
    [("(bytes) << 8", "(bytes) << 7"), ("both >> 16", "both >> 15"), ("pair[j / 2u]", "pair[0]")],
)
def test_another_field_shows(old, new):
    assert scores_differ(10, 1, old=old, new=new)


def test_two_outputs_left_over_take_no_word():
    sizes = {n: sum(t.bytes for t in column_tables(np.zeros((n, 1), int))) for n in range(2, 11)}
    assert sizes == {2: 2, 3: 4, 4: 4, 5: 5, 6: 6, 7: 8, 8: 8, 9: 9, 10: 10}
