"""What writes costs.json keeps what it does not measure, and drops what no feature belongs to."""

from __future__ import annotations

import json

import calibrate
import numpy as np
import pytest
from calibration.kept import Kept
from calibration.subjects import Counted, Shared
from calibration.variety import KINDS, ORDER, case
from support.zoo.echoes import MODELS as ECHOES

from codegen.plan import cost
from codegen.plan.choose import plan
from qat.model import Activity

ROW = {"seen": ["calls"], "typical": {"calls": 2.0}, "worst": {"calls": 3.0}}


@pytest.fixture
def path(tmp_path, monkeypatch):
    found = tmp_path / "costs.json"
    monkeypatch.setattr(calibrate, "PATH", found)
    return found


def test_rows_that_are_not_measured_stay(path):
    old = {"costs": {"armv6-m": {"rest": ROW, "sound": ROW}}, "cycles": {}}
    path.write_text(json.dumps(old), "utf-8")
    fresh = ROW | {"typical": {"calls": 9.0}}
    calibrate.write("costs", "armv6-m", {"rest": fresh})
    calibrate.write("cycles", "cortex-m0", {"rest": 1.5})
    found = json.loads(path.read_text("utf-8"))
    assert found["costs"]["armv6-m"] == {"rest": fresh, "sound": ROW}
    assert found["cycles"] == {"cortex-m0": {"rest": 1.5}}


def test_rows_of_other_features_are_dropped_before_anything_is_measured(path, capsys):
    lost = ROW | {"seen": ["unheard_of"]}
    old = {
        "costs": {"armv6-m": {"rest": ROW, "decision": lost, "no kind": ROW}},
        "cycles": {"cortex-m0": {"rest": 1.5, "no kind": 1.0}},
    }
    path.write_text(json.dumps(old), "utf-8")
    calibrate.drop_unknown()
    found = json.loads(path.read_text("utf-8"))
    assert found["costs"]["armv6-m"] == {"rest": ROW}
    assert found["cycles"]["cortex-m0"] == {"rest": 1.5}
    assert "armv6-m: decision" in capsys.readouterr().out


def test_what_shares_a_part_is_fitted_behind_what_it_shares_it_with():
    model = ECHOES["echoes in registers"]
    program, activity = plan(model), Activity.of(model, 0.2)
    counts = np.full(2 + len(program.layers) + 1, 1000.0)
    counted = Counted(program, model.input, ((activity, counts, 1.0, False),))
    (shared,) = [one for one in counted.observations("cortex-m4") if isinstance(one, Shared)]
    assert shared.observation.kind == "gather"
    assert [work.kind for work in shared.others] == ["rest"]
    rows = cost.coefficients()["costs"]["armv7e-m"]
    rest = cost.evaluate(shared.others[0], "cortex-m4")
    assert shared.alone(rows).instructions == pytest.approx(1000 - rest)


def test_every_kind_of_model_is_drawn_and_a_seed_gives_the_same_one():
    assert set(ORDER) == set(KINDS)
    one, again = case(1, 12), case(1, 12)
    assert one.model.digest() == again.model.digest()
    assert (one.x == again.x).all()


def test_an_answer_is_kept_by_all_that_it_depends_on(tmp_path, monkeypatch):
    monkeypatch.setenv("SPIKEMCU_CACHE", str(tmp_path))
    asked = []

    def answer():
        asked.append(len(asked))
        return np.array([[len(asked), 7]], np.uint32)

    first = Kept("gcc 12", "-O2")
    assert first.of(("int x;", [b"1"]), answer).tolist() == [[1, 7]]
    assert Kept("gcc 12", "-O2").of(("int x;", [b"1"]), answer).tolist() == [[1, 7]]
    assert first.of(("int y;", [b"1"]), answer).tolist() == [[2, 7]]
    assert first.of(("int x;", [b"2"]), answer).tolist() == [[3, 7]]
    assert Kept("gcc 13", "-O2").of(("int x;", [b"1"]), answer).tolist() == [[4, 7]]
