"""A board behind a serial port: the firmware's protocol code behind a pseudo-terminal."""

from __future__ import annotations

import errno
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import serial
from support.host_firmware import PtyBoard, pty_program
from support.models import inputs_for
from support.results import assert_same
from support.zoo.small import small_model

from codegen.base.errors import (
    BootloaderError,
    HangError,
    LinkError,
    ProtocolError,
    RestartedError,
    WrongModelError,
)
from codegen.base.paths import assets
from codegen.cli import main
from codegen.render import render
from codegen.target import ports
from codegen.target.boards import Board, find_board
from codegen.target.device import VERSION, Device
from codegen.target.hardware import BoardModel
from codegen.target.ports import SerialLink, check_port, find_port, serial_ports, usb_devices
from codegen.target.protocol import Client, Link
from qat.model import LIF, Accumulate, Analog, Dense, Frames, Layer, Model, Sensor, Spikes

NAME = "nucleo_f401re"


def _codes(outputs: int, inputs: int) -> Any:
    return np.random.default_rng(outputs).integers(-1, 2, (outputs, inputs))


MODELS = {
    "analog": small_model(),
    "analog, several frames": Model(
        Analog(2100, 0, 3),
        (Layer(Dense(_codes(400, 2100)), LIF(60, (3,))),),
        Accumulate(Dense(_codes(5, 400))),
        steps=2,
        name="wide",
    ),
    "frames": Model(
        Frames(30, 0, 255),
        (Layer(Dense(_codes(40, 30)), LIF(90, (3,))), Layer(Dense(_codes(33, 40)), LIF(2, (3,)))),
        Accumulate(Dense(_codes(7, 33))),
        steps=4,
        name="frames",
    ),
    "spikes, free": Model(
        Spikes(64), (Layer(Dense(_codes(32, 64)), LIF(5, (2,))),), name="spikes_free"
    ),
}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pty_program(render(MODELS["analog"]), tmp_path_factory.mktemp("program"))


@pytest.fixture
def board(program: Path, tmp_path: Path) -> Iterator[PtyBoard]:
    with PtyBoard([program], tmp_path / "port") as plugged:
        yield plugged


def on(board: PtyBoard, model: Model | None = None, **options: Any) -> BoardModel:
    return BoardModel(model or MODELS["analog"], NAME, str(board.path), **options)


# ------------------------------------------------------------------ equality


@pytest.mark.parametrize("probe", [False, True], ids=["spikes", "probe"])
@pytest.mark.parametrize("name", MODELS)
def test_every_kind_of_model(name: str, probe: bool, tmp_path: Path) -> None:
    model = MODELS[name]
    x = inputs_for(model, 3, 1)
    expected = model.run(x, trace=True)
    assert expected.spikes is not None
    assert any(spikes.any() for spikes in expected.spikes)
    program = pty_program(render(model), tmp_path / "program")
    with (
        PtyBoard([program], tmp_path / "port") as board,
        on(board, model, trace_membranes=probe) as target,
    ):
        found = target.run(x, trace=True)
        seen = {} if probe else {"v": None, "further": None}
        assert_same(replace(expected, u=None, **seen), found)
        counts = target.benchmark(x)
        assert counts.step.shape == found.spikes[0].shape[:2]  # type: ignore[index]
        assert (counts.step > 0).all()


def test_what_the_firmware_says(board: PtyBoard) -> None:
    with on(board) as target:
        info = target.info()
    assert (info.protocol, info.name, info.layers) == (VERSION, "small", (40, 33))
    assert (info.stack_bytes, info.stack_used) == (0, 0)
    assert info.cpuid_part == find_board(NAME).cpuid_part


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    MODELS["analog"].save(tmp_path / "small.npz")
    return tmp_path / "small.npz"


def test_run_on_the_command_line(
    board: PtyBoard, model_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", str(model_file), "--board", NAME, "--port", str(board.path), "--limit", "5"]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert f"{NAME} 0 of 2,190 spikes differ (0 of 365 membranes, 0 of 30 scores)" in said
    assert "cycles per inference" in said
    assert main([*words, "--probe", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)["results"][1]
    counts = {"spikes": 2190, "membranes": 2555, "scores": 30, "raw_samples": 0, "raw_results": 0}
    assert result["compared"] == counts
    assert result["cycles"] > 0
    assert (result["board"], result["counter"]) == (NAME, "microseconds")


def test_run_asks_the_board_before_anything_else(
    model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is wrong with it is not said after a comparison on this machine."""
    absent = str(tmp_path / "ttyACM9")
    assert main(["run", str(model_file), "--board", NAME, "--port", absent]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == f"spikemcu run: {NAME}: {absent}: there is no such port\n"


def test_run_names_the_first_difference(
    model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Firmware with the right digest whose membranes are wrong, then whose spikes are."""
    files = render(MODELS["analog"])
    old = "small_membranes(state, layer, first, count, membranes);"
    new = old + " if (layer == 1u && first <= 7u) { membranes[7u - first] ^= 2; }"
    assert files["binding.h"].count(old) == 1
    program = pty_program(files | {"binding.h": files["binding.h"].replace(old, new)}, tmp_path)
    with PtyBoard([program], tmp_path / "port"):
        words = ["run", str(model_file), "--board", NAME, "--port", str(tmp_path / "port")]
        assert main([*words, "--limit", "2", "--probe"]) == 1
        said = capsys.readouterr().out
        assert f"{NAME} first difference: sample 0, step 0, layer 1, neuron 7: v is" in said
        assert main([*words, "--limit", "2"]) == 1
        said = capsys.readouterr().out
        assert f"{NAME} first difference: sample 0, layer 1, neuron 7: membrane is" in said


# ------------------------------------------------------------ resets, unplugging


class ResettingLink:
    """A link to a board that is reset now and then."""

    def __init__(self, link: Link, board: PtyBoard, every: int = 5, most: int = 99) -> None:
        self.link, self.board, self.every, self.left, self.requests = link, board, every, most, 0

    def write(self, data: bytes) -> None:
        self.requests += 1
        if self.requests % self.every == 0 and self.left:
            self.left -= 1
            self.board.reset()
        self.link.write(data)

    def read(self, timeout: float) -> bytes:
        return self.link.read(timeout)


def test_a_reset_between_and_within_samples(board: PtyBoard) -> None:
    model = MODELS["analog"]
    x = inputs_for(model, 20, 2)

    def reset(done: int, of: int) -> None:
        if done == 3:
            board.reset()

    with on(board, timeout=0.5) as target:
        client = target.device.client
        client.link = ResettingLink(client.link, board, every=79, most=2)
        found = target.run(x, trace=True, progress=reset)
        assert target.restarts == 3
    assert_same(replace(model.run(x, trace=True), u=None), found)


def test_a_board_that_resets_all_the_time(board: PtyBoard) -> None:
    x = inputs_for(MODELS["analog"], 2, 2)
    with on(board, timeout=0.5) as target:
        client = target.device.client
        client.link = ResettingLink(client.link, board)
        with pytest.raises(RestartedError, match="restarted 3 times during sample 0: look at its"):
            target.run(x, trace=True)
        assert target.restarts == 3


def test_a_reset_while_cycles_are_counted(board: PtyBoard) -> None:
    with on(board, timeout=0.5) as target:
        connect = target.connect

        def resetting(counting: bool = False) -> tuple[SerialLink, Device]:
            link, device = connect(counting)
            device.client.link = ResettingLink(link, board, every=23, most=2)
            return link, device

        target.connect = resetting  # type: ignore[method-assign]
        counts = target.benchmark(inputs_for(MODELS["analog"], 5, 2))
        assert target.restarts == 2
    assert counts.step.shape == (5, 6)
    assert counts.infer is not None
    assert counts.infer.shape == (5,)


def test_a_reset_during_a_recording(tmp_path: Path) -> None:
    """Raw samples of a model with a sensor: a stream goes on from what it has heard before."""
    rng = np.random.default_rng(1)
    layers = (Layer(Dense(rng.integers(-1, 2, (33, 3))), LIF(40, (3,))),)
    readout = Accumulate(Dense(rng.integers(-9, 9, (4, 33)), 8))
    sensor = Sensor(np.array([0, 5, -7]), np.array([3000, 2000, 4000]), 14)
    model = Model(Frames(3, -127, 127), layers, readout, 4, "raw", sensor=sensor)
    recording = rng.integers(-400, 400, (100, 3), np.int16)
    program = pty_program(render(model), tmp_path / "program")
    with PtyBoard([program], tmp_path / "port") as board, on(board, model, timeout=0.5) as target:
        calm = target.stream(recording)
        client = target.device.client
        client.link = ResettingLink(client.link, board, every=5, most=1)
        disturbed = target.stream(recording)
        assert target.restarts == 1
    assert len(calm.when) > 3
    for ours, theirs in ((calm.when, disturbed.when), (calm.scores, disturbed.scores)):
        np.testing.assert_array_equal(ours, theirs)


def test_a_port_that_goes_away_and_comes_back(board: PtyBoard) -> None:
    """As the USB port of a board does that is its own, at a reset."""
    model = MODELS["analog"]
    x = inputs_for(model, 6, 2)

    def replug(done: int, of: int) -> None:
        if done == 2:
            board.unplug()
            threading.Timer(0.4, board.plug_in).start()

    with on(board, timeout=0.5) as target:
        found = target.run(x, trace=True, progress=replug)
        assert target.restarts == 1
    assert_same(replace(model.run(x, trace=True), u=None), found)


def test_a_port_that_goes_away_for_good(board: PtyBoard) -> None:
    x = inputs_for(MODELS["analog"], 6, 2)
    with on(board) as target:
        link = target.device.client.link
        assert isinstance(link, SerialLink)
        link.reopen = 0.3
        with pytest.raises(LinkError, match=r"went away and did not come back within 0\.3 s"):
            target.run(x, progress=lambda done, of: board.unplug())


def test_garbage_on_the_line(board: PtyBoard) -> None:
    model = MODELS["analog"]
    x = inputs_for(model, 30, 4)
    rng = np.random.default_rng(0)
    expected = replace(model.run(x, trace=True), u=None)

    def disturb(done: int, of: int) -> None:
        board.garbage(rng.bytes(int(rng.integers(1, 400))) + b"SNNC")

    with on(board, timeout=0.2) as target:
        assert_same(expected, target.run(x, trace=True, progress=disturb))


# ----------------------------------------------------------------- bad input


def refused(board: PtyBoard, model: Model | None = None) -> str:
    """Return the one line that a run ends in."""
    with on(board, model) as target, pytest.raises(Exception, match=NAME) as error:
        target.info()
    assert "\n" not in str(error.value)
    return f"{type(error.value).__name__}: {error.value}"


def test_a_busy_port(board: PtyBoard) -> None:
    with serial.Serial(str(board.path), exclusive=True):
        assert f"LinkError: {NAME}: {board.path}: it is busy: another program" in refused(board)


def test_no_such_port(tmp_path: Path) -> None:
    absent = PtyBoard([], tmp_path / "ttyACM9")
    assert refused(absent) == f"LinkError: {NAME}: {tmp_path}/ttyACM9: there is no such port"


def test_a_port_that_echoes(tmp_path: Path) -> None:
    with PtyBoard(["cat"], tmp_path / "port") as other:
        assert "the line sends back what it is sent: no firmware is there" in refused(other)


@pytest.mark.parametrize("program", ["sleep 100", "yes"])
def test_a_wrong_port(program: str, tmp_path: Path) -> None:
    """What says nothing, and what never stops to talk."""
    with PtyBoard(program.split(), tmp_path / "port") as other:
        said = refused(other)
    assert "speaks our protocol (asked for 2 s): is it the board's port" in said
    assert "press the black reset button" in said


def test_firmware_of_another_model(board: PtyBoard) -> None:
    other = small_model(threshold=41)
    said = refused(board, other)
    assert said.startswith("WrongModelError")
    assert f"asked for small with {other.digest()}; write it with `spikemcu flash MODEL" in said
    assert issubclass(WrongModelError, RuntimeError)


@pytest.mark.parametrize(("version", "found"), [(77, 77), (1, 1)])
def test_firmware_of_another_protocol(version: int, found: int, tmp_path: Path) -> None:
    """A later version tells its number; the first did not know OPEN."""
    header = (assets() / "firmware" / "include" / "spikemcu" / "protocol.h").read_text()
    commands = (assets() / "firmware" / "src" / "commands.c").read_text()
    header = header.replace(f"PROTOCOL_VERSION {VERSION}u", f"PROTOCOL_VERSION {version}u")
    if version == 1:
        row = "    [TYPE_OPEN] = {open_reply, 0, 0},\n"
        assert commands.count(row) == 1
        commands = commands.replace(row, "").replace(
            "static uint8_t open_reply", "uint8_t o(const frame *a, frame *b);\nuint8_t o"
        )
    files = render(MODELS["analog"]) | {"spikemcu/protocol.h": header, "commands.c": commands}
    program = pty_program(files, tmp_path / "program")
    with PtyBoard([program], tmp_path / "port") as board:
        said = refused(board)
    assert said.startswith("ProtocolError")
    assert f"speaks version {found} of the protocol; this spikemcu speaks {VERSION}: build" in said
    assert issubclass(ProtocolError, RuntimeError)


def test_an_emulated_board_has_no_port(
    model_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for verb in ("run", "flash"):
        assert main([verb, str(model_file), "--board", "qemu-m4", "--port", "/dev/x"]) == 2
        assert "is emulated and has no serial port" in capsys.readouterr().err


def test_a_line_that_takes_nothing(tmp_path: Path) -> None:
    """Nobody reads: the port fills up, and no request takes longer than it may."""
    with (
        PtyBoard(["sleep", "100"], tmp_path / "port"),
        SerialLink(str(tmp_path / "port"), 115200, "deaf") as link,
    ):
        link.write(bytes(1 << 20))  # more than any buffer holds
        client = Client(link, 0.05, 3, "deaf")
        with pytest.raises(HangError, match=r"no answer to OPEN within 0\.2 s"):
            client.open()


# ---------------------------------------------------------------- which port


def plugged(monkeypatch: pytest.MonkeyPatch, usb: set[str] = frozenset(), **found: str) -> None:
    """Let this machine have these ports {device: USB id} and these things on USB."""
    listed = [
        SimpleNamespace(
            device=f"/dev/{name}",
            vid=int(ids[:4], 16) if ids else None,
            pid=int(ids[5:], 16) if ids else None,
        )
        for name, ids in found.items()
    ]
    monkeypatch.setattr("serial.tools.list_ports.comports", lambda: _Ports(listed))
    monkeypatch.setattr(ports, "usb_devices", lambda: usb)


class _Ports(list[Any]):
    """Ports that sort as pyserial's do."""

    def __iter__(self) -> Iterator[Any]:
        return iter(sorted(list.copy(self), key=lambda port: port.device))


def found(name: str) -> str:
    try:
        return find_port(find_board(name))
    except (LinkError, BootloaderError) as error:
        return f"{type(error).__name__}: {error}"


def test_the_port_of_a_board_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "sorted", list, raising=False)
    plugged(monkeypatch, ttyACM0="0483:374b", ttyS0="", ttyACM1="2e8a:00c0")
    assert serial_ports() == {"/dev/ttyACM0": "0483:374b", "/dev/ttyACM1": "2e8a:00c0",
                              "/dev/ttyS0": ""}  # fmt: skip
    assert found("nucleo_f401re") == "/dev/ttyACM0"
    assert found("pico") == "/dev/ttyACM1"
    assert (
        "nano33ble: not found behind its own USB port; serial ports here: /dev/ttyACM0, /dev"
        in (found("nano33ble"))
    )
    assert "bluepill_f103c8: its serial line is a USB-to-serial adapter" in found("bluepill_f103c8")
    plugged(monkeypatch, ttyACM0="0483:374b", ttyACM1="0483:374e")
    assert "could be behind /dev/ttyACM0 or /dev/ttyACM1; choose one with --port" in (
        found("nucleo_f401re")
    )
    plugged(monkeypatch)
    assert "; serial ports here: none. Connect it, or name its port" in found("nucleo_f401re")


def test_a_board_in_its_bootloader(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some show a serial port there, others are only on USB."""
    monkeypatch.setattr(ports, "sorted", list, raising=False)
    plugged(monkeypatch, ttyACM0="2341:005a")
    assert found("nano33ble").startswith(
        "BootloaderError: nano33ble: it waits in its bootloader; press the reset button once"
    )
    with pytest.raises(BootloaderError, match="or write the firmware with `spikemcu flash`"):
        check_port(find_board("nano33ble"), "/dev/ttyACM0")
    check_port(find_board("nano33ble"), "/dev/ttyACM5")
    plugged(monkeypatch, usb={"2e8a:0003", "1d6b:0002"})
    assert "BootloaderError: pico: it waits in its bootloader; plug it in without" in found("pico")
    assert found("nano33ble").startswith("LinkError")


def test_what_is_on_usb(tmp_path: Path) -> None:
    for place, ids in {"1-1": ("2e8a", "0003"), "usb1": ("1d6b", "0002")}.items():
        (tmp_path / place).mkdir()
        for name, value in zip(("idVendor", "idProduct"), ids, strict=True):
            (tmp_path / place / name).write_text(value + "\n")
    (tmp_path / "1-1:1.0").mkdir()  # an interface, which has no ids
    assert usb_devices(tmp_path) == {"2e8a:0003", "1d6b:0002"}
    assert usb_devices(tmp_path / "absent") == set()


def test_why_a_port_does_not_open() -> None:
    for number, text in ((errno.EACCES, "join the group"), (errno.EBUSY, "another program")):
        assert text in ports._reason(serial.SerialException(number, "said the system"))
    assert ports._reason(serial.SerialException("odd")) == "odd"


def test_a_board_of_hardware_only(model_file: Path) -> None:
    board: Board = find_board("qemu-m4")
    with pytest.raises(ValueError, match="emulated"):
        find_port(board)
