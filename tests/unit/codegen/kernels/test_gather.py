"""What kernels see of delays and further edges, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from codegen import check
from codegen.kernels import KERNELS
from codegen.kernels.gather.view import seen
from codegen.plan.choose import plan
from qat.model import (
    ALIF,
    LIF,
    Burst,
    Conv,
    Count,
    CuBa,
    Dense,
    Edge,
    Frames,
    Layer,
    LeakClasses,
    Model,
    Neuron,
    Shape,
    Spikes,
    Synapse,
)

NEURON = LIF(np.array(3), (2,))


def dense(n: int, m: int, bits: int = 2, value: int = 1, **fields: int) -> Dense:
    return Dense(np.full((m, n), value), bits, **fields)


def one_layer(first: Synapse, *more: Edge, delay: object = 0, n: int = 40) -> Model:
    layer = Layer(first, NEURON, delay=delay, more=more)
    return Model(Spikes(n), (layer,), Count(), 6, "one")


def test_a_model_without_edges_is_seen_as_it_is() -> None:
    model = one_layer(dense(40, 5))
    assert seen(model) is model
    assert not plan(model).rings


def test_weights_of_all_edges_are_columns_of_one_synapse() -> None:
    model = one_layer(dense(40, 5), Edge(dense(5, 5, value=-1), "self", 1))
    layer = seen(model).layers[0]
    assert layer.synapse.codes.shape == (5, 64 + 32)
    assert layer.synapse.codes.sum(axis=1).tolist() == [40 - 5] * 5
    assert layer.synapse.bits == 2


def test_the_finest_unit_is_that_of_all_weights() -> None:
    model = one_layer(dense(40, 5, fraction_bits=3), Edge(dense(5, 5, fraction_bits=1), "self", 1))
    synapse = seen(model).layers[0].synapse
    assert (synapse.fraction_bits, synapse.bits) == (1, 4)
    assert synapse.codes[0, [0, 64]].tolist() == [4, 1]


def test_a_signal_that_its_own_layer_reads_a_step_later_needs_no_ring() -> None:
    program = plan(one_layer(dense(40, 5), Edge(dense(5, 5), "self", 1)))
    assert program.rings == ()
    program = plan(one_layer(dense(40, 5), Edge(dense(5, 5), "self", 2)))
    assert [(ring.source, ring.slots, ring.words) for ring in program.rings] == [(0, 2, 1)]


def test_counts_are_gathered_in_as_many_planes_as_the_largest_has() -> None:
    counting = Layer(dense(40, 5), Burst(np.array([1, 4, 9])))
    second = Layer(dense(5, 7), NEURON, more=(Edge(dense(40, 7), "input", 3),))
    (_, gather) = plan(Model(Spikes(40), (counting, second), Count(), 4, "two")).gathers
    assert [part.planes for part in gather.parts] == [2, 1]
    assert gather.size == 2 * 3


MAP = Shape(5, 5, 2)
CONV = Conv(np.ones((2, 3, 3, 2), np.int64), MAP)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (
            Model(
                Spikes(50, grid=MAP),
                (Layer(CONV, NEURON, more=(Edge(CONV, "self", 1),)),),
                Count(),
                3,
            ),
            "generate: layer 0, edge 0 is a Conv; of several edges each must be a Dense",
        ),
        (
            Model(
                Frames(4, 0, 7),
                (
                    Layer(dense(4, 3), NEURON),
                    Layer(dense(3, 3), NEURON, more=(Edge(dense(4, 3), "input"),)),
                ),
                Count(),
                3,
            ),
            "generate: layer 1, edge 1 reads the input's values; only the first edge of layer 0",
        ),
        (
            one_layer(dense(40, 5, 16, 30_000, fraction_bits=2), Edge(dense(5, 5), "self", 1)),
            "generate: layer 0: its edges have weights of 0 to 120000 in one unit",
        ),
    ],
)
def test_what_no_kernel_reads_is_one_line(model: Model, said: str) -> None:
    with pytest.raises(ValueError, match=r"^generate: ") as caught:
        plan(model)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


NEURONS = (
    LIF(9, (2,)),
    LIF(9, LeakClasses(((1,), (3, -5)), [0, 1, 1]), "zero", most=3),
    CuBa(9, (2,), leak_c=(1,)),
    ALIF(5, (2,), leak_b=2, raise_by=3),
    Burst(np.array([3, 9])),
)


@pytest.mark.parametrize("neuron", NEURONS, ids=lambda one: type(one).__name__)
def test_every_neuron_reads_bytes_beside_a_signal(neuron: Neuron) -> None:
    echo = Edge(dense(3, 3), "self", 1)
    model = Model(Frames(4, 0, 7), (Layer(dense(4, 3), neuron, more=(echo,)),), Count(), 9)
    assert plan(model).layers[0].kernel == "mixed"
    x = np.random.default_rng(0).integers(0, 8, (20, 9, 4))
    assert check(model, x) is None
    assert model.run(x).scores.any()


def test_neurons_that_no_kernel_has_there_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    some = [replace(row, neuron=(LIF,) if row.edges > 1 else row.neuron) for row in KERNELS]
    monkeypatch.setattr("codegen.kernels.KERNELS", tuple(some))
    layer = Layer(dense(4, 3), NEURONS[2], more=(Edge(dense(3, 3), "self", 1),))
    with pytest.raises(ValueError, match="no kernel has CuBa neurons that read bytes over 2"):
        plan(Model(Frames(4, 0, 7), (layer,), Count(), 3))
