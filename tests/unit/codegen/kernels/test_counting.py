"""Thresholds in planes: the C that counts them, against comparisons of integers."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cffi
import numpy as np
import pytest
from support.crossed import crossed

from codegen.checks.host import WARNINGS, find_compiler
from codegen.kernels.common import width_of
from codegen.kernels.neurons.constants import Constants
from codegen.kernels.neurons.counting import Counting, best_start, counting
from codegen.kernels.pack import LANES, constant_planes, unpack_bits
from codegen.render import environment

SEVERAL = 12
"""Random cases of every kind in one C file."""


@dataclass(frozen=True)
class Case:
    """Thresholds (D, 32), numbers (n, 32) between low and high, and what is planned for them."""

    thresholds: Any
    x: Any
    plan: Counting
    constants: Any


def case(rng: np.random.Generator, most: int, shared: bool, spread: int) -> Case:
    """Return random thresholds, some beyond what x reaches, some equal; and numbers at the ends."""
    lanes = 1 if shared else LANES
    middle = rng.integers(-spread, spread + 1)
    thresholds = np.sort(middle + rng.integers(-spread, spread + 1, (most, lanes)), axis=0)
    if not shared and rng.random() < 0.5:  # steps of the same size, as a floor has them
        thresholds = thresholds[0] + np.arange(most)[:, None] * rng.integers(0, spread)
    thresholds = np.broadcast_to(thresholds, (most, LANES)).astype(np.int64)
    low = np.full(LANES, middle - rng.integers(0, 2 * spread + 1), np.int64)
    high = low + rng.integers(0, 4 * spread + 1)
    x = rng.integers(low, high + 1, (64, LANES))
    x[0], x[1] = low, high
    x[2 : 2 + most] = np.clip(thresholds, low, high)
    x[10 : 10 + most] = np.clip(thresholds - 1, low, high)
    constants, width = Constants(), width_of(int(low.min()), int(high.max()))
    plan = counting(constants, thresholds, low, high, width + int(rng.integers(0, 2)))
    parts = constants.parts or [np.zeros((1, 1), np.uint32)]
    return Case(thresholds, x, plan, np.concatenate(parts, axis=1)[0])


def source(cases: list[Case]) -> str:
    """Return C with a function for each case, and a table of what calls them."""
    text = environment().from_string(
        "#include <stdint.h>\n#define M_UNUSED __attribute__((unused))\n"
        '{% include "kernels/loops/subtract.c.j2" %}\n'
        '{% from "kernels/neurons/planes.c.j2" import block_of with context %}'
        '{% from "kernels/neurons/counting.c.j2" import function with context %}'
        "{% for c in plans %}\n{{ function(block_of, c, 'count' ~ loop.index0) }}\n"
        "void call{{ loop.index0 }}(const uint32_t *own, const uint32_t *x, uint32_t *count);\n"
        "void call{{ loop.index0 }}(const uint32_t *own, const uint32_t *x, uint32_t *count)\n"
        "{\n    (void)own;\n    m_count{{ loop.index0 }}({{ 'own, ' if c.owns }}x, count);\n}\n"
        "{% endfor %}"
    )
    return text.render(
        m="m", p=SimpleNamespace(upper="M", wide=False), plans=[one.plan for one in cases]
    )


def counted(library: Any, ffi: cffi.FFI, number: int, one: Case) -> Any:
    """Return the counts (n, 32) of the C."""
    found = []
    for row in one.x:
        x = constant_planes(row, one.plan.given)[0]
        count = np.zeros(one.plan.planes, np.uint32)
        pointers = [ffi.from_buffer("uint32_t[]", array) for array in (one.constants, x, count)]
        getattr(library, f"call{number}")(*pointers)
        bits = unpack_bits(count[:, None], LANES)
        found.append((bits << np.arange(len(count))[:, None]).sum(axis=0))
    return np.array(found)


@pytest.mark.parametrize(("most", "compiler"), crossed(range(1, 8), ["gcc", "clang"]))
@pytest.mark.parametrize("shared", [True, False])
def test_counts_are_those_of_integers(
    compiler: str, most: int, shared: bool, tmp_path: Path
) -> None:
    rng = np.random.default_rng(10 * most + shared)
    cases = [case(rng, most, shared, int(2 ** rng.integers(0, 13))) for _ in range(SEVERAL)]
    (tmp_path / "count.c").write_text(source(cases))
    command = [find_compiler(compiler), "-O2", *WARNINGS, "-shared", "-fPIC", "count.c"]
    subprocess.run([*command, "-o", "count.so"], cwd=tmp_path, check=True)
    ffi = cffi.FFI()
    for number in range(SEVERAL):
        ffi.cdef(f"void call{number}(const uint32_t *own, const uint32_t *x, uint32_t *count);")
    library = ffi.dlopen(str(tmp_path / "count.so"))
    for number, one in enumerate(cases):
        expected = (one.x[:, None, :] >= one.thresholds).sum(axis=1)
        assert np.array_equal(counted(library, ffi, number, one), expected)
    assert shared == (not any(one.plan.owns for one in cases))
    if not shared and most > 1:
        assert {bool(one.plan.less) for one in cases} == {True, False}


def test_what_all_share_stays_shared_where_some_cannot_reach_it() -> None:
    low, high = np.array([-9, -30]), np.array([4, 50])
    plan = counting(Constants(), np.array([[6, 6], [40, 40]]), low, high, 7)
    assert not plan.owns


def test_the_best_start_leaves_few_digits() -> None:
    thresholds, low, high = np.array([[9], [17], [25]]), np.array([-40]), np.array([60])
    start = best_start(thresholds, low, high)
    plan = counting(Constants(), thresholds + start, low + start, high + start, 7)
    assert plan.width == width_of(-40, 60)
    assert plan.shared_digits < counting(Constants(), thresholds, low, high, 7).shared_digits
    assert sorted(len(digits) for digits in plan.digits) == [1, 3, 4]


def test_own_thresholds_start_at_0() -> None:
    thresholds = np.array([[-9, 3], [-2, 30]])
    assert best_start(thresholds, np.array([-40, -40]), np.array([60, 60])) == 9
