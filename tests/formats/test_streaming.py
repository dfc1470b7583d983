"""The streaming example: a six-axis recording, in real-time order, on this machine and in QEMU."""

from __future__ import annotations

import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.ran import run
from support.streaming import CHANNELS, MODES, model_of
from support.zoo.heard import MODES as MODES_OF_SOUND
from support.zoo.heard import clip

import codegen
from codegen.base.paths import assets
from codegen.checks.host import WARNINGS, find_compiler
from codegen.checks.streams import expected
from codegen.package.examples import Recording, recording_of
from codegen.target.boards import find_board, load_boards
from codegen.target.qemu import qemu_command
from qat.model import Model

SUPPORT = Path(__file__).parents[1] / "support"
A_CYCLE_EACH = ("-icount", "shift=5,sleep=off")
"""An instruction takes 32 ns, about a cycle of the emulated boards, and waiting takes no time."""


def on_host(folder: Path, *flags: str, status: int = 0) -> None:
    command = [find_compiler(), *WARNINGS, *flags, "-I..", "main.c", "../motion.c", "-o", "stream"]
    run(*command, folder=folder / "stream")
    run("./stream", folder=folder / "stream", status=status)


@pytest.mark.parametrize("mode", MODES)
def test_every_answer_comes_when_the_model_says(mode: str, tmp_path: Path) -> None:
    codegen.generate(model_of(mode), tmp_path)
    on_host(tmp_path)


def test_a_sample_that_is_lost_shows_in_the_answers(tmp_path: Path) -> None:
    codegen.generate(model_of("steps"), tmp_path)
    main = tmp_path / "stream" / "main.c"
    counted, text = "recorded = recorded + 1u;", main.read_text()
    assert counted in text
    main.write_text(text.replace(counted, "recorded += recorded == 40u ? 2u : 1u;"))
    on_host(tmp_path, status=1)


def test_a_decision_comes_before_its_window_ends() -> None:
    early, whole = (expected(model_of(mode), _still()) for mode in ("early", "steps"))
    assert len(early.when) == len(whole.when)
    assert (early.when < whole.when).any()


def _still() -> np.ndarray:
    return np.tile([[900, -700, 300, 0, 50, -20]], (32 * 5, 1))


PROJECT = """
[platformio]
boards_dir = {boards}

[env]
platform = symlink://{platform}
build_flags = {flags}
"""


def platformio(folder: Path, boards: list[str], flags: str, example: str) -> dict[str, Path]:
    """Build an example of the library lib/motion of a project for boards."""
    top, flags = assets(), f"-Wall -Wextra -Werror {flags}"
    text = PROJECT.format(
        boards=top / "boards", platform=top / "firmware" / "platform", flags=flags
    )
    text += "".join(f"\n[env:{name}]\nboard = {name}\n" for name in boards)
    (folder / "platformio.ini").write_text(text)
    shutil.copytree(folder / "lib" / "motion" / "examples" / example, folder / "src")
    quiet = {"PLATFORMIO_CORE_DIR": str(folder / "core"),
             "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "No"}  # fmt: skip
    run(sys.executable, "-m", "platformio", "run", folder=folder, **quiet)
    return {name: folder / ".pio" / "build" / name / "firmware.elf" for name in boards}


def streaming(model: Model, folder: Path, boards: list[str], rate: int) -> dict[str, Path]:
    """Build the streaming example for boards, at a rate in Hz."""
    codegen.generate(model, folder / "lib" / "motion", form="platformio")
    return platformio(folder, boards, f"-DSAMPLE_HZ={rate}u", "stream")


def replay(board: str, elf: Path, status: int) -> None:
    command = [*qemu_command(find_board(board), elf), *A_CYCLE_EACH]
    run(*command, folder=elf.parent, status=status)


EMULATED = [name for name, board in load_boards().items() if board.hardware is None]
STREAMED = {
    "steps": ("qemu-m0",), "ring": ("qemu-m55",), "early": ("qemu-m4",)
}  # fmt: skip
"""Boards of the ordinary run by what is streamed; the proof takes all for the first."""


def replayed(mode: str, boards: list[str], folder: Path) -> None:
    for board, elf in streaming(model_of(mode), folder, boards, 1000).items():
        replay(board, elf, 0)


@pytest.mark.target
@pytest.mark.parametrize("mode", STREAMED)
def test_a_recording_is_replayed_in_real_time_order(mode: str, tmp_path: Path) -> None:
    """Windows that do not overlap, those that do, and answers before a window ends."""
    replayed(mode, [*STREAMED[mode]], tmp_path)


@pytest.mark.proof
@pytest.mark.target
def test_a_recording_is_replayed_on_every_board(tmp_path: Path) -> None:
    replayed("steps", EMULATED, tmp_path)


@pytest.mark.target
@pytest.mark.parametrize("mode", ["steps", "held"])
def test_a_sensor_that_is_too_fast_is_noticed(mode: str, tmp_path: Path) -> None:
    elves = streaming(model_of(mode), tmp_path, ["qemu-m0"], 40_000)
    replay("qemu-m0", elves["qemu-m0"], 2)


def listening() -> tuple[Model, Recording, int]:
    """Return a model with a detector, a recording, and how often it detects something in it."""
    model = replace(MODES_OF_SOUND["sound, detected"], name="motion")
    sound = clip(5, seed=5)
    detections = expected(model, sound).detections
    assert detections is not None
    return model, recording_of(model, sound), int((detections >= 0).sum())


def test_the_example_listens_and_counts_detections(tmp_path: Path) -> None:
    model, recording, count = listening()
    assert count > 2
    codegen.generate(model, tmp_path, recording=recording)
    command = [find_compiler(), *WARNINGS, "-I..", "main.c", "../motion.c", "-o", "stream"]
    run(*command, folder=tmp_path / "stream")
    said = run("./stream", folder=tmp_path / "stream")
    assert f"as the model says, {count} detections, 0 samples late" in said
    source = tmp_path / "motion.c"
    text = source.read_text()
    assert "stream->pause = 3u;" in text
    source.write_text(text.replace("stream->pause = 3u;", "stream->pause = 2u;"))
    run(*command, folder=tmp_path / "stream")
    run("./stream", folder=tmp_path / "stream", status=1)


@pytest.mark.target
def test_sound_is_replayed_in_real_time_order(tmp_path: Path) -> None:
    """8,000 samples a second at the 25 MHz of the board: a frame takes longer than a sample."""
    model, recording, _ = listening()
    codegen.generate(model, tmp_path / "lib" / "motion", form="platformio", recording=recording)
    for board, elf in platformio(tmp_path, ["qemu-m4"], "", "stream").items():
        replay(board, elf, 0)


IN_RAM = '#define MODEL_SECTION __attribute__((section(".data.weights")))'
GARBAGE = "int main(void)\n{\n    (void)memset(&kept, 0xA5, sizeof kept);"


@pytest.mark.target
def test_a_state_that_is_not_initialised_and_weights_in_ram(tmp_path: Path) -> None:
    model, library = model_of("steps"), tmp_path / "lib" / "motion"
    codegen.generate(model, library, form="platformio")
    main = library / "examples" / "classify" / "main.c"
    text = main.read_text().replace(
        "motion_state state;", 'motion_state kept __attribute__((section(".noinit")));'
    )
    text = text.replace("int main(void)\n{", GARBAGE).replace("&state", "&kept")
    main.write_text(f"#include <string.h>\n{text}")
    (tmp_path / "places.h").write_text(f"{IN_RAM}\n")
    flags = f"-include {tmp_path / 'places.h'}"
    elf = platformio(tmp_path, ["qemu-m4"], flags, "classify")["qemu-m4"]
    replay("qemu-m4", elf, 0)
    symbols = run("arm-none-eabi-objdump", "-t", elf, folder=tmp_path)
    assert re.search(r"\.noinit\s+\w+ kept$", symbols, re.MULTILINE)
    assert re.search(r"\.data\s+\w+ motion_weights0$", symbols, re.MULTILINE)


def test_the_arduino_sketch_streams_in_a_stand_in(tmp_path: Path) -> None:
    codegen.generate(model_of("steps"), tmp_path, form="arduino")
    sketch, stand_in = tmp_path / "examples" / "stream", SUPPORT / "sketch"
    source = tmp_path / "src" / "motion.c"
    run(find_compiler(), *WARNINGS, "-c", source, "-o", "motion.o", folder=sketch)
    options = ["-std=gnu++11", "-Wall", "-Wextra", "-Werror", f"-I{stand_in}", "-I../../src"]
    run("g++", *options, "-include", "Arduino.h", "-x", "c++", "stream.ino",
        stand_in / "main.cpp", "-x", "none", "motion.o", "-o", "sketch", folder=sketch)  # fmt: skip
    said = run("./sketch", folder=sketch)
    assert re.fullmatch(r"motion: answers wrong 0\nmotion: samples late 0\n", said)


TWO = """
#include "../stream/recording.h"
static motion_stream one, other;
int main(void)
{
    uint32_t answered = 0u;
    motion_stream_reset(&one);
    motion_stream_reset(&other);
    for (uint32_t when = 0u; when < MOTION_RECORDED; when++) {
        int32_t scores[MOTION_OUTPUTS], others[MOTION_OUTPUTS];
        const int32_t found = motion_sample(&one, motion_recording[when], scores);
        (void)motion_sample(&other, motion_recording[MOTION_RECORDED - 1u - when], others);
        if (found >= 0) {
            if (motion_answer_when[answered][0] != when) {
                return 1;
            }
            if (motion_answer_classes[answered][0] != found) {
                return 2;
            }
            answered++;
        }
    }
    return answered == MOTION_ANSWERS ? 0 : 3;
}
"""


@pytest.mark.parametrize("mode", ["steps", "ring"])
def test_two_streams_of_one_model_are_independent(mode: str, tmp_path: Path) -> None:
    codegen.generate(model_of(mode), tmp_path)
    (tmp_path / "stream" / "main.c").write_text(TWO)
    on_host(tmp_path)


def test_a_recording_without_an_answer_is_refused() -> None:
    model = model_of("steps")
    with pytest.raises(ValueError, match="found 31; no answer comes of so few"):
        recording_of(model, np.zeros((31, CHANNELS), np.int16))


def test_a_model_without_a_sensor_has_no_such_example(tmp_path: Path) -> None:
    codegen.generate(replace(model_of("steps"), sensor=None), tmp_path)
    assert not (tmp_path / "stream").exists()
