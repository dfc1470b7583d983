"""Flashing a board, from the model file to the digest, with everything real but the board.

The board here is an emulator behind a serial port. PlatformIO builds its firmware and uploads it by
the option upload_command, whose program restarts the emulator with what it got.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from support.contract import lost_keys
from support.uart import uart_flags
from support.zoo.small import small_model

from codegen.base.errors import TooLargeError
from codegen.base.paths import assets
from codegen.cli import main
from codegen.target.boards import find_board
from codegen.target.emulated import footprint
from codegen.target.fit import narrowed, require_fit
from codegen.target.hardware import flash
from codegen.target.registry import no_platform, pinned
from qat.model import LIF, Accumulate, Analog, Count, Dense, Layer, Model

pytestmark = pytest.mark.target

NAME = "virtual"
PATIENT = 240
"""Calls of half a second each to a board that will answer, if this machine is busy."""
UPLOADER = Path(__file__).parents[1] / "support" / "upload.py"

ENVIRONMENT = """
[env:virtual]
extends = qemu
board = virtual
build_flags = ${{qemu.build_flags}} {flags}
upload_command = {python} {uploader} $SOURCE {state}
"""


class Bench:
    """A desk with a virtual board on it: its port, and what it was told."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.state = folder, folder / "board"
        self.state.mkdir()
        self.port = self.state / "port"
        self._make_assets()

    def _make_assets(self) -> None:
        for name in ("firmware", "boards"):
            skip = shutil.ignore_patterns(".pio", "__pycache__")
            shutil.copytree(assets() / name, self.folder / "assets" / name, ignore=skip)
        boards = self.folder / "assets" / "boards"
        shutil.copy(boards / "qemu-m4.json", boards / f"{NAME}.json")
        data = json.loads((boards / "hardware" / "nucleo_f401re.json").read_text())
        data |= {"platform": "qemu", "clock_hz": 25_000_000}
        (boards / "hardware" / f"{NAME}.json").write_text(json.dumps(data))
        text = ENVIRONMENT.format(
            flags=" ".join(uart_flags(find_board("qemu-m4"))),
            python=sys.executable,
            uploader=UPLOADER,
            state=self.state,
        )
        with (self.folder / "assets" / "firmware" / "platformio.ini").open("a") as file:
            file.write(text)

    def switch_off(self) -> None:
        with suppress(FileNotFoundError, ProcessLookupError):
            os.kill(int((self.state / "pid").read_text()), signal.SIGKILL)

    def tell(self, what: str) -> None:
        """Tell the uploader how to behave."""
        (self.state / "behaviour").write_text(what)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    for module in ("boards", "build", "registry"):
        monkeypatch.setattr(f"codegen.target.{module}.assets", lambda: tmp_path / "assets")
    yield bench
    bench.switch_off()


@pytest.fixture
def model_file(tmp_path: Path, model: Model) -> str:
    model.save(tmp_path / "small.npz")
    return str(tmp_path / "small.npz")


def say(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = main(words)
    done = capsys.readouterr()
    return status, done.out, done.err


def test_verify_writes_what_a_board_says(
    bench: Bench,
    model_file: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who it is, its clock, its cycles, its wait states, and that no value differs."""
    tmp_path = bench.folder
    on = ("--board", NAME, "--port", str(bench.port))
    assert say(capsys, "flash", model_file, *on)[0] == 0
    monkeypatch.setattr("codegen.verify.CHECKS", [])  # tests/cli/test_verify.py has the others
    monkeypatch.setattr("codegen.verify.connected.serial_number", lambda port: "0671FF55")
    report = tmp_path / "report.md"
    status, out, err = say(capsys, "verify", model_file, *on, "-o", str(report), "--json")
    assert status == 0, out + err
    values = json.loads(out)
    assert values["connected"] == NAME
    (outcome,) = values["outcomes"]
    assert (outcome["name"], outcome["status"]) == ("connected board", "passed")
    text = report.read_text()
    for piece in (
        f"serial number 0671FF55, on {bench.port}",
        "part number 0xc24 as its CPUID register tells it, 25 MHz as its firmware tells it",
        "wait states of its flash: 2 by the data sheet (",
        "0 of 8,760 spikes differ (0 of",
        "counted by the emulator, which counts no cycles",  # it is one here
        "restarts meanwhile: 0",
        "Other boards than the one named here",
    ):
        assert piece in text, piece
    assert re.search(r"inference: [\d,]+ cycles in the mean, [\d,]+ to [\d,]+, \d+\.\d+ ms", text)
    assert "nothing ran on a board" not in text
    other = small_model(threshold=43)
    other.save(tmp_path / "other.npz")
    status, _, err = say(capsys, "verify", str(tmp_path / "other.npz"), *on)
    assert status == 1
    assert "holds model small" in err


def test_flash_then_run(
    bench: Bench, model_file: str, model: Model, capsys: pytest.CaptureFixture[str]
) -> None:
    on = ("--board", NAME, "--port", str(bench.port))
    status, out, err = say(capsys, "flash", model_file, *on)
    assert status == 0, err
    assert f"virtual on {bench.port} holds small, digest {model.digest()[:8]}, at 25 MHz" in out
    assert f"prove it there: spikemcu run {model_file} --board virtual --port" in out
    status, out, err = say(capsys, "run", model_file, *on, "--limit", "4", "--probe", "--json")
    assert status == 0, err
    result = json.loads(out)["results"][1]
    assert result["compared"]["membranes"] == 4 * 6 * 73 + 4 * 73
    assert result["differing"] == 0
    other = small_model(threshold=43)
    other.save(Path(model_file).with_name("other.npz"))
    status, out, err = say(capsys, "run", model_file.replace("small", "other"), *on)
    assert status == 1
    assert "write it with `spikemcu flash MODEL --board virtual`" in err
    status, out, err = say(capsys, "flash", model_file.replace("small", "other"), *on, "--json")
    assert status == 0, err
    assert json.loads(out)["digest"] == other.digest()
    assert lost_keys("flash", json.loads(out)) == set()


def test_an_upload_that_fails(
    bench: Bench, model_file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.tell("fail")
    status, _, err = say(capsys, "flash", model_file, "--board", NAME, "--port", str(bench.port))
    assert status == 1
    assert len(err.splitlines()) <= 3  # progress, then one line
    assert "virtual: the firmware was built but not written: " in err
    assert "Error: no probe answers" in err
    assert "Is the board connected, its debug probe free, and --port right?" in err


def test_a_board_that_does_not_come_back(
    bench: Bench, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.tell("stay off")
    monkeypatch.setattr("codegen.target.hardware.STARTUP_SECONDS", 1.0)
    with pytest.raises(RuntimeError, match=r"after the upload: virtual: .*there is no such port"):
        flash(model, NAME, str(bench.port))


def test_a_board_that_keeps_its_old_firmware(
    bench: Bench, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    flash(model, NAME, str(bench.port)).close()
    bench.tell("ignore")
    monkeypatch.setattr("codegen.target.hardware.HELLO_RESENDS", PATIENT)  # it does answer
    monkeypatch.setattr("codegen.target.hardware.STARTUP_SECONDS", 1.0)
    other = small_model(threshold=44)
    with pytest.raises(RuntimeError, match=f"after the upload: .*{model.digest()}; asked for"):
        flash(other, NAME, str(bench.port))


def test_c_that_does_not_build_is_not_uploaded(
    bench: Bench, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bench.folder / "assets" / "firmware" / "src" / "link.c").write_text(
        "int f(void) { return x; }"
    )
    with pytest.raises(RuntimeError, match="virtual: the firmware does not build"):
        flash(model, NAME, str(bench.port))
    assert not (bench.state / "pid").exists()


# ----------------------------------------------------------------- bad input


def wide(inputs: int, neurons: int) -> Model:
    codes: Any = [[1, 0, -1, 1] * (inputs // 4)] * neurons
    first = Layer(Dense(codes), LIF(99, (3,)))
    second = Layer(Dense([[1, -1] * (neurons // 2)] * 32), LIF(9, (3,)))
    return Model(Analog(inputs, 0, 255), (first, second), Count(), 4, name="wide")


def too_large(model: Model, board: str) -> str:
    steps: list[str] = []
    with pytest.raises(TooLargeError) as error:
        flash(model, board, progress=steps.append)
    assert not steps  # it has not begun to build
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_model_too_large_for_the_board() -> None:
    """Said before anything is built: which layer, by how much, what would fit."""
    model = wide(1024, 1024)
    said = too_large(model, "nucleo_f072rb")
    numbers = re.search(r"takes (\d+) bytes of flash .* firmware (\d+); .* (\d+), (\d+) too", said)
    assert numbers is not None
    takes, firmware, room, over = map(int, numbers.groups())
    assert takes + firmware - room == over
    assert room == 128 * 1024
    assert "Layer 0 (1024 -> 1024) takes 26" in said
    about = re.search(r"with (\d+) neurons in place of 1024 it would fit", said)
    assert about is not None
    board, fitting = find_board("nucleo_f072rb"), int(about[1])
    require_fit(board, narrowed(model, 0, fitting), footprint)
    with pytest.raises(TooLargeError):
        require_fit(board, narrowed(model, 0, fitting + 1), footprint)


def test_ram_runs_out_first() -> None:
    said = too_large(wide(64, 3840), "nucleo_f072rb")
    assert "bytes of RAM and the firmware" in said
    assert re.search(r"Layer 0 \(64 -> 3840\) takes \d+ of them: with \d+ neurons in place", said)


def test_another_layer_could_be_narrower() -> None:
    """The readout takes most, but it has as many neurons as there are classes."""
    codes: Any = [[1, 2, 3, 4] * 512] * 40
    layer = Layer(Dense([[1, 0, -1, 1]] * 2048), LIF(9, (3,)))
    model = Model(Analog(4, 0, 3), (layer,), Accumulate(Dense(codes, 8)), 4, name="wide")
    said = too_large(model, "bluepill_f103c8")
    assert re.search(r"Readout \(2048 -> 40\) takes \d+ of them: with \d+ neurons in place of 2048 "
                     "in layer 0 it would fit", said)  # fmt: skip


def test_no_width_fits() -> None:
    def model(inputs: int, hidden: int) -> Model:
        codes: Any = [[1, 0, -1, 1] * (inputs // 4)] * hidden
        layers = (Layer(Dense(codes), LIF(99, (3,))),)
        return Model(Analog(inputs, 0, 3), layers, Accumulate(Dense([[1] * hidden])), 4)

    said = too_large(model(65536, 32), "bluepill_f103c8")
    assert "no width of a layer makes it fit: choose a larger board" in said


def test_only_one_layer() -> None:
    codes: Any = [[1, 0, -1, 1] * 8192] * 32
    model = Model(Analog(32768, 0, 3), (Layer(Dense(codes), LIF(99, (3,))),), Count(), 4)
    assert "takes 262144 of them: choose a larger board" in too_large(model, "bluepill_f103c8")


@pytest.mark.parametrize("board", ["nucleo_f401re", "nano33ble", "pico"])
def test_no_registry(
    board: str,
    model: Model,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Said with what to do."""
    monkeypatch.setenv("PLATFORMIO_CORE_DIR", str(tmp_path / "core"))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    model.save(tmp_path / "small.npz")
    for verb in ("flash", "build"):
        status, _, err = say(capsys, verb, str(tmp_path / "small.npz"), "--board", board)
        assert status == 2
        assert err.strip().splitlines()[-1] == f"spikemcu {verb}: {no_platform(find_board(board))}"
    assert f"{find_board(board).platform} {pinned(find_board(board))} and its packages" in err
    assert f"`spikemcu build MODEL --board {board}` once where there is a network" in err


def test_a_registry_that_takes_the_call_and_says_nothing(
    model: Model,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As behind a firewall: the same line.

    tests/unit/codegen/target/test_registry.py shows that it is in time.
    """
    monkeypatch.setenv("PLATFORMIO_CORE_DIR", str(tmp_path / "core"))
    monkeypatch.setenv("NO_PROXY", "")
    model.save(tmp_path / "small.npz")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{silent.getsockname()[1]}")
        words = ("build", str(tmp_path / "small.npz"), "--board", "pico")
        status, _, err = say(capsys, *words)
    assert status == 2
    assert err.strip().splitlines()[-1] == f"spikemcu build: {no_platform(find_board('pico'))}"


def test_an_emulated_board_is_not_flashed(model: Model) -> None:
    with pytest.raises(ValueError, match="qemu-m4: is emulated"):
        flash(model, "qemu-m4")
