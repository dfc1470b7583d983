"""A new kind of synapse is a record in its table and a kernel: model, bounds, file and C follow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from codegen import kernels
from codegen.checks.equivalence import compare_host
from codegen.kernels import SPIKES, Kernel
from codegen.kernels.plain import plan as plain
from codegen.plan.choose import plan
from codegen.render import render_program
from codegen.report.summary import summarize
from qat.model import (
    LIF,
    Activity,
    Count,
    Dense,
    Interval,
    Layer,
    Model,
    Shape,
    Spikes,
    edges,
    file,
)
from qat.model.checks import IntArray, first_channels
from qat.model.digest import line
from qat.model.synapses import Weighted


@dataclass(frozen=True, eq=False)
class Own(Weighted):
    """A weight for each input, which alone reaches the neuron of its number."""

    codes: IntArray
    bits: int = 4
    bias: IntArray = field(default_factory=lambda: np.zeros((), np.int32))
    fraction_bits: int = 0
    input_shift: int = 0

    def __post_init__(self) -> None:
        self._check_numbers("n")

    @property
    def n_in(self) -> int:
        return len(self.codes)

    n_out = channels = in_channels = n_in

    @property
    def shape(self) -> Shape:
        return Shape.vector(self.n_out)

    def output_shape(self, given: Shape) -> Shape:
        if given.size != self.n_in:
            raise ValueError(f"has {self.n_in} inputs; what precedes it has {given.size}")
        return self.shape

    def currents(self, x: NDArray[Any], magnitude: int) -> NDArray[np.int32]:
        return self._scaled(x.astype(np.int64) * self.codes)

    def narrowed(self, given: Shape | None = None, channels: int | None = None) -> Own:
        return replace(self, codes=self.codes[:channels], bias=first_channels(self.bias, channels))

    def pictures(self, given: Shape) -> IntArray:
        return np.diag(self.codes).reshape(self.n_out, *given.sides)

    def digested(self) -> Iterator[bytes]:
        yield line("own", *self.codes.shape, self.fraction_bits, self.input_shift)
        yield from self._digested_numbers()


def layer_stage(index: int, model: Model) -> Any:
    """Return the stage of the plain kernel for the same as a matrix."""
    layer = model.layers[index]
    own = layer.synapse
    assert isinstance(own, Own)
    matrix = Dense(np.diag(own.codes), own.bits, own.bias, own.fraction_bits)
    layers = list(model.layers)
    layers[index] = replace(layer, synapse=matrix)
    return replace(plain.layer_stage(index, replace(model, layers=tuple(layers))), kernel="own")


@pytest.fixture(autouse=True)
def tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """The record and the kernel in their tables, nothing else."""
    monkeypatch.setattr(edges, "SYNAPSES", (*edges.SYNAPSES, Own))
    monkeypatch.setitem(file.RECORDS, "own", Own)
    folder = Path(plain.__file__).parent
    row = Kernel(
        name="own", synapse=Own, bits=(4,), reads=(SPIKES,), layer=layer_stage,
        costs={}, folder=folder,
    )  # fmt: skip
    monkeypatch.setattr(kernels, "KERNELS", (*kernels.KERNELS, row))


@pytest.fixture
def model() -> Model:
    rng = np.random.default_rng(0)
    own = Own(rng.integers(-7, 8, 33), bias=2)
    dense = Dense(rng.integers(-7, 8, (6, 33)), bits=4, bias=1)
    layers = (Layer(own, LIF(9, (3,))), Layer(dense, LIF(20, (3,))))
    return Model(Spikes(33), layers, Count(), 5, "net")


def test_it_runs_within_its_bounds(model: Model) -> None:
    x = np.random.default_rng(1).integers(0, 2, (20, 5, 33)).astype(bool)
    result = model.run(x, trace=True)
    assert result.spikes[0].any()
    found = model.bounds().layers[0]
    own = model.layers[0].synapse
    assert isinstance(own, Own)
    low, high = np.minimum(own.codes, 0), np.maximum(own.codes, 0)
    assert found.accumulator.equals(Interval(low.astype(np.int64), high.astype(np.int64)))
    assert Activity.of(model)


def test_its_file_and_its_digest_are_its_own(model: Model, tmp_path: Path) -> None:
    model.save(tmp_path / "net.npz")
    back = Model.load(tmp_path / "net.npz")
    assert isinstance(back.layers[0].synapse, Own)
    assert back.digest() == model.digest()
    other = replace(model.layers[0], synapse=replace(model.layers[0].synapse, bias=3))
    assert replace(model, layers=(other, model.layers[1])).digest() != model.digest()


def test_it_is_planned_described_and_equal_on_this_machine(model: Model) -> None:
    program = plan(model)
    assert [stage.kernel for stage in program.stages] == ["own", "plain", "count"]
    assert summarize(model)["stages"][0]["kernel"] == "own"
    files = render_program(program)
    assert compare_host(model, code=files).differing == 0
    wrong = files["net.c"].replace("u += state->totals[j] + 2;", "u += state->totals[j] + 3;")
    assert wrong != files["net.c"]
    assert compare_host(model, code=files | {"net.c": wrong}).differing > 0
