"""The firmware in the memory of real chips: 1 MB and 128 KB, or 128 and 8, with a USART."""

from __future__ import annotations

import json
import re
import struct
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.compilers import for_core
from support.hunters import HUNTERS
from support.matrix import compared
from support.models import inputs_for
from support.recorded import emulated, firmware
from support.results import assert_same
from support.serial_qemu import SerialQemu
from support.uart import uart_flags
from support.zoo.small import small_model

from codegen.base.errors import CrashError, TooLargeError
from codegen.base.paths import assets
from codegen.checks.streams import compare_streams, expected, made_samples
from codegen.cli import main
from codegen.render import render
from codegen.target.boards import chip_boards, find_board
from codegen.target.compiler import size_of
from codegen.target.emulated import TargetModel, footprint
from codegen.target.fit import FIRMWARE_FLASH, firmware_ram, narrowed
from codegen.target.hardware import BoardModel
from codegen.target.protocol import Code, Decoder, Frame, Type, encode
from qat.model import LIF, Accumulate, Analog, Dense, Layer, Model

pytestmark = pytest.mark.target

CHIPS = tuple(chip_boards())
OF_THE_CORE = {"qemu-f100": "qemu-m3", "qemu-f405": "qemu-m4"}
EXAMPLES = Path(__file__).parents[1] / "examples"
MODELS = {
    "qemu-f100": ("small", "pixels", "8 bits"),
    "qemu-f405": ("wide", "4 bits"),
}


def symbols(elf: Path) -> dict[str, int]:
    table = subprocess.run(["arm-none-eabi-nm", elf], capture_output=True, text=True, check=True)
    return {name: int(at, 16) for at, name in re.findall(r"^(\w+) \w (\w+)$", table.stdout, re.M)}


def sections(elf: Path) -> dict[str, tuple[int, int]]:
    """Return {name: (size, address)} of what lies in the memory of the chip."""
    command = ["arm-none-eabi-size", "-A", "-d", str(elf)]
    table = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.findall(r"^\.([\w.]+) +(\d+) +(\d+)", table, re.MULTILINE)
    return {name: (int(size), int(at)) for name, size, at in found if int(at) and int(size)}


def inside(start: int, size: int, origin: int, length: int) -> bool:
    return origin <= start and start + size <= origin + length


# --------------------------------------------------------------- the same integers


@pytest.mark.parametrize(("board", "name"), [(b, n) for b in CHIPS for n in MODELS[b]])
def test_a_chip_gives_the_model(board: str, name: str) -> None:
    hunter = HUNTERS[name]
    with emulated(hunter.model, board, files=hunter.files()) as running:
        found = compared(name, running, keeps_u=False)
    assert found.differing == 0, found.first


@pytest.mark.parametrize("board", CHIPS)
def test_clang_gives_the_model_on_a_chip(board: str) -> None:
    hunter, clang = HUNTERS["wide"], for_core(board, "clang")
    with emulated(hunter.model, board, files=hunter.files(), compiler=clang) as running:
        found = compared("wide", running, keeps_u=False)
    assert found.differing == 0, found.first


@pytest.mark.parametrize("board", CHIPS)
def test_samples_of_a_sensor_on_a_chip(board: str) -> None:
    model = HUNTERS["sensor, overlapping, stop"].model
    samples = made_samples(model)
    with emulated(model, board) as running:
        found = compare_streams(expected(model, samples), running.stream(samples))
    assert found.differing == 0, found.first
    assert found.scores > 10


@pytest.mark.parametrize("board", CHIPS)
def test_a_chip_counts_the_instructions_of_its_core(board: str, model: Model) -> None:
    """Twice as fast a clock or flash elsewhere change no instruction."""
    x, counts = inputs_for(model, 2, 0), []
    for name in (board, OF_THE_CORE[board]):
        with emulated(model, name, around="counted") as running:
            counts.append(running.benchmark(x))
    assert counts[0].step.tolist() == counts[1].step.tolist()
    assert (counts[0].step > 0).all()


@pytest.mark.parametrize("name", CHIPS)
def test_a_model_over_the_usart(name: str, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is sent before the firmware has enabled the port gets lost: it is sent again."""
    monkeypatch.setattr("codegen.target.hardware.HELLO_RESENDS", 60)
    board = find_board(name)
    elf = firmware(render(model), name, (*uart_flags(board), "-Werror"))
    behind = replace(board, hardware=find_board("nucleo_f401re").hardware)
    x = inputs_for(model, 4, 1)
    with (
        SerialQemu(board, elf) as qemu,
        BoardModel(model, behind, qemu.port, timeout=20.0) as target,
    ):
        found = target.run(x, trace=True)
        assert target.device.client.payload == board.frame - 16
    assert_same(replace(model.run(x, trace=True), u=None), found)


# ----------------------------------------------------------------- the memory map


@pytest.mark.parametrize("name", CHIPS)
def test_all_lies_where_the_chip_has_memory(name: str, model: Model) -> None:
    board, elf = find_board(name), firmware(render(model), name)
    origins = json.loads((assets() / "boards" / f"{name}.json").read_text())["build"]
    flash, ram = int(origins["flash_origin"], 16), int(origins["ram_origin"], 16)
    for section, (size, at) in sections(elf).items():
        fits = inside(at, size, flash, board.flash) or inside(at, size, ram, board.ram)
        assert fits, (section, hex(at), size)
    image = elf.with_suffix(".bin")
    subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", elf, image], check=True)
    stack, reset = struct.unpack_from("<II", image.read_bytes())
    known = symbols(elf)
    assert stack == known["stack_top"] == ram + board.stack
    assert reset == known["Reset_Handler"] | 1
    assert inside(reset, 0, flash, board.flash)


@pytest.mark.parametrize("board", CHIPS)
def test_a_stack_overflow_on_a_chip(board: str, model: Model) -> None:
    """Below the stack there is no memory."""
    deep = (
        "static uint32_t deep(volatile uint32_t *v) "
        "{ volatile uint32_t big[64]; big[0] = *v; return deep(big) + big[0]; }"
    )
    files, reset = render(model), "    small_reset(state);"
    text = files["binding.h"].replace("typedef ", f"{deep}\ntypedef ", 1)
    call = "    static volatile uint32_t on; if (on++ > 1) { uint32_t v = on; (void)deep(&v); }"
    assert text.count(reset) == 1
    files["binding.h"] = text.replace(reset, f"{call}\n{reset}")
    with emulated(model, board, files=files) as target, pytest.raises(CrashError) as error:
        target.run(inputs_for(model, 1, 0), trace=True)
    assert "stack overflow" in str(error.value)


# ------------------------------------------------------------------ little memory


def test_a_digit_classifier_runs_in_8_kb_of_ram() -> None:
    """784-128-10 takes 5 KB of them, the firmware less than 3."""
    model = Model.load(EXAMPLES / "mnist-784.npz")
    x = np.random.default_rng(0).integers(0, model.input.high + 1, (2, 784))
    elf = firmware(render(model), "qemu-f100")
    with TargetModel(model, "qemu-f100", elf=elf) as running:
        found = running.run(x)
        info = running.info()
    says = model.run(x)
    assert found.predictions.tolist() == says.predictions.tolist()
    assert np.array_equal(found.scores, says.scores)
    assert (info.stack_bytes, info.cpuid_part, info.clock_hz) == (2048, 0xC23, 24_000_000)
    assert info.stack_used < 1024
    taken = sections(elf)
    flash, ram = footprint(model)
    code = size_of(render(model), "qemu-f100").text + 512
    assert sum(size for size, at in taken.values() if at < 0x20000000) <= (
        FIRMWARE_FLASH + flash + code
    )
    assert sum(size for size, at in taken.values() if at >= 0x20000000) <= (
        firmware_ram(find_board("qemu-f100")) + ram
    )


def wide(neurons: int) -> Model:
    rng = np.random.default_rng(3)
    layer = Layer(Dense(rng.integers(-1, 2, (neurons, 64))), LIF(40, (2,)))
    readout = Accumulate(Dense(rng.integers(-9, 9, (4, neurons)), 8))
    return Model(Analog(64, 0, 15), (layer,), readout, 8, "small")


def test_the_widest_model_that_fits_runs_and_the_next_is_refused() -> None:
    """The advice of the refusal is right to the neuron."""
    with pytest.raises(
        TooLargeError, match=r"qemu-f100: the model takes \d+ bytes of RAM"
    ) as error:
        TargetModel(wide(3000), "qemu-f100")
    most = re.search(r"with (\d+) neurons in place of 3000", str(error.value))
    assert most, error.value
    fits = narrowed(wide(3000), 0, int(most[1]))
    with emulated(fits, "qemu-f100") as running:
        x = inputs_for(fits, 1, 0)
        assert np.array_equal(running.run(x).scores, fits.run(x).scores)
    with pytest.raises(TooLargeError):
        TargetModel(narrowed(wide(3000), 0, int(most[1]) + 1), "qemu-f100")


# ------------------------------------------------------------------------- frames


def test_short_frames_are_agreed_on_and_longer_ones_refused(model: Model) -> None:
    with emulated(model, "qemu-f100") as running:
        qemu, device = running.connect()
        with qemu:
            assert device.client.payload == 240
            session = device.client._session << 16
            decoder = Decoder()
            qemu.write(encode(Frame(session | 99, Type.INPUT, payload=bytes(241))))
            while (reply := decoder.next()) is None:
                decoder.feed(qemu.read(5.0))
    assert reply == Frame(session | 99, Type.INPUT, Code.TOO_LONG)


# -------------------------------------------------------------------------- verbs


def test_the_verbs_take_a_chip(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "small.npz"
    small_model().save(path)
    for verb in (["run"], ["bench"], ["report"]):
        assert main([*verb, str(path), "--board", "qemu-f100", "--json"]) == 0
        assert "qemu-f100" in capsys.readouterr().out
    assert main(["boards", "--json"]) == 0
    listed = {row["board"]: row for row in json.loads(capsys.readouterr().out)["boards"]}
    assert listed["qemu-f100"]["chip"] == "stm32f100rbt6"
    assert listed["nucleo_l476rg"]["sources"]["ram"].startswith("platform-ststm32")
