"""The firmware gives the integers of the model on all six cores, whatever compiles the model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.compilers import CORES, LEVELS, Row, for_core, turns
from support.crossed import crossed
from support.hunters import HUNTERS, Hunter
from support.matrix import compared, run_row
from support.recorded import emulated
from support.zoo.small import small_model

from codegen.base.errors import CrashError, TooLargeError
from codegen.checks.comparison import Comparison
from codegen.checks.streams import compare_streams, expected, made_samples
from codegen.render import render
from qat.model import Dense, Frames, Model, Sensor

pytestmark = [pytest.mark.target, pytest.mark.usefixtures("cache")]

NOT_THE_USUAL = (
    ("qemu-m0", "-Os", "pixels"),
    ("qemu-m3", "-O2 -flto", "sensor, overlapping, stop"),
    ("qemu-m33", "-O0", "8 bits, own constants"),
    ("qemu-m55", "-O3", "own constants"),
)
"""Levels of the ordinary run and, in the middle, of the proof; at -O2 tests/target runs every
kernel on every kind of core."""

CLANG_CORES = ("qemu-m0", "qemu-m3", "qemu-m4", "qemu-m55")
CLANG_MODELS = ("small", "wide", "own constants", "4 bits", "8 bits", "pixels")


def on_core(
    hunter: Hunter, name: str, row: Row, level: str, files: dict[str, str] | None = None
) -> Comparison:
    """Compare a model on an emulated core, which does not keep u."""
    with emulated(
        hunter.model,
        row.machine,
        files=hunter.files() if files is None else files,
        flags=() if level == "-O2" else LEVELS[level],  # PlatformIO's own
        compiler=for_core(row.machine, row.compiler),
    ) as running:
        return compared(name, running, keeps_u=False)


@pytest.mark.parametrize(
    ("board", "level", "name"),
    [
        pytest.param(*turn, marks=() if turn[0] in ("qemu-m0", "qemu-m55") else pytest.mark.proof)
        for turn in NOT_THE_USUAL
    ],
)
def test_another_level_gives_the_model(board: str, level: str, name: str) -> None:
    found = on_core(HUNTERS[name], name, Row(board, "gcc", (level,)), level)
    assert found.differing == 0, found.first


@pytest.mark.parametrize(("name", "board"), crossed(CLANG_MODELS, CLANG_CORES))
def test_clang_gives_the_model(name: str, board: str) -> None:
    found = on_core(HUNTERS[name], name, Row(board, "clang", ("-O2",)), "-O2")
    assert found.differing == 0, found.first


def test_a_fault_of_one_compiler_is_found() -> None:
    hunter = HUNTERS["stop"]
    files = hunter.files()
    assert "return ~silent;" in files["small.c"]
    fault = "#ifdef __clang__\n#define SILENT silent\n#else\n#define SILENT ~silent\n#endif\n"
    files["small.c"] = fault + files["small.c"].replace("return ~silent;", "return SILENT;")
    rows = [Row("qemu-m4", compiler, ("-O2",)) for compiler in ("gcc", "clang")]
    differing = [on_core(hunter, "stop", row, "-O2", files).differing for row in rows]
    assert differing[0] == 0 < differing[1]


# ----------------------------------------------------------- inputs at any address


def at_odd_addresses() -> Model:
    """Return a model of windows that overlap: it reads 33 bytes where they lie in a ring."""
    small, size = small_model(), 33
    codes = np.random.default_rng(3).integers(-1, 2, (40, size))
    first = replace(small.layers[0], synapse=Dense(codes, input_shift=1))
    sensor = Sensor([9] * size, [3] * size, shift=2, group=2, hop=2)
    layers = (first, *small.layers[1:])
    return replace(small, input=Frames(size, 0, 255), layers=layers, sensor=sensor)


def test_the_strict_core_reads_inputs_at_odd_addresses() -> None:
    model = at_odd_addresses()
    samples = made_samples(model)
    with emulated(model, "qemu-m0") as running:
        found = compare_streams(expected(model, samples), running.stream(samples))
    assert found.differing == 0, found.first
    assert found.scores > 100


def test_a_word_read_at_an_odd_address_ends_the_firmware() -> None:
    model = at_odd_addresses()
    files, guard = render(model), "((uintptr_t)from & 3u) != 0u"
    assert files["small.c"].count(guard) == 1
    files["small.c"] = files["small.c"].replace(guard, "(uintptr_t)from == 0u")
    with (
        emulated(model, "qemu-m0", files=files) as running,
        pytest.raises(CrashError, match="qemu-m0"),
    ):
        running.stream(made_samples(model))


# -------------------------------------------------------------------------- proof


@pytest.mark.proof
@pytest.mark.parametrize("row", CORES, ids=str)
def test_every_model_on_every_core(row: Row) -> None:
    def one(hunter: Hunter, name: str, level: str) -> Comparison | None:
        try:
            return on_core(hunter, name, row, level)
        except TooLargeError:  # the linker's word: not every level fits into every board
            return None

    run_row(row, turns(row, CORES.index(row)), one)
