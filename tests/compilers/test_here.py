"""The C gives the integers of the model on this machine, whatever compiles it, at every level."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.compilers import HERE, LEVELS, Row, as_one_word, found, turns, zig
from support.hunters import HUNTERS, Hunter
from support.matrix import compared, run_row
from support.zoo import byte_maps, counting, echoes, neurons, sized

from codegen.checks.comparison import Comparison
from codegen.checks.host import SANITIZE, HostModel

QUICK = [("gcc", "-O0")] * 4
ORDINARY = [*QUICK, ("clang", "-O0"), *QUICK, ("clang", "-O3"), *QUICK, ("gcc", "-O3")]
"""What compiles the models in turn in the ordinary run: clang takes twice as long as gcc, the
highest level four times."""
SPACING = 3
ELSEWHERE = [
    name
    for family in (sized, counting, neurons, echoes, byte_maps)
    for name in family.MODELS
    if name in HUNTERS
]
"""Models that tests/host or tests/target runs, each of them: here one of SPACING."""

NAMES = [name for name in HUNTERS if name not in ELSEWHERE] + ELSEWHERE[::SPACING]
TURNS = [(name, *ORDINARY[i % len(ORDINARY)]) for i, name in enumerate(NAMES)]


def compiler_of(row: Row, folder: Path) -> str:
    """Return the program that is the compiler."""
    own = row.compiler == "zig"
    return as_one_word(zig(), folder) if own else found(row.compiler, row.compiler)


@pytest.mark.parametrize(("name", "compiler", "level"), TURNS)
def test_a_compiler_and_a_level_give_the_model(name: str, compiler: str, level: str) -> None:
    hunter = HUNTERS[name]
    found(compiler, compiler)
    host = HostModel(hunter.model, compiler, LEVELS[level], hunter.files())
    comparison = compared(name, host)
    assert comparison.differing == 0, comparison.first


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_sanitized_code_gives_the_model(compiler: str) -> None:
    found(compiler, compiler)
    for name in ("stop", "free"):
        hunter = HUNTERS[name]
        host = HostModel(hunter.model, compiler, ("-O2", *SANITIZE), hunter.files())
        assert compared(name, host).differing == 0


def test_a_fault_of_one_compiler_is_found() -> None:
    """A line that only clang gets wrong: what one compiler's own mistake would look like."""
    hunter = HUNTERS["stop"]
    files = hunter.files()
    assert "return ~silent;" in files["small.c"]
    fault = "#ifdef __clang__\n#define SILENT silent\n#else\n#define SILENT ~silent\n#endif\n"
    files["small.c"] = fault + files["small.c"].replace("return ~silent;", "return SILENT;")
    differing = {
        compiler: compared("stop", HostModel(hunter.model, compiler, ("-O2",), files)).differing
        for compiler in ("gcc", "clang")
    }
    assert differing["gcc"] == 0 < differing["clang"]


@pytest.mark.proof
@pytest.mark.parametrize("row", HERE, ids=str)
@pytest.mark.parametrize("level", LEVELS)
def test_every_model_at_every_level(row: Row, level: str, tmp_path: Path) -> None:
    compiler = compiler_of(row, tmp_path)

    def one(hunter: Hunter, name: str, level: str) -> Comparison:
        return compared(name, HostModel(hunter.model, compiler, LEVELS[level], hunter.files()))

    pairs = [pair for pair in turns(row, 0, whole=True) if pair[1] == level]
    run_row(row, pairs, one)
