"""Frama-C's EVA excludes every run-time error of the portable C, for any input and any state."""

from __future__ import annotations

import shutil

import pytest
from analysis import eva
from analysis.eva import Analysis, NoEndError, analyse
from support.models import inputs_for
from support.results import assert_same
from support.zoo.sized import MODELS as KERNELS
from support.zoo.sized import inputs_of
from support.zoo.small import small_model
from support.zoo.tiny import MODELS

from codegen.checks.host import HostModel
from codegen.plan.choose import plan
from codegen.render import render_program

SAMPLE = "bit-sliced"
"""The model of the ordinary run; it takes 6 s of processor time."""


@pytest.fixture(autouse=True)
def frama_c() -> None:
    assert shutil.which(eva.FRAMA_C), f"no {eva.FRAMA_C}: {eva.INSTALL}"


def check(name: str) -> None:
    found = analyse(MODELS[name].program())
    print(f"{name}: {found}")
    assert found.alarms == 0, found.first
    assert found.clean, found


def test_a_model_has_no_run_time_error() -> None:
    check(SAMPLE)


@pytest.mark.proof
@pytest.mark.parametrize("name", MODELS)
def test_every_kernel_has_no_run_time_error(name: str) -> None:
    check(name)


LISTED = "        base += 256u;\n    }\n    return (uint32_t)(end - list)"
PLANTED = {
    "a neuron too many": ("16 bits", "j < n; j++", "j <= n; j++"),
    "an input too many": ("sparse", "k < 2u; k++", "k < 3u; k++"),
    "a list that is too short": ("bit-sliced", LISTED, f"{LISTED} + 1u"),
    "a spike without an input": ("bit-sliced", "+ 8u * lane)", "+ 8u * lane + 8u)"),
    "a sum without a bound": ("16 bits", "totals, 9u);", "totals, 0u);"),
}
"""A model, a line of its C, and what takes its place."""


def planted(fault: str) -> Analysis:
    name, before, after = PLANTED[fault]
    program = MODELS[name].program()
    files = render_program(program, directives=True)
    code = files["net.c"]
    assert before in code
    return analyse(program, files | {"net.c": code.replace(before, after)})


def test_a_planted_fault_is_found() -> None:
    assert planted("an input too many").alarms > 0


@pytest.mark.proof
@pytest.mark.parametrize("fault", PLANTED)
def test_every_planted_fault_is_found(fault: str) -> None:
    assert planted(fault).alarms > 0


@pytest.mark.parametrize("name", ["16 bits", "early stop"])
def test_loops_for_the_analysis_return_the_same(name: str) -> None:
    model = MODELS[name].model
    x = inputs_for(model, 20, 0)
    host = HostModel(model, flags=("-DMODEL_ANALYSIS=1",))
    assert_same(model.run(x, trace=True), host.run(x, trace=True))


@pytest.mark.proof
@pytest.mark.parametrize("name", KERNELS)
def test_every_loop_for_the_analysis_returns_the_same(name: str) -> None:
    model = KERNELS[name]
    x, steps = inputs_of(model)
    host = HostModel(model, flags=("-DMODEL_ANALYSIS=1",))
    assert_same(model.run(x, trace=True, steps=steps), host.run(x, trace=True, steps=steps))


def test_what_does_not_end_is_told() -> None:
    with pytest.raises(NoEndError, match="did not end within"):
        analyse(MODELS[SAMPLE].program(), seconds=0.3)
    with pytest.raises(NoEndError, match="Frama-C: "):
        analyse(MODELS[SAMPLE].program(), {"net.c": "int x = ;"})


def test_what_the_analysis_keeps_apart() -> None:
    assert eva.lengths(MODELS["bit-sliced, two layers"].program()) == 41
    assert eva.lengths(MODELS["analog"].program()) == 5**2
    assert eva.lengths(MODELS["ternary scores"].program()) == 10**2
    assert eva.lengths(plan(small_model())) > eva.MOST_LENGTHS
    assert eva.lengths(MODELS["16 bits"].program()) == 1
