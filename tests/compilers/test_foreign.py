"""The C gives the integers of the model on big-endian machines, and where words must be aligned."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest
from support.compilers import FOREIGN, LEVELS, MACHINES, Machine, Row, turns
from support.hunters import HUNTERS, Hunter
from support.matrix import compared, run_row
from support.program import Program

from codegen.checks.comparison import Comparison

ORDINARY = "mips"
"""The machine of the ordinary run: big-endian and strict, so one stands for both."""

MODELS = (
    "sensor, overlapping, stop",
    "4 bits, own constants",
    "8 bits, own constants",
    "delta of few",
    "rate, signed",
    "latency",
    "pixels",
    "signed bytes",
    "sparse",
    "plan 2",
)
"""Those of the ordinary run: every way of reading inputs, of adding weights, every readout."""


def program(machine: Machine, compiler: str, level: str, hunter: Hunter) -> Program:
    command = (*machine.command(compiler), *LEVELS[level])
    linker = machine.linker(compiler)
    return Program(hunter.model, command, machine.emulator, hunter.files(), linker)


# ------------------------------------------------------------- what the machines are

PROBE = """
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static uint8_t bytes[8] = {1, 2, 3, 4, 5, 6, 7, 8};

int main(int count, char **words)
{
    uint32_t x;

    (void)words;
    (void)memcpy(&x, bytes, sizeof x);
    printf("%08x %u\\n", x, (unsigned)(8u * sizeof(void *)));
    (void)fflush(stdout);
    return (int)(*(volatile uint32_t *)(void *)(bytes + count) == 0u); /* not aligned: count is 1 */
}
"""


def probed(machine: Machine, folder: Path) -> tuple[str, bool]:
    """Return what a program of the machine says, and whether a word not aligned ends it."""
    (folder / "probe.c").write_text(PROBE)
    command = [*machine.command("gcc"), "-O1", "-static", "probe.c", "-o", "probe"]
    subprocess.run(command, cwd=folder, check=True)
    run = [*machine.emulator, "./probe"]
    done = subprocess.run(run, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout, done.returncode != 0


def test_the_ordinary_machine_is_what_the_table_says(tmp_path: Path) -> None:
    said, trapped = probed(MACHINES[ORDINARY], tmp_path)
    assert (said, trapped) == ("01020304 32\n", True)


@pytest.mark.proof
@pytest.mark.parametrize("machine", MACHINES.values(), ids=lambda machine: machine.name)
def test_machines_are_what_the_table_says(machine: Machine, tmp_path: Path) -> None:
    said, trapped = probed(machine, tmp_path)
    assert said == f"01020304 {machine.words}\n"
    assert trapped == machine.strict


# -------------------------------------------------------------------------- equality


@pytest.mark.parametrize("name", MODELS)
def test_another_byte_order_gives_the_model(name: str) -> None:
    comparison = compared(name, program(MACHINES[ORDINARY], "gcc", "-O2", HUNTERS[name]))
    assert comparison.differing == 0, comparison.first


BYTE_ORDER = (
    "return (uint32_t)x[0] | ((uint32_t)x[1] << 8) | ((uint32_t)x[2] << 16) | "
    "((uint32_t)x[3] << 24);"
)
OWN_ORDER = "uint32_t word;\n\n    (void)memcpy(&word, x, sizeof word);\n    return word;"


def test_a_planted_fault_of_byte_order_shows_there_and_only_there() -> None:
    hunter = HUNTERS["pixels"]
    files = hunter.files()
    (source,) = (name for name in files if name.endswith(".c"))
    assert files[source].count(BYTE_ORDER) == 1
    files[source] = files[source].replace(BYTE_ORDER, OWN_ORDER)
    machine = MACHINES[ORDINARY]
    there = Program(hunter.model, machine.command("gcc"), machine.emulator, files)
    assert compared("pixels", Program(hunter.model, ("gcc",), files=files)).differing == 0
    assert compared("pixels", there).differing > 0


def test_a_word_read_where_none_is_aligned_ends_the_program() -> None:
    hunter = HUNTERS["signed bytes"]
    files = hunter.files()
    (source,) = (name for name in files if name.endswith(".c"))
    strided = "(const uint8_t *)x + 32u * group"
    assert files[source].count(strided) == 1
    files[source] = files[source].replace(BYTE_ORDER, "return *(const uint32_t *)(const void *)x;")
    files[source] = files[source].replace(strided, f"{strided} + 1")
    machine = MACHINES[ORDINARY]
    there = Program(hunter.model, machine.command("gcc"), machine.emulator, files)
    with pytest.raises(RuntimeError, match=f"status -{signal.SIGBUS}:"):
        compared("signed bytes", there)


@pytest.mark.proof
@pytest.mark.parametrize("row", FOREIGN, ids=str)
def test_every_model_on_every_machine(row: Row) -> None:
    machine = MACHINES[row.machine]

    def one(hunter: Hunter, name: str, level: str) -> Comparison:
        return compared(name, program(machine, row.compiler, level, hunter))

    run_row(row, turns(row, FOREIGN.index(row)), one)
