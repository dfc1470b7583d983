"""Kernels of the least flash: named by the model's file, obeyed by whatever is generated of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.zoo import counting

from codegen.checks.equivalence import check
from codegen.plan.choose import plan, serving
from codegen.plan.named import KEY, with_kernels
from codegen.render import render
from codegen.report.report import report
from codegen.report.smallest import flash_of, smallest
from qat.model import Model

BURSTS = counting.MODELS["bursts alone"]


@pytest.fixture(scope="module")
def small() -> Model:
    return smallest(BURSTS)


def kernels_of(model: Model, **given: Any) -> list[str]:
    program = plan(model, **given)
    assert program.readout is not None
    return [stage.kernel for stage in (*program.layers, program.readout)]


def test_less_flash_by_kernels_that_the_file_names_and_nothing_else_changes(
    small: Model, tmp_path: Path
) -> None:
    assert flash_of(small) < flash_of(BURSTS)
    assert small.metadata[KEY] == kernels_of(small) != kernels_of(BURSTS)
    assert small.digest() == BURSTS.digest()
    small.save(tmp_path / "small.npz")
    read = Model.load(tmp_path / "small.npz")
    assert render(read) == render(small) != render(BURSTS)
    told = report(read, "qemu-m4")
    assert told.flash == flash_of(small)
    assert [part.kernel for part in told.parts if part.part in ("layer 0", "readout")] == (
        small.metadata[KEY]
    )
    assert all(part.named for part in told.parts if part.part in ("layer 0", "readout"))
    assert not any(part.named for part in report(BURSTS, "qemu-m4").parts)
    assert render(with_kernels(read, None)) == render(BURSTS)


def test_the_c_of_the_smallest_is_equal(small: Model) -> None:
    assert check(small) is None


def test_no_single_other_kernel_takes_less_flash(small: Model) -> None:
    names = small.metadata[KEY]
    for index, candidates in enumerate(serving(small)):
        assert names[index] in candidates
        for name in candidates:
            other = [*names[:index], name, *names[index + 1 :]]
            assert flash_of(with_kernels(small, other)) >= flash_of(small)


def test_the_smallest_of_the_smallest_is_itself(small: Model) -> None:
    assert smallest(small).metadata == small.metadata


def test_what_a_caller_names_comes_before_what_the_file_names(small: Model) -> None:
    assert kernels_of(small, kernels={0: "bitsliced"})[0] == "bitsliced" != kernels_of(small)[0]
    assert kernels_of(small, only="cortex-m0") == kernels_of(small)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["bitsliced"], r"the kernels of its file are .*it has 2 stages; name them anew with"),
        ("bitsliced", r"the kernels of its file are"),
        ({"0": "bitsliced"}, r"the kernels of its file are"),
        (["nosuch", "plain"], r"names the kernel 'nosuch' for stage 0; use bitsliced"),
        (["bitsliced", "conv_plain"], r"names the kernel 'conv_plain' for stage 1; use"),
        ([["bitsliced"], "plain"], r"for stage 0; use"),
    ],
)
def test_what_a_file_names_wrongly_is_one_line(names: Any, message: str) -> None:
    spoiled = replace(BURSTS, metadata={**BURSTS.metadata, KEY: names})
    with pytest.raises(ValueError, match=message) as told:
        plan(spoiled)
    assert "\n" not in str(told.value)
