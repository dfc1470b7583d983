"""An instruction set is a row: it brings loops, takes those of another, or leaves them to C99."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import support
from support.compilers import for_core
from support.crossed import crossed
from support.zoo import ZOO
from support.zoo.golden import analog
from support.zoo.tiny import MODELS

import codegen
from codegen import isa
from codegen.checks.equivalence import compare_host
from codegen.checks.host import WARNINGS
from codegen.cli import main
from codegen.isa import rows
from codegen.plan import cost
from codegen.plan.build import HELPERS
from codegen.plan.choose import plan
from codegen.plan.program import INSIDE, LOOPS, VECTOR_LOOPS
from codegen.plan.spectrum import LOOPS as SOUND_LOOPS
from codegen.render import render
from codegen.render.generated import generated
from qat.model import Activity, Model

KERNELS = Path(codegen.__file__).parent / "kernels" / "loops"
PLAIN = isa.InstructionSet(
    name="rv32imv", condition="defined(__riscv)", cores=("rv32",), timings={}, architecture=isa.ARM
)
"""A set that brings nothing."""

ARM = shutil.which("arm-none-eabi-gcc") or "no arm-none-eabi-gcc"
FLAGS = {
    "cortex-m0": "-mcpu=cortex-m0",
    "cortex-m3": "-mcpu=cortex-m3",
    "cortex-m4": "-mcpu=cortex-m4",
    "cortex-m55": "-mcpu=cortex-m55 -mfloat-abi=hard",
}


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> isa.InstructionSet:
    """The table with a row more."""
    monkeypatch.setattr(rows, "SETS", (*isa.SETS, PLAIN))
    return PLAIN


def source(files: dict[str, str]) -> str:
    return next(text for name, text in files.items() if name.endswith(".c"))


def compiled(
    files: dict[str, str],
    folder: Path,
    core: str,
    *flags: str,
    change: Callable[[str], str] | None = None,
) -> str:
    """Return what a compiler says about the C of a model, for a core; by default gcc for ARM.

    change: makes another compiler's command of its command
    """
    for name, text in files.items():
        (folder / name).write_text(text)
    unit = next(name for name in files if name.endswith(".c"))
    command = [ARM, "-mthumb", *FLAGS[core].split(), "-O2", *WARNINGS, *flags, "-c", unit]
    if change is not None:
        command = shlex.split(change(shlex.join(command)))
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else ""


def test_every_loop_of_a_row_is_a_file_and_every_file_of_a_row() -> None:
    brought = {(loop, row.variant) for row in isa.SETS for loop in row.loops}
    found = {(p.parent.name, p.name.split(".")[0]) for p in KERNELS.glob("*/*.c.j2")}
    bases = {(loop, "contract") for loop in LOOPS} | {
        (loop, "portable") for loop in LOOPS - VECTOR_LOOPS
    }
    shared = {("reset", "thumb"), ("field_sums", "portable")}
    shared |= {("mean_bytes", "portable"), ("less_words", "portable")}
    shared |= {(loop, name) for loop in SOUND_LOOPS for name in ("contract", "portable")}
    shared |= {("list_rows", name) for name in ("contract", "portable", "armv7m", "armv6m")}
    # a text that two variants share, and what the template of a stage falls back to
    assert found == brought | bases | shared
    assert {loop for row in isa.SETS for loop in row.loops} - LOOPS == INSIDE
    assert set(HELPERS) >= LOOPS - VECTOR_LOOPS


def test_every_core_has_one_set_timings_and_costs() -> None:
    names = [core for row in isa.SETS for core in row.cores]
    assert len(set(names)) == len(names)
    assert all(isa.timing(core).source for core in names)
    assert {row.name for row in isa.SETS} == set(cost.coefficients()["costs"])
    assert isa.find("cortex-m0plus") is isa.find("cortex-m0")
    with pytest.raises(ValueError, match=r"core: found 'cortex-m9'; use cortex-m0, "):
        isa.find("cortex-m9")


@pytest.mark.parametrize("name", ["bit-sliced, two layers", "8 bits", "frames", "few outputs"])
def test_a_set_without_loops_is_portable_c(
    name: str, plain: isa.InstructionSet, tmp_path: Path
) -> None:
    model = MODELS[name].model
    made = generated(model, only="rv32")
    assert made.program.bringing("add_columns") == []
    text = source(dict(made.files))
    assert "__asm__ volatile(\n" not in text
    assert not any(f"{model.name.upper()}_{row.macro} 1" in text for row in isa.SETS if row.variant)
    assert compare_host(model, code=dict(made.pair)).differing == 0


def test_a_core_without_coefficients_is_one_line(plain: isa.InstructionSet) -> None:
    model = analog()
    program = plan(model, "rv32")
    assert [layer.kernel for layer in program.layers] == ["bitsliced", "bitsliced"]
    parts = cost.works(program, model.input, Activity.of(model), "rv32")
    with pytest.raises(ValueError, match=r"no coefficients for .* on rv32; measure them with"):
        cost.evaluate(parts[0], "rv32")
    with pytest.raises(ValueError, match="core rv32: its cycles are not known"):
        isa.timing("rv32")


def test_a_row_that_brings_a_loop_is_asked_first(monkeypatch: pytest.MonkeyPatch) -> None:
    row = replace(PLAIN, variant="armv7m", loops=("list_active", "reset"))
    monkeypatch.setattr(rows, "SETS", (row, *isa.SETS))
    program = plan(analog())
    assert [one.name for one in program.rows_with("reset")] == ["rv32imv", "armv7-m", "armv6-m"]
    assert [one.name for one in program.bringing("list_active")] == [
        "rv32imv",
        "armv7-m",
        "armv6-m",
    ]
    assert [one.name for one in program.bringing("add_columns")] == ["armv7-m", "armv6-m"]


# ------------------------------------------------------------ for one core alone


@pytest.mark.parametrize("core", FLAGS)
def test_c_for_one_core_leaves_the_others_out(core: str, tmp_path: Path) -> None:
    model = analog()
    alone, every = (render(model, core, only=only) for only in (core, None))
    text = source(alone)
    assert len(text) < 0.9 * len(source(every))
    assert compiled(alone, tmp_path, core) == ""
    kept = {row.macro for row in isa.lineage(isa.find(core))}
    for row in isa.SETS:
        used = f"ANALOG_{row.macro}" in text
        assert used <= (row.macro in kept) or not row.variant


MAPS = (
    "4 bits, 1 of 33",
    "8 bits, pooled", "a recording", "depthwise 15", "read, 10 of 128", "stride 2, over a byte",
    "stride 2, far", "windows 2", "windows 8", "windows together 14",
)  # fmt: skip
"""Convolutions of every kernel: 2-D and 1-D, strides, depthwise ones, membranes in bytes."""


@pytest.mark.parametrize(
    ("name", "way"), crossed(MAPS, [f"{core} {by}" for by in ("gcc", "clang") for core in FLAGS], 2)
)
def test_c_of_maps_for_one_core_is_silent(name: str, way: str, tmp_path: Path) -> None:
    """No warning of either compiler, whatever of the C another core would need."""
    core, compiler = way.split()
    change = for_core(core.replace("cortex-", "qemu-"), compiler)
    files = render(ZOO[name].model, only=core, kernels=ZOO[name].kernels)
    assert compiled(files, tmp_path, core, change=change) == ""


OTHERS = (
    ("cortex-m4", "cortex-m0"),
    ("cortex-m0", "cortex-m4"),
    ("cortex-m55", "cortex-m4"),
    ("cortex-m4", "cortex-m3"),
)


@pytest.mark.parametrize(("core", "other"), OTHERS)
def test_c_for_one_core_refuses_another(core: str, other: str, tmp_path: Path) -> None:
    files = render(analog(), only=core)
    said = compiled(files, tmp_path, other)
    assert "#error" in said
    assert f"is made for {isa.find(core).name} alone" in said
    assert compiled(files, tmp_path, other, "-DMODEL_PORTABLE=1") == ""


@pytest.mark.parametrize("core", FLAGS)
def test_c_for_one_core_computes_the_same_here(core: str) -> None:
    model = Model.load(Path(support.__file__).parents[1] / "examples" / "mnist-256.npz")
    assert compare_host(model, code=render(model, only=core)).differing == 0


def test_generate_takes_a_core(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "analog.npz"
    analog().save(path)
    assert main(["generate", str(path), "-o", str(tmp_path / "c"), "--core", "cortex-m4"]) == 0
    header = (tmp_path / "c" / "analog.h").read_text()
    assert "armv7e-m alone" in header
    assert "cortex-m0" not in (tmp_path / "c" / "README.md").read_text().lower()
    assert main(["check", str(path), "--code", str(tmp_path / "c")]) == 0
    capsys.readouterr()
    assert main(["generate", str(path), "-o", str(tmp_path), "--core", "m4"]) == 2
    assert "core: found 'm4'; use cortex-m0" in capsys.readouterr().err


# ------------------------------------------------------- an architecture of one's own


class Other(isa.Architecture):
    """A family beside ARM: enough of it to write C for."""

    name, condition = "Xtensa", "defined(__XTENSA__)"
    counts_zeros = "defined(__NSA__)"
    parse = growth = constant = following = called = cycles = ticks = None
    part = exception = causes = None


def test_a_further_architecture_is_rows_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its compilers are asked for, its loops come first, and what is there stays as it was."""
    row = replace(PLAIN, architecture=Other(), variant="armv7m", loops=("list_active",))
    monkeypatch.setattr(rows, "SETS", (*isa.SETS, row))
    text = source(render(analog()))
    asked = "(defined(__ARM_ARCH_PROFILE) || defined(__XTENSA__))"
    assert f"#if defined(__GNUC__) && {asked} && !ANALOG_PORTABLE" in text
    assert " && defined(__NSA__)\n" in text
    assert compare_host(analog(), code=render(analog())).differing == 0
    alone = source(render(analog(), only="rv32"))
    assert "#if defined(__GNUC__) && defined(__XTENSA__) && !ANALOG_PORTABLE" in alone
    assert "__ARM_ARCH_PROFILE == 'M'" not in alone.split("- network")[0]


def test_an_architecture_answers_for_everything() -> None:
    with pytest.raises(TypeError, match="abstract"):
        type("Half", (isa.Architecture,), {"parse": lambda self, text: {}})()
