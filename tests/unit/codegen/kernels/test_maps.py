"""Maps and counts: which kernel computes them, where they lie, what the header says, what fits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.maps import map_model
from support.zoo.golden import analog, maps

from codegen.checks.comparison import compare
from codegen.kernels import SPIKES, candidates, layer_candidates
from codegen.plan import cost
from codegen.plan.choose import plan
from codegen.render import render
from codegen.target.boards import load_boards
from codegen.target.emulated import footprint
from codegen.target.fit import misfit, narrowed
from qat.model import (
    Accumulate,
    Activity,
    Analog,
    Burst,
    Conv,
    Dense,
    Layer,
    Model,
    Pool,
    Rate,
    Shape,
)


def images(channels: int, side: int = 28) -> Model:
    """Return a convolution, a depthwise one, a third and its scores, in one step."""
    rng, image = np.random.default_rng(0), Shape(side, side, 1)
    neuron = Burst(np.array([[3], [9], [20]]) + np.zeros(channels, int))
    first = Layer(Conv(rng.integers(-1, 2, (channels, 3, 3, 1)), image), neuron)
    deep = Conv(rng.integers(-1, 2, (channels, 3, 3, 1)), first.shape, groups=channels)
    second = Layer(deep, neuron, pool=Pool())
    weights = rng.integers(-1, 2, (16, 3, 3, channels))
    third = Layer(
        Conv(weights, second.shape), Burst(np.array([3, 9])), pool=Pool("max", (side // 2,) * 2)
    )
    scores = Accumulate(Dense(rng.integers(-9, 9, (10, 16)), 8))
    return Model(Analog(side**2, 0, 15, grid=image), (first, second, third), scores, 1, "images")


def test_a_map_that_is_too_large_is_refused_in_one_line_that_says_which_layer_and_how_far() -> None:
    board = load_boards()["qemu-m0"]
    said = misfit(board, images(64), footprint)
    assert said is not None
    assert "\n" not in said
    assert "Layer 0 (28x28x1 -> conv 3x3, 64 channels, burst 0..3 -> 28x28x64) takes" in said
    most = int(said.rpartition("with ")[2].split()[0])
    assert f"with {most} channels in place of 64 it would fit" in said
    assert misfit(board, narrowed(images(64), 0, most), footprint) is None
    assert misfit(board, narrowed(images(64), 0, most + 1), footprint) is not None


def test_fewer_channels_are_fewer_in_the_depthwise_convolution_behind_as_well() -> None:
    model = narrowed(images(8), 0, 5)
    assert [layer.channels for layer in model.layers] == [5, 5, 16]


def test_every_second_signal_has_the_same_memory_unless_probes_read_it() -> None:
    program = plan(images(32))
    even = [item for item in program.fields if item.group == "even"]
    assert [item.name for item in even] == ["spikes0", "spikes2"]
    work = [item for item in program.fields if item.group == "work"]
    assert [item.name for item in work] == ["images0", "list"]
    spared = sum(min(item.bytes for item in turn) for turn in (even, work))
    assert program.probed_bytes - program.ram_bytes == spared
    assert {m[0].group for m in program.members if len(m) > 1} == {"even", "work"}
    assert program.input_used_up


def test_a_held_map_keeps_its_images_over_several_steps() -> None:
    one = maps()
    assert plan(one).input_used_up
    several = plan(replace(one, steps=2))
    assert not several.input_used_up
    assert several.list == "list"


def test_no_counts_are_kept_where_the_signal_is_the_count() -> None:
    one = plan(maps())
    assert "counts" not in {item.name for item in one.fields}
    several = plan(replace(maps(), steps=3))
    assert "counts" in {item.name for item in several.fields}


def test_older_models_keep_their_state() -> None:
    program = plan(analog())
    assert {item.group for item in program.fields} == {""}
    assert program.probed_bytes == program.ram_bytes
    assert [layer.title for layer in program.layers] == ["", ""]


def test_the_header_says_what_the_layers_are() -> None:
    header = render(maps())["maps.h"]
    text = "Layer 0  6x6x1 -> conv 3x3, 5 channels, burst 0..3, pool max 2x2 -> 3x3x5, kernel"
    assert text in header
    assert "depthwise conv 2x2 without padding, 5 channels, leak (v >> 2), reset subtract" in header


def test_what_reads_or_emits_counts_is_not_given_to_kernels_of_spikes() -> None:
    model = maps()
    names = [{row.name for row in layer_candidates(i, model)} for i in range(3)]
    assert "conv_plain" in names[0] & names[1]
    assert "plain_counts" in names[2]
    assert not names[2] & {"plain", "strips", "sparse"}
    dense = Dense(np.ones((3, 3), int), bits=8)
    assert "plain_counts" not in {row.name for row in candidates(dense, SPIKES)}
    assert "plain_counts" not in {row.name for row in layer_candidates(0, analog())}


def test_a_map_behind_an_encoder_keeps_its_own_order() -> None:
    model = map_model(3, given=Rate(48, 0, 15, grid=Shape(4, 4, 3)), steps=3)
    if isinstance(model.layers[0].synapse, Conv):
        encoder = plan(model).encoder
        assert encoder is not None
        assert encoder.kernel == "plain rate"
        with pytest.raises(ValueError, match="encoder: found 'sliced'; this one is plain"):
            plan(model, kernels={-1: "sliced"})


def test_results_without_memory_are_compared() -> None:
    model = images(4, 8)
    x = np.full((3, 64), 7)
    result = model.run(x, trace=True)
    same = compare(result, model.run(x, trace=True))
    assert (same.samples, same.differing) == (3, 0)
    assert result.spikes is not None
    wrong = (result.spikes[0].copy(), *result.spikes[1:])
    wrong[0][1, 0, 9] += 1
    found = compare(result, replace(result, spikes=wrong)).first
    assert found is not None
    assert (found.sample, found.layer, found.neuron, found.quantity) == (1, 0, 9, "spike")


@pytest.mark.parametrize("core", ["cortex-m0", "cortex-m4", "cortex-m55"])
def test_the_worst_case_is_no_less_than_what_is_typical(core: str) -> None:
    for seed in range(12):
        model = map_model(seed)
        program, activity = plan(model, core), Activity.of(model)
        typical = [cost.evaluate(w, core) for w in cost.works(program, model.input, activity, core)]
        works = cost.worst_works(program, model.input, core)
        assert sum(typical) <= sum(cost.evaluate(work, core, "worst") for work in works)
