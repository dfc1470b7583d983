"""What surrounds a network is in its costs: samples, sound, windows that overlap, a detector."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.zoo.heard import BANDS, MODES, classifying, detecting, spectrum, telling
from support.zoo.small import sensed, small_model

from codegen import isa
from codegen.plan import cost, front
from codegen.plan.choose import plan
from codegen.plan.kinds import family, kinds
from qat.model import Analog, Model

CORES = [core for core in sorted(isa.cores()) if cost.measured("sound", core)]
SURROUNDED = {**MODES, "told": telling(1024, 200, 6), "samples": sensed(small_model(), group=3)}


def around(model: Model, worst: bool = False) -> dict[str, float]:
    """Return {kind: frames} of what surrounds a model's network."""
    return {work.kind: work.load.frames for work in cost.around(plan(model), "cortex-m4", worst)}


def test_there_are_cores_with_costs_of_sound() -> None:
    assert {"cortex-m0", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33"} <= set(CORES)


@pytest.mark.parametrize("name", SURROUNDED)
def test_every_part_has_features_that_were_seen_and_a_bound(name: str) -> None:
    program = plan(SURROUNDED[name])
    for core in CORES:
        seen = cost.coefficients()["costs"][isa.find(core).name]
        typical, worst = (cost.around(program, core, worst=at) for at in (False, True))
        assert [work.kind for work in typical] == [work.kind for work in worst]
        for work, bound in zip(typical, worst, strict=True):
            assert set(work.features.numbers()) <= set(seen[family(work.kind)]["seen"])
            assert 0 < cost.evaluate(work, core) <= cost.evaluate(bound, core, "worst")


def test_a_model_without_a_sensor_is_surrounded_by_nothing() -> None:
    assert cost.around(plan(small_model()), "cortex-m4") == []


def test_a_result_takes_the_vectors_from_the_one_before_and_at_worst_a_whole_window() -> None:
    ring = MODES["sound, ring"]  # windows of 5 vectors, every 2
    assert around(ring)["sound"] == 2
    assert around(ring, worst=True)["sound"] == 5
    gaps = MODES["sound, gaps"]  # of 4, every 7: those between are heard as well
    assert around(gaps)["sound"] == around(gaps, worst=True)["sound"] == 7
    assert around(MODES["sound, free"])["sound"] == 1


def test_kinds_follow_from_what_the_c_does() -> None:
    assert set(around(MODES["sound, steps"])) == {"sound", "moved samples"}
    assert set(around(MODES["sound, ring"])) == {"sound"}  # frames side by side
    assert set(around(MODES["sound, map"])) == {"sound", "moved samples", "moved vectors"}
    assert "detector" in around(MODES["sound, detected"])
    assert set(around(SURROUNDED["samples"])) == {"samples"}


def features(model: Model, kind: str) -> dict[str, float]:
    """Return the features of a kind of part, of one vector."""
    program = plan(model)
    parts = cost.around(program, "cortex-m4", vectors=1)
    (work,) = (work for work in parts if work.kind == kind)
    return kinds()[kind].count(program, work.load).numbers()


def test_features_of_a_frame() -> None:
    found = features(telling(256, 128), "sound")  # 128 points: radix 2, then 2 -> 8 -> 32 -> 128
    assert found["classed"] == 256
    assert found["samples"] == 128
    assert (found["sums2"], found["passes"], found["turns"]) == (64, 3, 2 + 8 + 32)
    assert found["crosses"] == 3 * 32
    assert (found["pairs"], found["bands"]) == (64, BANDS)
    assert "sums4" not in found
    four = features(telling(128, 128), "sound")  # 64 points: radix 4, then 4 -> 16 -> 64
    assert (four["sums4"], four["passes"]) == (16, 2)
    assert "shifted" in features(telling(64, 64, shift=3), "sound")


def test_memory_is_moved_by_words_where_it_may_be() -> None:
    assert front.moved(10, 8).numbers() == {"calls": 1, "words": 2, "bytes": 2}
    assert front.moved(10, 6).numbers() == {"calls": 1, "bytes": 10}
    assert front.moved(0, 4).numbers() == {}


def test_more_of_everything_takes_more() -> None:
    def total(model: Model) -> float:
        return sum(cost.by_part(cost.around(plan(model), "cortex-m4"), "cortex-m4").values())

    base = classifying(Analog(BANDS, 0, 127), spectrum(64, 40), 3)
    longer = replace(base, sensor=spectrum(128, 40))
    assert total(longer) > 1.5 * total(base)
    detected = total(detecting(base)) - total(base)
    assert 20 < detected < 500
