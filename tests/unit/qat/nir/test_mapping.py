"""What a graph becomes: exact in real numbers, or refused in one line."""

from __future__ import annotations

from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import pytest
from support.nir.mapped import differing
from support.nir.saved import names, saved
from support.nir.writer import affine, chain, ends, fire, leaky, write_nir

from qat.nir import load
from qat.nir.layout import as_model
from qat.nir.mapping import plan_of
from qat.nir.reading import read
from qat.nir.settle import Options

pytestmark = pytest.mark.usefixtures("inside")


def planned(path: Path, options: Options | None = None, reference: Path | None = None) -> Any:
    found = read(path, options, reference)
    return found, plan_of(found.twin)


@pytest.mark.parametrize("name", names())
def test_every_saved_network_is_mapped_without_a_changed_spike(name: str, tmp_path: Path) -> None:
    path, reference = saved(name, tmp_path)
    found, plan = planned(path, reference=reference)
    assert differing(found.twin, plan, found.reference.x) == [0] * len(plan.stages)
    assert plan.notes == ()


def test_a_reset_that_clears_the_next_step_stays_as_it_is(tmp_path: Path) -> None:
    """Of snnTorch's RSynaptic: on a grid no spike of the model differs."""
    path, reference = saved("snntorch_rsynaptic", tmp_path)
    made = load(path, reference=reference, bits=8)
    assert [layer.neuron.reset for layer in made.model.layers] == ["late", "zero"]
    assert made.drift is not None
    assert [layer.differing for layer in made.drift.layers] == [0, 0]


def spikes(*shape: int, rate: float = 0.4) -> np.ndarray:
    return (np.random.default_rng(1).random((9, 3, *shape)) < rate).astype(np.uint8)


def weights(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-20, 30, shape).astype(np.float32) / 16


ONE = Options(dialect="spikingjelly")


def test_residual_edges_and_skips_sum_in_the_neuron(tmp_path: Path) -> None:
    nodes = {**ends([5], [4]), "a": affine(weights(4, 5)), "n": fire(4),
             "b": affine(weights(4, 4, seed=1), [0.5, 0, 0, 0]), "s": affine(weights(4, 5, seed=2)),
             "m": fire(4)}  # fmt: skip
    edges = [*chain("input", "a", "n", "b", "m", "output"), ("input", "s"), ("s", "m"), ("n", "m")]
    found, plan = planned(write_nir(tmp_path / "a.nir", nodes, edges), ONE)
    assert sorted(link.source for link in plan.stages[1].links) == [-1, 0, 0]
    assert differing(found.twin, plan, spikes(5)) == [0, 0]


def test_affine_after_affine_is_multiplied_out_and_scales_are_taken_in(tmp_path: Path) -> None:
    scale = {"type": "Scale", "scale": np.array([0.5, 2.0, 1.0])}
    nodes = {**ends([5], [2]), "a": affine(weights(3, 5), [0.25, -0.5, 0]), "s": scale,
             "b": affine(weights(2, 3, seed=1), [0, 0.125]), "n": fire(2)}  # fmt: skip
    found, plan = planned(
        write_nir(tmp_path / "a.nir", nodes, chain("input", *"asbn", "output")), ONE
    )
    assert len(plan.stages) == 1
    assert plan.stages[0].links[0].weight.shape == (2, 5)
    assert differing(found.twin, plan, spikes(5)) == [0]
    assert plan.notes == ("a and s and b: one matrix of weights",)


def test_delays_on_the_grid_are_delays_of_the_edge(tmp_path: Path) -> None:
    delay = {"type": "Delay", "delay": np.array([0, 1e-4, 5e-4, 2e-4])}
    nodes = {**ends([4], [2]), "d": delay, "a": affine(weights(2, 4)), "n": fire(2)}
    found, plan = planned(
        write_nir(tmp_path / "a.nir", nodes, chain("input", *"dan", "output")), ONE
    )
    assert list(plan.stages[0].links[0].delay) == [0, 1, 5, 2]
    assert differing(found.twin, plan, spikes(4)) == [0]


CONVOLUTIONS = {
    "depthwise": ((4, 1, 3, 3), 4, 1, 1, True),
    "groups": ((4, 2, 3, 3), 2, 1, 1, True),
    "even kernel": ((3, 4, 4, 4), 1, 2, 1, True),
    "one by one": ((3, 4, 1, 1), 1, 1, 0, True),
    "wide padding": ((3, 4, 3, 3), 1, 1, 2, False),
    "stride 3": ((3, 4, 3, 3), 1, 3, 1, False),
    "not square": ((3, 4, 3, 5), 1, 1, np.array([1, 2]), True),
}


@pytest.mark.parametrize("what", CONVOLUTIONS)
def test_convolutions_are_windows_or_one_matrix(what: str, tmp_path: Path) -> None:
    shape, groups, stride, padding, window = CONVOLUTIONS[what]
    conv = {"type": "Conv2d", "weight": weights(*shape), "bias": weights(shape[0]) / 4,
            "stride": stride, "padding": padding, "dilation": 1, "groups": groups}  # fmt: skip
    pads = np.broadcast_to(padding, 2)
    out = [(6 + 2 * int(p) - k) // stride + 1 for p, k in zip(pads, shape[2:], strict=True)]
    one = {**fire(1), "v_reset": 0.0, "r": 1e4, "v_threshold": 1.0}
    nodes = {**ends([4, 6, 6], [shape[0], *out]), "c": conv, "n": one}
    path = write_nir(tmp_path / "a.nir", nodes, chain("input", "c", "n", "output"))
    found, plan = planned(path, ONE)
    assert (plan.stages[0].links[0].window is not None) == window
    assert differing(found.twin, plan, spikes(4, 6, 6)) == [0]


def test_rests_and_resets_elsewhere_than_at_zero_are_shifted(tmp_path: Path) -> None:
    one = np.ones(3)
    node = {"type": "LIF", "tau": 4e-4 * one, "r": one, "v_leak": -0.5 * one,
            "v_threshold": np.array([1.0, 0.5, 2.0]), "v_reset": -0.5 * one}  # fmt: skip
    nodes = {**ends([5], [3]), "a": affine(4 * weights(3, 5)), "n": node}
    path = write_nir(tmp_path / "a.nir", nodes, chain("input", "a", "n", "output"))
    found, plan = planned(path, ONE)
    assert differing(found.twin, plan, spikes(5)) == [0]
    assert (plan.stages[0].neuron.threshold == [6.0, 4.0, 10.0]).all()  # (th + 0.5) / (1 / 4)
    assert not np.any(plan.stages[0].neuron.reset_to)


def test_reset_delay_false_is_told_to_be_approximate(tmp_path: Path) -> None:
    nodes = {**ends([5], [3]), "a": affine(weights(3, 5)), "n": leaky(0.9, 3)}
    path = write_nir(tmp_path / "a.nir", nodes, chain("input", "a", "n", "output"))
    _, plan = planned(path, Options(reset="subtract-now"))
    assert len(plan.notes) == 1
    assert "reset_delay=False" in plan.notes[0]
    assert "approximate" in plan.notes[0]


SCALE = {"type": "Scale", "scale": np.ones(5)}


def test_a_long_chain_is_followed_however_deep(tmp_path: Path) -> None:
    """Listed from its end: what looks for the next node in every round takes hours."""
    names = [f"s{i}" for i in range(1900)]
    nodes = {**ends([5], [3]), "n": fire(3), "a": affine(weights(3, 5)),
             **dict.fromkeys(names[::-1], SCALE)}  # fmt: skip
    edges = chain("input", *names, "a", "n", "output")
    start = process_time()
    found, plan = planned(write_nir(tmp_path / "a.nir", nodes, edges), ONE)
    assert process_time() - start < 60
    assert differing(found.twin, plan, spikes(5)) == [0]


def test_more_paths_than_can_be_followed_are_refused(tmp_path: Path) -> None:
    """Between two neurons each pair of nodes doubles them: 2**60 here."""
    nodes = {**ends([5], [3]), "a": affine(weights(3, 5)), "n": fire(3)}
    edges, last = [("a", "n"), ("n", "output")], "input"
    for i in range(60):
        nodes |= {f"{i}{side}": SCALE for side in "xyz"}
        edges += [(last, f"{i}x"), (last, f"{i}y"), (f"{i}x", f"{i}z"), (f"{i}y", f"{i}z")]
        last = f"{i}z"
    path = write_nir(tmp_path / "a.nir", nodes, [*edges, (last, "a")])
    with pytest.raises(ValueError, match="'n': more than 256 paths lead to it"):
        planned(path, ONE)


def test_a_threshold_below_the_rounding_of_currents_is_refused(tmp_path: Path) -> None:
    nodes = {**ends([5], [3]), "a": affine(weights(3, 5)), "n": fire(3, r=1e38)}
    path = write_nir(tmp_path / "a.nir", nodes, chain("input", *"an", "output"))
    with pytest.raises(ValueError, match=r"'n' \(IF\): its threshold, 1e-34 in units of"):
        planned(path, Options("plain", 1e-4, ("zero",), (">",)))


LI = {"type": "LI", "tau": 1e-3, "r": 10.0, "v_leak": 0.0}
STOPPED = {
    "LI within": ({"l": LI, "b": affine(weights(3, 3)), "m": leaky(0.9, 3)}, "anlbm",
                  "only the last node may send membranes"),
    "Threshold without LI": ({"t": {"type": "Threshold", "threshold": 1.0}}, "ant",
                             "stands behind no LI of its own"),
    "long delay": ({"d": {"type": "Delay", "delay": 40e-4}, "b": affine(weights(3, 3)),
                    "m": leaky(0.9, 3)}, "andbm", "a delay of 40 steps; the model has 31"),
    "delays behind weights": ({"d": {"type": "Delay", "delay": np.array([0, 1e-4, 0])}}, "adn",
                              "put them before the weights"),
}  # fmt: skip


@pytest.mark.parametrize("what", STOPPED)
def test_what_has_no_record_is_refused_in_one_line(what: str, tmp_path: Path) -> None:
    more, order, text = STOPPED[what]
    nodes = {**ends([5], [3]), "a": affine(weights(3, 5)), "n": leaky(0.9, 3), **more}
    path = write_nir(tmp_path / "a.nir", nodes, chain("input", *order, "output"))
    with pytest.raises(ValueError, match=text) as error:
        planned(path, Options(dialect="snntorch", reset="subtract"))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["spyx_recurrent", "sinabs_conv"])
def test_a_batch_in_pieces_gives_the_same(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, reference = saved(name, tmp_path)
    found, plan = planned(path, reference=reference)
    x, extent = found.reference.x, found.twin.graph.nodes[found.twin.graph.source].extent
    given = as_model(x.astype(float), extent)
    whole = found.twin.run(x), plan.run(given)
    for module in ("twin", "plan"):
        monkeypatch.setattr(f"qat.nir.{module}.PIECE", 1)
    pieces = found.twin.run(x), plan.run(given)
    assert all((pieces[0][node] == sent).all() for node, sent in whole[0].items())
    assert all((a == b).all() for a, b in zip(whole[1], pieces[1], strict=True))
