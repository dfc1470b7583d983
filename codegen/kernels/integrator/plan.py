"""The stage of a readout of leaky integrators: columns of codes, membranes in plain integers."""

from __future__ import annotations

import numpy as np

from codegen.kernels.common import signal_field
from codegen.kernels.integrator.readout import Integrating
from codegen.kernels.memory import Field, Scratch, Table
from codegen.kernels.neurons.integer import Constants, integer_ctype
from codegen.kernels.pack import pack_fields, words_for
from codegen.kernels.ranges import Range
from qat.model import LI, Dense, Model


def readout_stage(model: Model) -> Integrating:
    """Return the stage of a readout of leaky integrators, of any weights."""
    readout, scores, index = model.readout, model.bounds().scores, len(model.layers)
    assert isinstance(readout, LI)
    assert scores is not None
    assert model.steps is not None
    synapse, last = readout.synapse, model.layers[-1]
    reach, sums = readout.reach(model.steps, last.levels), readout.sums(last.levels)
    constants = Constants("", model.name)
    bias = constants.text("score_bias", np.broadcast_to(synapse.bias, synapse.n_out))
    field, v_ctype = signal_field(index - 1, model), integer_ctype(reach.kept)
    place = f"state->{field.place}"
    return Integrating(
        index=index,
        kernel="integrator",
        outputs=model.outputs,
        inputs=synapse.n_in,
        words=words_for(synapse.n_in),
        steps=model.steps,
        count_width=0,
        top=0,
        score=Range.of(scores),
        tables=(_weights(synapse), *constants.tables),
        fields=_fields(readout, v_ctype, model),
        scratch=Scratch(totals=synapse.n_out),
        helpers=_helpers(readout, last.levels),
        bits=synapse.bits,
        bias=bias,
        fraction_bits=synapse.fraction_bits,
        signal=f"&{place}[0][0]" if len(field.shape) > 1 else place,
        planes=last.levels.bit_length(),
        leak=readout.leak,
        mode=readout.score,
        threshold=readout.threshold or 0,
        v_ctype=v_ctype,
        sum=Range.of(sums),
        current=Range.of(synapse.current_range(sums)),
        v=Range.of(reach.kept),
    )


def _weights(synapse: Dense) -> Table:
    """Return the codes as packed columns, one for each value of the last signal."""
    columns = pack_fields(np.ascontiguousarray(synapse.codes.T), synapse.bits)
    return Table("readout_weights", "a column per value of the last signal", columns)


def _fields(readout: LI, v_ctype: str, model: Model) -> tuple[Field, ...]:
    """Return the members of the state: membranes, what is kept of them, where the steps are."""
    shape = (readout.synapse.n_out,)
    found = [Field("integral", "readout: membranes", v_ctype, shape)]
    if readout.score == "max":
        found.append(Field("largest", "readout: largest membranes so far", v_ctype, shape))
    if readout.score == "sum":
        found.append(Field("total", "readout: sums of the membranes so far", "int32_t", shape))
    if readout.score == "first":
        found.append(Field("settled", "1: a membrane has reached the threshold", "uint32_t", ()))
    if readout.score == "max" or model.stop is not None:
        found.append(Field("steps", "steps since the reset", "uint32_t", ()))
    return tuple(found)


def _helpers(readout: LI, levels: int) -> frozenset[str]:
    """Return the functions that its code calls."""
    helpers = {"clear", f"add_column{readout.synapse.bits}", "trailing_zeros"}
    helpers |= ({"asr"} if any(readout.leak) else set()) | ({"lane"} if levels > 1 else set())
    return frozenset(helpers)
