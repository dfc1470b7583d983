"""The board files, and what the rest of the repository must have for each of them."""

from __future__ import annotations

import configparser
import importlib.util
import json
from pathlib import Path

import pytest

from codegen.boards import board_from_json, find_board, find_boards, load_boards
from codegen.errors import INSTALL, UnknownBoardError
from codegen.paths import assets, cache_dir
from codegen.qemu import COUNTING, FLAGS, QEMU

FIRMWARE = assets() / "firmware"


def test_the_six_cores() -> None:
    cores = {name: board.core for name, board in load_boards().items()}
    assert cores == {f"qemu-m{n}": f"cortex-m{n}" for n in (0, 3, 4, 7, 33, 55)}
    assert list(cores) == [f"qemu-m{n}" for n in (0, 3, 4, 7, 33, 55)]


def test_every_board_has_its_environment() -> None:
    settings = configparser.ConfigParser()
    settings.read(FIRMWARE / "platformio.ini")
    environments = {s.removeprefix("env:") for s in settings.sections() if s.startswith("env:")}
    missing = set(load_boards()) ^ environments
    assert not missing, f"a JSON in boards/ or an [env:...] in platformio.ini lacks for {missing}"
    for name in environments:
        assert settings[f"env:{name}"]["board"] == name
    assert settings["platformio"]["default_envs"].split(", ") == list(load_boards())


def test_clocks_make_whole_ticks() -> None:
    for board in load_boards().values():
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


def test_the_platform_runs_qemu_as_we_do() -> None:
    path = FIRMWARE / "platform" / "platform.py"
    spec = importlib.util.spec_from_file_location("qemu_platform", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    command = module.QemucortexmPlatform.qemu_command("m", "f.elf")
    assert command == [QEMU, *FLAGS, "-M", "m", "-kernel", "f.elf"]
    assert module.QemucortexmPlatform.INSTALL == INSTALL
    assert " ".join(COUNTING) == "-icount shift=8"


def test_the_cache_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPIKEMCU_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert cache_dir() == Path("/x/spikemcu")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/h")
    assert cache_dir() == Path("/h/.cache/spikemcu")
    monkeypatch.setenv("SPIKEMCU_CACHE", "/mine")
    assert cache_dir() == Path("/mine")
