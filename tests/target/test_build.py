"""Building: no warning, all boards at once, the cache, the sizes, PlatformIO by hand."""

from __future__ import annotations

import multiprocessing
import os
import re
import shutil
import subprocess
import sys
from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import pytest
from support.clock import MOST_SECONDS
from support.crossed import ALIKE, some
from support.models import inputs_for
from support.recorded import firmware
from support.results import assert_same
from support.zoo.small import small_model

from codegen.base.paths import assets
from codegen.render import render
from codegen.report.summary import summarize
from codegen.target.boards import find_board, load_boards
from codegen.target.build import build
from codegen.target.compiler import parse_sizes, size_of
from codegen.target.emulated import TargetModel, footprint
from codegen.target.fit import FIRMWARE_FLASH, firmware_ram
from codegen.target.runner import MARKS
from qat.model import Model

pytestmark = pytest.mark.target

BOARDS = tuple(load_boards())


def sections(elf: Path) -> dict[str, int]:
    command = ["arm-none-eabi-size", "-A", str(elf)]
    table = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {m[1]: int(m[2]) for m in re.finditer(r"^\.([\w.]+) +(\d+)", table, re.MULTILINE)}


@pytest.fixture(scope="module")
def built(model: Model) -> dict[str, Path]:
    """Build the model for all boards at once; a warning is an error, and changes no program."""
    return build(render(model), flags=("-Werror",))


def test_no_warning_on_any_board(built: dict[str, Path]) -> None:
    assert set(built) == set(BOARDS)


def program(elf: Path, folder: Path) -> bytes:
    """Return what is written to flash."""
    image = folder / "firmware.bin"
    subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", elf, image], check=True)
    return image.read_bytes()


@pytest.mark.parametrize("board", BOARDS)
def test_the_firmware_runs_on_the_core_that_the_board_names(
    board: str, model: Model, built: dict[str, Path]
) -> None:
    x = inputs_for(model, 2, 0)
    with TargetModel(model, board, elf=built[board]) as target:
        info = target.info()
        assert info.cpuid_part == target.board.cpuid_part
        assert info.name == model.name
        assert info.layers == (40, 33)
        assert (info.inputs, info.steps, info.outputs) == (20, 6, 5)
        assert info.state_bytes == summarize(model)["ram_bytes"]
        assert_same(replace(model.run(x, trace=True), u=None), target.run(x, trace=True))
        assert 100 < target.info().stack_used < info.stack_bytes / 2


@pytest.mark.parametrize("board", some(BOARDS, [name for name in BOARDS if name not in ALIKE]))
def test_recorded_commands_build_the_same_program(
    board: str, model: Model, built: dict[str, Path], tmp_path: Path
) -> None:
    recorded = firmware(render(model), board)
    assert program(recorded, tmp_path) == program(built[board], tmp_path)


def test_counts_are_those_of_the_program_that_platformio_builds(
    model: Model, built: dict[str, Path]
) -> None:
    """Where sources of the firmware are compiled together, and some quickly."""
    board, x = "qemu-m4", inputs_for(model, 2, seed=1)
    elves = built[board], firmware(render(model), board, around="counted")
    counts = []
    for elf in elves:
        with TargetModel(model, board, elf=elf) as running:
            counts.append(running.benchmark(x))
    assert counts[0].infer is not None
    for one, other in zip(*map(astuple, counts), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("board", "flags"),
    [
        pytest.param("qemu-m0", ("-DMODEL_PORTABLE=1",), marks=pytest.mark.proof),
        ("qemu-m55", MARKS),
    ],
)
def test_commands_recorded_once_take_other_definitions(
    board: str, flags: tuple[str, ...], model: Model, tmp_path: Path
) -> None:
    """With marks a source sees the model that does not see it without."""
    files = render(model)
    recorded = firmware(files, board, flags)
    own = program(recorded, tmp_path)
    assert own == program(build(files, board, flags=flags)[board], tmp_path)
    assert own != program(firmware(files, board), tmp_path)


@pytest.mark.parametrize("board", BOARDS)
def test_the_firmware_takes_no_more_than_it_says(
    board: str, model: Model, built: dict[str, Path]
) -> None:
    files = render(model)
    found = sections(built[board])
    flash, ram = footprint(model)
    code = size_of(files, board).text + 512  # probes, which only the firmware has
    assert found["text"] + found["ARM.exidx"] + found["data"] <= FIRMWARE_FLASH + flash + code
    assert found["stack"] + found["data"] + found["bss"] <= firmware_ram(find_board(board)) + ram
    assert found["data"] == 0


@pytest.mark.parametrize("board", BOARDS)
def test_sizes_of_a_model_alone(board: str, model: Model) -> None:
    sizes = size_of(render(model), board)
    flash, _ = footprint(model)
    assert sizes.data == sizes.bss == sizes.ram == 0
    loops, between = 64, 3 * len(model.layers) + 6  # their own tables; what aligns tables of bytes
    assert flash <= sizes.rodata <= flash + loops + between
    assert 400 < sizes.text < 6000
    assert sizes.flash == sizes.text + sizes.rodata


def test_size_tables_are_summed() -> None:
    table = ".text 10 0\n.text.f 5 0\n.rodata.x 7 0\n.data 3 0\n.bss 2 0\n.comment 99 0\nTotal 9\n"
    assert parse_sizes(table).__dict__ == {"text": 15, "rodata": 7, "data": 3, "bss": 2}


def test_the_same_files_are_built_once(model: Model, built: dict[str, Path], elf: Path) -> None:
    """With other flags, or with another byte, they are others."""
    files = render(model)
    stamp = elf.stat().st_mtime_ns
    assert build(files, "qemu-m4")["qemu-m4"].stat().st_mtime_ns == stamp
    changed = build(files | {"small.c": files["small.c"] + "\n"}, "qemu-m4")["qemu-m4"]
    assert len({elf, built["qemu-m4"], changed}) == 3


def test_nothing_is_written_beside_the_package(model: Model) -> None:
    def listing() -> set[tuple[Path, int]]:
        tops = [assets() / "firmware", assets() / "boards", assets() / "codegen"]
        files = [p for top in tops for p in top.rglob("*") if "__pycache__" not in p.parts]
        return {(p, p.stat().st_mtime_ns) for p in files if p.is_file()}

    before = listing()
    build(render(small_model(threshold=43)), "qemu-m3")
    assert listing() == before


def test_processes_that_build_at_the_same_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two of them even build the same model, in a cache that none of them has seen."""
    monkeypatch.setenv("SPIKEMCU_CACHE", str(tmp_path))
    context = multiprocessing.get_context("spawn")
    made = [render(small_model(threshold=threshold)) for threshold in (51, 51, 52)]
    children = [context.Process(target=build, args=(files, "qemu-m4")) for files in made]
    for child in children:
        child.start()
    for child in children:
        child.join(MOST_SECONDS)
        assert child.exitcode == 0
    built = sorted((tmp_path / "models").glob("*/qemu-m4.elf"))
    assert len(built) == 2
    assert sorted({build(files, "qemu-m4")["qemu-m4"] for files in made}) == built
    assert not list(tmp_path.rglob("work"))


# ------------------------------------------------------------------- by hand


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy firmware and boards as they lie in the repository, without what was built."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("firmware", "boards"):
        skip = shutil.ignore_patterns(".pio", "__pycache__")
        shutil.copytree(assets() / name, folder / name, ignore=skip)
    return folder


def pio(checkout: Path, *arguments: str) -> str:
    environment = os.environ | {
        "PLATFORMIO_CORE_DIR": str(checkout / "core"),
        "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "no",
        "PLATFORMIO_DISABLE_UPGRADE_CHECK": "true",
    }
    verb, *rest = arguments
    command = [sys.executable, "-m", "platformio", verb, "-d", str(checkout / "firmware"), *rest]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=MOST_SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_pio_run_by_hand(checkout: Path) -> None:
    said = pio(checkout, "run", "-e", "qemu-m4", "-t", "qemu")
    assert re.search(r"^model example [0-9a-f]{32}$", said, re.MULTILINE)
    assert "warning:" not in said


@pytest.mark.parametrize(
    "boards",
    [("qemu-m0",), pytest.param(BOARDS, marks=pytest.mark.proof)],
    ids=["the smallest core", "all"],
)
def test_pio_test_by_hand(boards: tuple[str, ...], checkout: Path) -> None:
    """25 checks on each core: a number, because lines that are not understood are passed over."""
    said = pio(checkout, "test", *(word for board in boards for word in ("-e", board)))
    assert f"{25 * len(boards)} test cases: {25 * len(boards)} succeeded" in said
