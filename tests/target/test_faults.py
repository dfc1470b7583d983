"""Everything that can go wrong on a target is told apart; the faults are real ones."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from support.clock import MOST_SECONDS
from support.crossed import some
from support.models import inputs_for
from support.zoo.small import small_model

from codegen.base.errors import (
    BuildError,
    CrashError,
    EmulatorError,
    HangError,
    MissingCompilerError,
    MissingQemuError,
    MissingRegistryError,
    TooLargeError,
    UnknownBoardError,
    WrongModelError,
)
from codegen.base.paths import assets
from codegen.render import render
from codegen.target.boards import load_boards
from codegen.target.build import build
from codegen.target.compiler import size_of
from codegen.target.emulated import TargetModel, footprint
from codegen.target.fit import require_fit
from qat.model import LIF, Analog, Count, Dense, Layer, Model

pytestmark = [pytest.mark.target, pytest.mark.usefixtures("recorded_builds")]

RESET = "    small_reset(state);"
BOARDS = tuple(load_boards())
EXCEPTIONS = some(BOARDS, [board for board in BOARDS if board not in ("qemu-m4", "qemu-m7")])
"""Boards for exceptions of each kind: those two have the ones of qemu-m3, and are in the proof."""


def faulty(model: Model, code: str, before: str = "") -> dict[str, str]:
    """Return the generated files with `code` in the place of the reset."""
    files = render(model)
    assert files["binding.h"].count(RESET) == 1
    text = files["binding.h"].replace(RESET, code + "\n" + RESET)
    return files | {"binding.h": text.replace("typedef ", before + "\ntypedef ", 1)}


def run(model: Model, files: dict[str, str], board: str = "qemu-m4") -> None:
    x = inputs_for(model, 1, 0)
    with TargetModel(model, board, files=files, timeout=MOST_SECONDS) as target:
        target.info()
        target.run(x)


# ------------------------------------------------------------------- crashes

FAULT = "    static volatile uint32_t on; if (on++ > 1) { %s }"
"""Not at the start, where nobody has asked yet, nor when the session is opened."""


@pytest.mark.parametrize("board", EXCEPTIONS)
def test_an_undefined_instruction(model: Model, board: str) -> None:
    """The classify function calls the model's own reset, so the firmware's is made to fault."""
    fault = '__asm__ volatile("movs r3, #93\\n\\tudf #0" ::: "r3");'
    files = faulty(model, FAULT % fault)
    x = inputs_for(model, 1, 0)
    with TargetModel(model, board, files=files) as target:
        target.info()
        with pytest.raises(CrashError, match=f"{board}: HardFault in ") as error:
            target.run(x, trace=True)
        assert error.value.registers["exception"] == 3
        assert error.value.registers["r3"] == 93
        assert board == "qemu-m0" or "undefined instruction" in str(error.value)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("board", EXCEPTIONS)
def test_an_address_that_is_not_there(model: Model, board: str) -> None:
    address = "0xD0000000u" if board == "qemu-m0" else "0xF0000000u"
    fault = f"*(volatile uint32_t *){address} = 1;"
    with (
        TargetModel(model, board, files=faulty(model, FAULT % fault)) as target,
        pytest.raises(CrashError, match="HardFault") as error,
    ):
        target.run(inputs_for(model, 1, 0), trace=True)
    assert board == "qemu-m0" or "memory that is not there" in str(error.value)


@pytest.mark.parametrize("board", EXCEPTIONS)
def test_a_stack_overflow(model: Model, board: str) -> None:
    deep = (
        "static uint32_t deep(volatile uint32_t *v) "
        "{ volatile uint32_t big[64]; big[0] = *v; return deep(big) + big[0]; }"
    )
    files = faulty(model, FAULT % "uint32_t v = on; (void)deep(&v);", deep)
    with (
        TargetModel(model, board, files=files, timeout=MOST_SECONDS) as target,
        pytest.raises(CrashError) as error,
    ):
        target.run(inputs_for(model, 1, 0), trace=True)
    assert "stack overflow" in str(error.value)


def test_after_a_crash_the_next_run_starts_anew(model: Model) -> None:
    """The fault comes with the fourth reset: start, session, then one for each sample."""
    fault = 'static volatile uint32_t n; if (++n == 4) { __asm__ volatile("udf #0"); }'
    x = inputs_for(model, 2, 0)
    with TargetModel(model, "qemu-m4", files=faulty(model, fault)) as target:
        with pytest.raises(CrashError):
            target.run(x, trace=True)
        np.testing.assert_array_equal(target.run(x[:1], trace=True).scores, model.run(x[:1]).scores)


def test_a_hang(model: Model) -> None:
    files = faulty(model, FAULT % "for (;;) { }")
    """The time is short for the request that hangs alone: on a busy machine others take longer."""
    with TargetModel(model, "qemu-m4", files=files, timeout=MOST_SECONDS) as target:
        target.info()
        target.device.client.timeout = 1.0
        with pytest.raises(
            HangError, match="qemu-m4: the firmware hangs: no answer to RESET within 1 s"
        ):
            target.run(inputs_for(model, 1, 0), trace=True)


def test_an_emulator_that_ends(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    with TargetModel(model, "qemu-m4") as target:
        command = ["qemu-system-arm", "-no-such-option"]
        monkeypatch.setattr("codegen.target.qemu.qemu_command", lambda *_: command)
        with pytest.raises(EmulatorError, match=r"ended with status 1.*no-such-option"):
            target.run(inputs_for(model, 1, 0))


# -------------------------------------------------------------- wrong models


def test_firmware_of_another_model(model: Model) -> None:
    other = small_model(threshold=41)
    with (
        TargetModel(model, "qemu-m4", files=render(other)) as target,
        pytest.raises(WrongModelError, match=f"{other.digest()}.*{model.digest()}"),
    ):
        target.run(inputs_for(model, 1, 0))


def wide(neurons: int) -> Model:
    codes = np.random.default_rng(0).integers(-1, 2, (neurons, 1024))
    return Model(Analog(1024, 0, 255), (Layer(Dense(codes), LIF(99, (3,))),), Count(), 4)


def test_too_large_for_the_board_before_anything_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPIKEMCU_CACHE", str(tmp_path))  # others build in the suite's meanwhile
    model = wide(1024)
    flash, _ = footprint(model)
    with pytest.raises(TooLargeError, match=rf"qemu-m0: .*{flash} bytes of flash.*262144"):
        TargetModel(model, "qemu-m0")
    small_flash = wide(512)
    with pytest.raises(TooLargeError, match=r"qemu-m0: .* bytes of RAM.*16384"):
        TargetModel(small_flash, "qemu-m0")
    assert not (tmp_path / "models").exists()
    require_fit(load_boards()["qemu-m4"], model, footprint)


def test_too_large_for_the_linker(model: Model) -> None:
    files = faulty(model, "    ballast[9]++;", "static volatile uint32_t ballast[4096];")
    with pytest.raises(TooLargeError, match=r"qemu-m0: model and firmware exceed the RAM by \d+"):
        build(files, ["qemu-m0", "qemu-m3"])


def test_c_that_does_not_compile(model: Model) -> None:
    files = render(model)
    files["small.c"] += "\nint broken(void) { return nowhere; }\n"
    with pytest.raises(BuildError, match=r"qemu-m4: [^\n]*\n[^\n]*small\.c.*nowhere") as error:
        build(files, "qemu-m4")
    assert len(str(error.value).splitlines()) <= 6
    with pytest.raises(BuildError, match="nowhere"):
        size_of(files, "qemu-m4")


def test_a_cache_that_cannot_be_written(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SPIKEMCU_CACHE", str(tmp_path / "file"))
    with pytest.raises(BuildError, match=r"/file: cannot be written .*set SPIKEMCU_CACHE"):
        build(render(model), "qemu-m4")


def test_an_unknown_board(model: Model) -> None:
    with pytest.raises(UnknownBoardError, match=r"found 'qemu-m5'; did you mean .*qemu-m55"):
        TargetModel(model, "qemu-m5")


# ------------------------------------------------------------- missing tools


@pytest.fixture
def bare_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Leave only what PlatformIO itself needs on PATH, and no way into the network."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "env", "uname"):
        (folder / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setenv("PATH", str(folder))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("SPIKEMCU_CACHE", str(tmp_path / "cache"))
    return folder


def test_no_qemu(model: Model, bare_path: Path) -> None:
    with pytest.raises(MissingQemuError, match=r"no qemu-system-arm on PATH; .*apt-get install"):
        TargetModel(model, "qemu-m4")


def test_no_compiler(model: Model, bare_path: Path) -> None:
    with pytest.raises(MissingCompilerError, match=r"no arm-none-eabi-gcc.*registry.*apt-get"):
        build(render(model), "qemu-m4")
    with pytest.raises(MissingCompilerError, match=r"no arm-none-eabi-gcc on PATH; .*apt-get"):
        size_of(render(model), "qemu-m4")


def test_no_registry(
    model: Model, bare_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A board whose platform is in the registry, as those of real hardware are."""
    compiler = bare_path / "arm-none-eabi-gcc"
    compiler.write_text("#!/bin/sh\nexit 1\n")
    compiler.chmod(0o755)
    for name in ("firmware", "boards"):
        skip = shutil.ignore_patterns(".pio")
        shutil.copytree(assets() / name, tmp_path / "assets" / name, ignore=skip)
    board = tmp_path / "assets" / "boards" / "qemu-m4.json"
    text, platform = board.read_text(), '"platforms": [\n    "qemu"'
    assert platform in text
    board.write_text(text.replace(platform, platform.replace("qemu", "ststm32")))
    for module in ("boards", "build", "registry"):
        monkeypatch.setattr(f"codegen.target.{module}.assets", lambda: tmp_path / "assets")
    with pytest.raises(MissingRegistryError, match=r"needs the platform ststm32 .*registry"):
        build(render(model), "qemu-m4")
