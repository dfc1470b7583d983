"""Lists of rows and runs of them: what a core has for them equals portable C, on random maps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.core_program import CoreProgram

from codegen import isa
from codegen.render import environment

pytestmark = pytest.mark.target

CORES = ("qemu-m0", "qemu-m3", "qemu-m4", "qemu-m33", "qemu-m55")
TURNS = 3000
"""Random maps of each core and adder."""

MAIN = Path(__file__).parents[1] / "support/loops/windows.c"
NAMES = ("list_rows8", "list_rows16", "list_rows32", "add_columns")
SEVERAL_WORDS = tuple(
    SimpleNamespace(runs=True, unit=unit, grid=SimpleNamespace(channels=3 * unit))
    for unit in (8, 16, 32)
)
"""Layers whose positions take more than a word each, so that every list has a loop over words."""
HEAD = """\
#include <stdint.h>
{% for row in isa.SETS if row.variant %}
#if {{ row.condition }}
#define FAST_{{ row.macro }} 1
#else
#define FAST_{{ row.macro }} 0
#endif
{% endfor %}
#define FAST_UNUSED __attribute__((unused))
#define SLOW_UNUSED __attribute__((unused))
"""
LOOPS = """\
{% include "kernels/loops/rows.c.j2" %}
{% include "kernels/loops/adder.c.j2" %}
{% include "kernels/loops/trailing_zeros.c.j2" %}
{% for name in names %}
{% include "kernels/loops/" ~ name ~ "/contract.c.j2" %}
{% endfor %}
{% for name in names %}
{% include "kernels/loops/variants.c.j2" %}
{% endfor %}
"""


def loops(prefix: str, compact: bool) -> str:
    """Return the loops under a prefix: fast with those of the cores, slow in portable C alone."""
    program = SimpleNamespace(
        upper=prefix.upper(), list_ctype="uint16_t", compact=compact, runs=True,
        runs_alone=False, loops=NAMES, layers=SEVERAL_WORDS,
        bringing=lambda name: isa.bringing(name) if prefix == "fast" else [],
    )  # fmt: skip
    context: dict[str, Any] = {
        "m": prefix, "p": program, "names": NAMES, "vector_loops": (), "directives": False,
        "counts_zeros": [row.counts_zeros for row in isa.architectures() if row.counts_zeros],
    }  # fmt: skip
    return environment().from_string(LOOPS).render(context)


def source(compact: bool) -> str:
    """Return the C of a test: both kinds of loops, and what compares them."""
    head = environment().from_string(HEAD).render(isa=isa)
    return head + loops("fast", compact) + loops("slow", compact) + MAIN.read_text()


@pytest.fixture(scope="module", params=CORES)
def core(request: pytest.FixtureRequest) -> Iterator[CoreProgram]:
    with CoreProgram(request.param) as running:
        yield running


@pytest.mark.parametrize("compact", [True, False], ids=["compact", "long"])
def test_a_core_lists_and_adds_as_portable_c(
    core: CoreProgram, compact: bool, tmp_path: Path
) -> None:
    done = core.run(source(compact), tmp_path, f"-DTURNS={TURNS}u", "-DSEED=1u")
    assert done.stdout == "0", done.stderr


BROKEN = {
    "qemu-m0": ('"add r2, r8\\n\\t"', ""),
    "qemu-m4": (
        '"ldr r9, [r1, #4]\\nldr r10, [r1], #8\\n"',
        '"ldr r9, [r1]\\nldr r10, [r1], #8\\n"',
    ),
}
"""An offset that does not move on; a pair of entries read twice."""


@pytest.mark.parametrize("board", BROKEN)
def test_a_planted_bug_shows(board: str, tmp_path: Path) -> None:
    text, (old, new) = source(False), BROKEN[board]
    assert old in text
    with CoreProgram(board) as running:
        done = running.run(text.replace(old, new), tmp_path, "-DTURNS=300u", "-DSEED=1u")
    assert done.returncode != 0
    assert int(done.stdout) > 10
