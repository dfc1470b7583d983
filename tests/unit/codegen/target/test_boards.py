"""The board files, and what the rest of the repository must have for each of them."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.clock import MOST_SECONDS

from codegen import isa
from codegen.base.errors import UnknownBoardError
from codegen.base.paths import assets, cache_dir
from codegen.target.boards import (
    all_boards,
    board_from_json,
    emulated_boards,
    find_board,
    find_boards,
    further_boards,
    hardware_boards,
    hardware_from_json,
    load_boards,
)
from codegen.target.qemu import qemu_command

FIRMWARE = assets() / "firmware"


OTHERS = {"binding.h", "model_marks.h", "startup.h", "semihosting.h", "core.h", "uart.h"}
"""Headers of the model, and of the startup code for QEMU."""


def test_the_six_cores() -> None:
    cores = {name: board.core for name, board in load_boards().items()}
    assert cores == {f"qemu-m{n}": f"cortex-m{n}" for n in (0, 3, 4, 7, 33, 55)}
    assert list(cores) == [f"qemu-m{n}" for n in (0, 3, 4, 7, 33, 55)]


def test_cores_of_other_architectures_stand_beside_the_six() -> None:
    cores = {name: (board.core, board.architecture) for name, board in further_boards().items()}
    assert cores == {
        "qemu-rv32ec": ("rv32ec", isa.RISCV),
        "qemu-rv32imc": ("rv32imc", isa.RISCV),
    }
    assert not set(cores) & {board.name for board in find_boards("all")}
    assert find_board("qemu-rv32ec") is not None
    assert list(all_boards())[:6] == list(load_boards())


def settings() -> dict[str, dict[str, Any]]:
    """Return what PlatformIO makes of firmware/platformio.ini, by section."""
    command = [sys.executable, "-m", "platformio", "project", "config", "--json-output"]
    command += ["-d", str(FIRMWARE)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=MOST_SECONDS)
    return {section: dict(options) for section, options in json.loads(done.stdout)}


@pytest.fixture(scope="module")
def sections() -> dict[str, dict[str, Any]]:
    return settings()


def test_every_board_has_its_environment(sections: dict[str, dict[str, Any]]) -> None:
    environments = {s.removeprefix("env:"): o for s, o in sections.items() if "env:" in s}
    known = all_boards()
    missing = set(known) ^ set(environments)
    assert not missing, f"a JSON in boards/ or an [env:...] in platformio.ini lacks for {missing}"
    for name, options in environments.items():
        assert options["board"] == name
    assert sections["platformio"]["default_envs"] == list(load_boards())


def test_the_boards_of_hardware() -> None:
    cores = {name: board.core for name, board in hardware_boards().items()}
    assert cores == {
        "nucleo_f072rb": "cortex-m0",
        "pico": "cortex-m0plus",
        "bluepill_f103c8": "cortex-m3",
        "bbcmicrobit_v2": "cortex-m4",
        "nano33ble": "cortex-m4",
        "nrf52840_dk": "cortex-m4",
        "nucleo_f401re": "cortex-m4",
        "nucleo_f446re": "cortex-m4",
        "nucleo_l476rg": "cortex-m4",
        "nucleo_h743zi": "cortex-m7",
        "nucleo_l552ze_q": "cortex-m33",
        "nucleo_u575zi_q": "cortex-m33",
    }
    parts = {board.core: board.cpuid_part for board in load_boards().values()}
    for board in hardware_boards().values():
        assert board.cpuid_part == parts.get(board.core, 0xC60), board.name
        assert f"-mcpu={board.core}" in board.core_flags
        assert board.family in {b.core for b in load_boards().values()}


@pytest.mark.parametrize("name", hardware_boards())
def test_an_environment_of_hardware(name: str, sections: dict[str, dict[str, Any]]) -> None:
    """Pinned platform, Arduino, our sources without those for QEMU, the model with -O2."""
    options, board = sections[f"env:{name}"], hardware_boards()[name]
    assert re.fullmatch(rf"{board.platform}@\d+\.\d+\.\d+", options["platform"])
    assert options["framework"] == ["arduino"]
    assert options["build_src_filter"] == ["+<*> -<qemu/> -<lean/>"]
    assert options["build_unflags"] == ["-Os"]
    assert {"-O2", "-DMODEL_PROBE=1", "-Iinclude"} <= set(" ".join(options["build_flags"]).split())
    assert board.hardware is not None
    assert int(options["monitor_speed"]) == board.hardware.baud


def test_the_board_files_of_hardware_hide_none_of_platformio(
    sections: dict[str, dict[str, Any]],
) -> None:
    """PlatformIO reads *.json of boards_dir itself, and those would come before its own."""
    folder = FIRMWARE / sections["platformio"]["boards_dir"]
    assert {path.stem for path in folder.glob("*.json")} == set(emulated_boards())


def test_no_header_of_ours_hides_one_of_a_framework() -> None:
    """Arduino on Mbed has a device.h, every Arduino a Stream.h: ours lie in a folder of their own.

    But for what a generated model includes.
    """
    names = {path.name for path in (FIRMWARE / "include").iterdir()}
    assert names == {"spikemcu", "model_marks.h"}
    sources = [p for p in (FIRMWARE / "src").rglob("*.*") if p.suffix in (".c", ".cpp", ".h")]
    for source in sources:
        for name in re.findall(r'#include "([^"]+)"', source.read_text()):
            beside = (source.parent / name).is_file()
            assert beside or name.startswith("spikemcu/") or name in OTHERS, f"{source}: {name}"


def test_wait_states_have_their_source() -> None:
    for board in hardware_boards().values():
        assert board.hardware is not None
        assert 0 <= board.hardware.wait_states <= 5
        assert board.hardware.source
        assert board.hardware.conditions


def test_clocks_make_whole_ticks() -> None:
    for board in emulated_boards().values():
        assert board.clock_hz % 10**6 == 0, board.name


def test_a_board_by_name() -> None:
    board = find_board("qemu-m0")
    assert (board.flash, board.ram, board.machine) == (256 * 1024, 16 * 1024, "microbit")
    assert find_board(board) is board
    assert find_boards("all") == tuple(load_boards().values())
    assert find_boards("qemu-m0") == find_boards(["qemu-m0"]) == (board,)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("qemu-m5", "did you mean .*qemu-m55"),
        ("m4", "did you mean qemu-m4"),
        ("quemu_m33", "did you mean qemu-m33"),
        ("toaster", "there are qemu-m0, qemu-m3"),
    ],
)
def test_an_unknown_board_names_the_near_ones(name: str, hint: str) -> None:
    with pytest.raises(UnknownBoardError, match=f"board: found '{name}'; {hint}"):
        find_board(name)
    assert issubclass(UnknownBoardError, ValueError)


def test_a_broken_board_file(tmp_path: Path) -> None:
    data = json.loads((assets() / "boards" / "qemu-m4.json").read_text())
    del data["qemu"]["machine"]
    with pytest.raises(ValueError, match=r"board mine: .*machine"):
        board_from_json("mine", data)
    (tmp_path / "mine.json").write_text("{")
    with pytest.raises(ValueError, match="board mine: its JSON cannot be read"):
        load_boards(tmp_path)
    data = json.loads((assets() / "boards" / "hardware" / "pico.json").read_text())
    del data["wait_states"]["source"]
    with pytest.raises(ValueError, match=r"board mine: .*source"):
        hardware_from_json("mine", data)


def test_the_platform_runs_qemu_as_we_do() -> None:
    path = FIRMWARE / "platform" / "platform.py"
    spec = importlib.util.spec_from_file_location("qemu_platform", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    families, elf = module.families, Path("f.elf")
    for board in emulated_boards().values():
        tools, own = board.architecture.tools, board.architecture.firmware
        family = families.family_of(board.core)
        command = families.qemu_command(family, board.machine, board.cpu, str(elf))
        assert [shutil.which(command[0]), *command[1:]] == qemu_command(board, elf)
        assert f"{family.prefix}gcc" == tools.compiler
        assert (family.install, family.counting) == (tools.install, tools.counting)
        assert own.script == f"platform/startup/{family.folder}/{family.folder}.ld"
        assert own.startup == ("platform/startup", f"platform/startup/{family.folder}")
        assert (family.toolchain, bool(family.library)) == (own.toolchain, bool(own.library))
        assert set(family.linking) < set(tools.link)
    with pytest.raises(ValueError, match=r"build.cpu: found 'z80'; must begin with cortex or rv32"):
        families.family_of("z80")


def test_the_cache_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPIKEMCU_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert cache_dir() == Path("/x/spikemcu")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/h")
    assert cache_dir() == Path("/h/.cache/spikemcu")
    monkeypatch.setenv("SPIKEMCU_CACHE", "/mine")
    assert cache_dir() == Path("/mine")


def test_which_boards_take_uploads_over_their_serial_line() -> None:
    """Those without a debug probe: only they are told the port."""
    over = [b.name for b in hardware_boards().values() if b.hardware and b.hardware.uploads]
    assert over == ["pico", "nano33ble"]
