"""RISC-V cores in QEMU: the same integers, faults that are told, instructions that they lack."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from support.hunters import HUNTERS
from support.matrix import compared
from support.models import inputs_for
from support.recorded import emulated, firmware
from support.zoo.small import small_model

from codegen.base.errors import CrashError
from codegen.checks.streams import compare_streams, expected, made_samples
from codegen.cli import main
from codegen.render import render
from codegen.target.boards import find_board, further_boards
from codegen.target.emulated import TargetModel
from codegen.target.stack import disassemble
from qat.model import Model

pytestmark = [pytest.mark.target, pytest.mark.usefixtures("recorded_builds")]

BOARDS = tuple(further_boards())
MODELS = ("wide", "8 bits", "4 bits", "pixels", "windows 8", "several spikes")
EXAMPLES = Path(__file__).parents[1] / "examples"


# --------------------------------------------------------------- the same integers


@pytest.mark.parametrize("name", [name for name in HUNTERS if name in MODELS])
@pytest.mark.parametrize("board", BOARDS)
def test_a_core_gives_the_model(board: str, name: str) -> None:
    hunter = HUNTERS[name]
    with emulated(hunter.model, board, files=hunter.files()) as running:
        found = compared(name, running, keeps_u=False)
    assert found.differing == 0, found.first


@pytest.mark.proof
@pytest.mark.parametrize("board", BOARDS)
def test_a_core_gives_every_kind_of_model(board: str) -> None:
    for name, hunter in HUNTERS.items():
        with emulated(hunter.model, board, files=hunter.files()) as running:
            found = compared(name, running, keeps_u=False)
        assert found.differing == 0, (name, found.first)


@pytest.mark.parametrize("board", BOARDS)
def test_samples_of_a_sensor(board: str) -> None:
    model = HUNTERS["sensor, overlapping, stop"].model
    samples = made_samples(model)
    with emulated(model, board) as running:
        found = compare_streams(expected(model, samples), running.stream(samples))
        info = running.info()
    assert found.differing == 0, found.first
    assert found.scores > 10
    assert (info.cpuid_part, info.clock_hz) == (running.board.cpuid_part, running.board.clock_hz)


def test_c_for_the_core_alone_gives_the_same() -> None:
    model = Model.load(EXAMPLES / "mnist-256.npz")
    files, x = render(model, only="rv32imc"), inputs_for(model, 2, 1)
    with emulated(model, "qemu-rv32imc", files=files) as running:
        found = running.run(x)
    assert np.array_equal(found.scores, model.run(x).scores)


# --------------------------------------------------------------- what the core has

UPPER = re.compile(r"\b(a6|a7|s[2-9]|s1[01]|t[3-6])\b")
LACKING = re.compile(r"^(mul|div|rem)|^(amo|lr\.|sc\.|f[ls]w)")


@pytest.mark.parametrize("board", BOARDS)
def test_the_firmware_has_the_instructions_of_the_core_alone(board: str) -> None:
    """QEMU takes all registers on a core with 16 of them; multiplications it refuses."""
    elf, architecture = firmware(render(small_model()), board), find_board(board).architecture
    code = [i for f in disassemble(elf, architecture).values() for i in f.code]
    assert len(code) > 2000
    embedded = board == "qemu-rv32ec"
    assert any(UPPER.search(i.operands) for i in code) != embedded
    assert any(i.name.startswith("mul") for i in code) != embedded
    wrong = {i.name for i in code if LACKING.search(i.name)}
    assert {
        name for name in wrong if embedded or not name.startswith(("mul", "div", "rem"))
    } == set()


# ------------------------------------------------------------------------- faults

RESET = "    small_reset(state);"
FAULT = "    static volatile uint32_t on; if (on++ > 1) { %s }"
DEEP = (
    "static uint32_t deep(volatile uint32_t *v) "
    "{ volatile uint32_t big[64]; big[0] = *v; return deep(big) + big[0]; }"
)
FAULTS = {
    "illegal instruction": '__asm__ volatile("li a3, 93\\n\\t.word 0" ::: "a3");',
    "load from a forbidden address": "(void)*(volatile uint32_t *)0x18000000u;",
    "store to a forbidden address": "*(volatile uint32_t *)0x80000100u = 1;",  # the flash
    "stack overflow": "uint32_t v = on; (void)deep(&v);",
}


def faulty(code: str) -> dict[str, str]:
    """Return the files of the small model with `code` in the firmware's reset."""
    files = render(small_model())
    assert files["binding.h"].count(RESET) == 1
    text = files["binding.h"].replace(RESET, f"{FAULT % code}\n{RESET}")
    return files | {"binding.h": text.replace("typedef ", f"{DEEP}\ntypedef ", 1)}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("board", BOARDS)
def test_a_fault_is_told(board: str, name: str) -> None:
    model = small_model()
    with TargetModel(model, board, files=faulty(FAULTS[name])) as target:
        target.info()
        with pytest.raises(
            CrashError, match=rf"{board}: .* in .*{name}|{board}: {name} in "
        ) as error:
            target.run(inputs_for(model, 1, 0), trace=True)
    registers = error.value.registers
    assert "\n" not in str(error.value)
    assert {"pc", "sp", "ra", "mtval", "stack"} <= set(registers)
    if name == "illegal instruction":
        assert (registers["exception"], registers["a3"]) == (2, 93)


# -------------------------------------------------------------------------- verbs


def test_the_verbs_take_a_core(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "small.npz"
    small_model().save(path)
    for verb in (["run"], ["bench"], ["report"]):
        assert main([*verb, str(path), "--board", "qemu-rv32ec", "--json"]) == 0
        assert "qemu-rv32ec" in capsys.readouterr().out
    assert main(["generate", str(path), "-o", str(tmp_path / "c"), "--core", "rv32imc"]) == 0
    readme = (tmp_path / "c" / "README.md").read_text()
    assert "riscv64-unknown-elf-gcc" in readme
    assert "rv32imc" in readme
    capsys.readouterr()
    assert main(["boards", "--json"]) == 0
    listed = {row["board"]: row for row in json.loads(capsys.readouterr().out)["boards"]}
    assert "ESP32-C3" in listed["qemu-rv32imc"]["sources"]["clock_hz"]
