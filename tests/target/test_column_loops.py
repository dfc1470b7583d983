"""Columns of codes: what a core has to add them equals portable C, on columns of any length."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.core_program import CoreProgram

from codegen import isa
from codegen.render import environment

pytestmark = pytest.mark.target

CORES = ("qemu-m0", "qemu-m3", "qemu-m4", "qemu-m55")
TURNS = 700
"""Columns of each number of bits, ten of every length."""

MAIN = Path(__file__).parents[1] / "support/loops/columns.c"
NAMES = ("add_column2", "add_column4", "add_column8", "add_column16")
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
{% for name in names %}
{% include "kernels/loops/" ~ name ~ "/contract.c.j2" %}
{% include "kernels/loops/variants.c.j2" %}
{% endfor %}
"""


def loops(prefix: str) -> str:
    """Return the loops under a prefix: fast with those of the cores, slow in portable C alone."""
    program = SimpleNamespace(
        upper=prefix.upper(),
        bringing=lambda name: isa.bringing(name) if prefix == "fast" else [],
    )
    context: dict[str, Any] = {
        "m": prefix, "p": program, "names": NAMES, "vector_loops": (), "directives": False,
    }  # fmt: skip
    return environment().from_string(LOOPS).render(context)


def source() -> str:
    """Return the C of a test: both kinds of loops, and what compares them."""
    head = environment().from_string(HEAD).render(isa=isa)
    return head + loops("fast") + loops("slow") + MAIN.read_text()


@pytest.mark.parametrize("board", CORES)
def test_a_core_adds_columns_as_portable_c(board: str, tmp_path: Path) -> None:
    with CoreProgram(board) as core:
        done = core.run(source(), tmp_path, f"-DTURNS={TURNS}u", "-DSEED=1u")
    assert done.stdout == "0", done.stderr


BROKEN = {
    "qemu-m0": ('"muls %[code], %[x], %[code]\\n\\t"', ""),
    "qemu-m4": ("mla %[beside], %[second],", "mla %[beside], %[code],"),
}
"""A value that is left out; the first code of a pair twice."""


@pytest.mark.parametrize("board", BROKEN)
def test_a_planted_bug_shows(board: str, tmp_path: Path) -> None:
    text, (old, new) = source(), BROKEN[board]
    assert old in text
    with CoreProgram(board) as core:
        done = core.run(text.replace(old, new), tmp_path, f"-DTURNS={TURNS}u", "-DSEED=1u")
    assert done.returncode != 0
    assert int(done.stdout) > TURNS // 2
