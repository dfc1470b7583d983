"""The protocol over the emulated serial ports of all cores, and the Arduino sources on them."""

from __future__ import annotations

import random
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.arduino_firmware import CPP, WARNINGS, C, build_arduino, includes
from support.crossed import some
from support.models import inputs_for
from support.recorded import firmware
from support.results import assert_same
from support.serial_qemu import SerialQemu
from support.uart import uart_flags

from codegen.base.paths import assets
from codegen.render import render
from codegen.target.boards import Board, find_board, further_boards, hardware_boards, load_boards
from codegen.target.compiler import find_cross_compiler
from codegen.target.counting import Counter, What
from codegen.target.device import Device
from codegen.target.hardware import BoardModel
from codegen.target.ports import SerialLink
from codegen.target.protocol import Client, Link
from qat.model import Model

pytestmark = pytest.mark.target

BOARDS = tuple(load_boards())
ONE_EACH = ("qemu-m0", "qemu-m4", "qemu-m55")
"""A board for each kind of core: what the ordinary run takes, where the port is not the point."""
SECONDS = 120.0
"""That one answer may take on a busy machine."""


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Go on calling a board whose emulator has not started yet, for as long."""
    monkeypatch.setattr("codegen.target.hardware.HELLO_RESENDS", int(2 * SECONDS))


def as_hardware(name: str) -> Board:
    """Return an emulated board as one behind a serial port."""
    return replace(find_board(name), hardware=find_board("nucleo_f401re").hardware)


def check(model: Model, name: str, port: str, samples: int = 2) -> None:
    """Compare few samples of a model, run over a port."""
    x = inputs_for(model, samples, 1)
    expected = model.run(x, trace=True)
    with BoardModel(model, as_hardware(name), port, timeout=SECONDS) as target:
        assert_same(replace(expected, u=None), target.run(x, trace=True))


PORTS = ("qemu-m0", "qemu-m4", "qemu-m33", "qemu-m55", "qemu-rv32imc")


@pytest.mark.parametrize("name", some([*BOARDS, *further_boards()], PORTS))
def test_a_model_over_the_serial_port(name: str, model: Model) -> None:
    """The core sleeps until a byte comes. qemu-m3 and qemu-m7 have the port of qemu-m4."""
    board = find_board(name)
    elf = firmware(render(model), name, uart_flags(board))
    with SerialQemu(board, elf) as qemu:
        check(model, name, qemu.port)
        assert qemu.sleeps(SECONDS)


@pytest.mark.proof  # it keeps a core busy
def test_a_port_without_an_interrupt_is_asked_again_and_again(model: Model) -> None:
    board = find_board("qemu-m4")
    assert board.uart is not None
    board = replace(board, uart=replace(board.uart, interrupt=None))
    elf = firmware(render(model), board.name, uart_flags(board))
    with SerialQemu(board, elf) as qemu:
        check(model, board.name, qemu.port, 1)
        assert not qemu.sleeps(0.5)


def test_no_serial_port() -> None:
    with pytest.raises(ValueError, match="pico: its JSON names no emulated serial port"):
        uart_flags(find_board("pico"))


class FaultyLink:
    """Spoils some of what passes a link: bytes get lost, doubled, flipped."""

    def __init__(self, link: Link, seed: int, rate: float) -> None:
        self.link, self.rng, self.rate, self.faults = link, random.Random(seed), rate, 0

    def _spoil(self, data: bytes) -> bytes:
        if not data or self.rng.random() >= self.rate:
            return data
        self.faults += 1
        place = self.rng.randrange(len(data))
        spoiled = bytearray(data)
        spoiled[place : place + 1] = self.rng.choice((b"", data[place : place + 1] * 2, b"\x55"))
        return bytes(spoiled)

    def read(self, timeout: float) -> bytes:
        return self._spoil(self.link.read(timeout))

    def write(self, data: bytes) -> None:
        self.link.write(self._spoil(data))


def test_faults_on_the_emulated_line(model: Model) -> None:
    board = find_board("qemu-m4")
    elf = firmware(render(model), "qemu-m4", uart_flags(board))
    x = inputs_for(model, 6, 3)
    with SerialQemu(board, elf) as qemu, BoardModel(model, as_hardware("qemu-m4"), qemu.port) as t:
        client = t.device.client
        client.timeout, client.resends = 0.25, 300  # time for a busy machine
        client.link = link = FaultyLink(client.link, 7, 0.1)
        found = t.run(x, trace=True)
    assert_same(replace(model.run(x, trace=True), u=None), found)
    assert link.faults > 20


# ------------------------------------------------------- the Arduino sources


@pytest.mark.parametrize("name", some(BOARDS, ONE_EACH))
def test_the_arduino_firmware_on_an_emulated_core(name: str, model: Model, tmp_path: Path) -> None:
    """Everything but the core itself is what a board of hardware runs."""
    board = find_board(name)
    elf = build_arduino(render(model), board, tmp_path)
    with SerialQemu(board, elf, board.architecture.tools.counting) as qemu:
        check(model, name, qemu.port)
        with BoardModel(model, as_hardware(name), qemu.port, timeout=SECONDS) as target:
            info = target.info()
            counts = target.benchmark(inputs_for(model, 2, 0))
    assert info.counter == Counter.SYSTICK  # QEMU emulates no cycle counter
    assert (info.clock_hz, info.stack_bytes) == (board.clock_hz, 0)
    assert info.cpuid_part == board.cpuid_part
    assert (counts.step > 0).all()


def loops(board: Board, elf: Path, lengths: tuple[int, ...]) -> tuple[Counter, list[int]]:
    """Return what the firmware counts for loops of 2 n + 1 instructions, of 256 ns each."""
    with (
        SerialQemu(board, elf, board.architecture.tools.counting) as qemu,
        SerialLink(qemu.port, 115200) as link,
    ):
        device = Device(Client(link, SECONDS, 2))
        device.open()
        return device.info().counter, [device.benchmark(What.LOOP, n).instructions for n in lengths]


TIMERS = {"off": (0, Counter.SYSTICK), "core": (1, Counter.SYSTICK)}
INTERRUPT = 32
"""Instructions that the interrupt of a millisecond takes at most, and the counter's own."""
LENGTHS = (1, 100, 1000, 5000, 20_000, 100_000)


@pytest.mark.parametrize("name", some(BOARDS, ("qemu-m0", "qemu-m4")))
@pytest.mark.parametrize("timer", TIMERS)
def test_cycles_by_the_system_timer(name: str, timer: str, model: Model, tmp_path: Path) -> None:
    """Whether nobody uses it or the core's milliseconds are made of it; interrupts count too.

    The loops take up to 51 ms: an uncounted period of 1 ms would show as 1 ms.
    """
    board, (setting, kind) = find_board(name), TIMERS[timer]
    elf = build_arduino(render(model), board, tmp_path, [f"-DCORE_TIMER={setting}"])
    counter, found = loops(board, elf, LENGTHS)
    assert counter == kind
    mhz = board.clock_hz / 1e6
    expected = np.array([(2 * n + 1) * 0.256 * mhz for n in LENGTHS])
    periods = expected / (1000 * mhz)
    interrupts = INTERRUPT * 0.256 * mhz * (periods + 1)
    assert (np.abs(np.array(found) - expected) < 2 * 0.256 * mhz + interrupts).all(), found
    assert interrupts.max() < 500 * mhz * 0.9


@pytest.mark.parametrize("name", some(("qemu-m3", "qemu-m4", "qemu-m7"), ("qemu-m4",)))
def test_the_cycle_counter(name: str, model: Model, tmp_path: Path) -> None:
    """QEMU has none: here it lies where the machine has one of 25 MHz that counts up."""
    board, place = find_board(name), "-DCYCLE_UNIT=0x40028014u"
    counter, found = loops(board, build_arduino(render(model), board, tmp_path, [place]), LENGTHS)
    assert counter == Counter.CYCLES
    expected = [(2 * n + 1) * 0.256 * 25 for n in LENGTHS]
    assert found == pytest.approx(expected, rel=0.005, abs=INTERRUPT * 0.256 * 25)


def test_microseconds_where_the_timer_has_another_clock(model: Model, tmp_path: Path) -> None:
    board = find_board("qemu-m4")
    elf = build_arduino(render(model), board, tmp_path, ["-DCORE_TIMER=2"])
    counter, found = loops(board, elf, (5000, 100_000))
    assert counter == Counter.MICROSECONDS
    assert found == pytest.approx([10_001 * 6.4, 200_001 * 6.4], rel=0.02)


ARDUINO = assets() / "firmware" / "src"


def common_and_arduino() -> list[Path]:
    return [*sorted(ARDUINO.glob("*.c")), *sorted((ARDUINO / "arduino").glob("*.c*"))]


@pytest.fixture(scope="module")
def pair(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pair")
    for name, text in render(model).items():
        (folder / name).write_text(text)
    return folder


OF_EVERY_CORE = sorted({b.core_flags: n for n, b in hardware_boards().items()}.values())
"""One board for each set of compiler options."""


@pytest.mark.parametrize("board", some(OF_EVERY_CORE, OF_EVERY_CORE[::3]))
def test_no_warning_for_a_board_of_hardware(board: str, pair: Path) -> None:
    """The sources that PlatformIO compiles for it, with its core's options and the ARM compiler."""
    flags = hardware_boards()[board].core_flags
    for source in [*common_and_arduino(), *pair.glob("*.c")]:
        language = C if source.suffix == ".c" else CPP
        command = [find_cross_compiler(), *language, "-O2", "-Werror", *WARNINGS, *flags]
        compile_only([*command, *includes(pair), "-DMODEL_PROBE=1"], source)


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_no_warning_on_this_machine(compiler: str, pair: Path) -> None:
    """But for what holds ARM assembly."""
    for source in common_and_arduino():
        if source.name != "counter.c":
            language = C if source.suffix == ".c" else CPP
            command = [compiler, *language, "-O2", "-Werror", *WARNINGS, *includes(pair)]
            compile_only([*command, "-DMODEL_PROBE=1"], source)


def compile_only(command: list[str], source: Path) -> None:
    done: Any = subprocess.run(
        [*command, "-c", str(source), "-o", "/dev/null"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
