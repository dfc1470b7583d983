"""The examples show what they found: on a console, in QEMU, through an output of one's own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.models import inputs_for
from support.zoo.small import small_model, windows

import codegen
from codegen.base.paths import assets
from codegen.base.words import LONGEST, MOST_CLASSES, c_comment, c_string
from codegen.checks.host import WARNINGS
from codegen.package.examples import vectors_of
from codegen.package.guide import rate_of
from codegen.package.packages import package
from codegen.render import render
from codegen.target.boards import find_board
from codegen.target.compiler import find_cross_compiler
from codegen.target.qemu import qemu_command
from qat.model import Count, Model

CLASSES = ["walk", "run", "sit", "Größe", "fall"]
HOSTILE = [
    'quote " and \\ end \\',
    "*/ int injected; /*/*/",
    "%s%n%d ??/ ??' ???/",
    "line\nbreak\r#define A\0\x1b[31m",
    "Größe 数据 \ud800 \U0001f600 123",
]
OUTPUTS = 5


def named(classes: list[str], **more: Any) -> Model:
    return replace(small_model(), metadata={"data": {"classes": classes, **more}})


def sensed(classes: list[str], **more: Any) -> Model:
    return replace(windows(range(20)), metadata=named(classes, **more).metadata)


def run(*command: str | Path, folder: Path, status: int = 0, **environment: str) -> str:
    """Return what a command says, on both streams."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        env={**os.environ, **environment},
    )
    said = done.stdout.decode()
    assert done.returncode == status, said
    return said


def write(model: Model, folder: Path, form: str = "c", count: int = 3) -> list[int]:
    """Write a package; return the classes of its vectors."""
    x = inputs_for(model, count, 3)
    codegen.generate(model, folder, form=form, vectors=vectors_of(model, x))
    predictions = model.run(x).predictions
    assert predictions is not None
    return [int(found) for found in predictions]


def on_host(folder: Path, *sources: str, compiler: str = "gcc", status: int = 0) -> str:
    command = [compiler, *WARNINGS, "-Wno-unused-function", "-I..", "main.c", "../small.c"]
    run(*command, *sources, "-o", "example", folder=folder)
    return run("./example", folder=folder, status=status)


def lines(found: list[int], words: list[str]) -> str:
    shown = [f"vector {n}: class {c}, {words[c]}" for n, c in enumerate(found, 1)]
    return "\n".join([f"small: all {len(found)} vectors equal", *shown, ""])


# ------------------------------------------------------------------------- on a console


def test_the_classes_of_the_vectors_are_shown_by_name(tmp_path: Path) -> None:
    found = write(named(CLASSES), tmp_path)
    assert on_host(tmp_path / "example") == lines(found, CLASSES)


def test_without_names_their_numbers_are_shown(tmp_path: Path) -> None:
    found = write(small_model(), tmp_path)
    said = on_host(tmp_path / "example")
    assert said.splitlines()[1:] == [f"vector {n}: class {c}" for n, c in enumerate(found, 1)]


def test_an_output_of_ones_own_takes_the_place(tmp_path: Path) -> None:
    write(named(CLASSES), tmp_path)
    (tmp_path / "example" / "mine.c").write_text(
        "#include <stdio.h>\nvoid output(const char *text);\n"
        'void output(const char *text) { (void)printf("[%s]", text); }\n'
    )
    assert on_host(tmp_path / "example", "mine.c").startswith(
        "[small: ][all ][3][ vectors equal\n]"
    )


def test_a_difference_is_shown_and_no_number_of_a_vector_looks_like_success(tmp_path: Path) -> None:
    """An exit status has 8 bits: 256 of them would be 0."""
    write(small_model(), tmp_path, count=257)
    path = tmp_path / "example" / "vectors.h"
    text = path.read_text()
    before = "small_vector_classes[n][0]) {"
    assert before in text
    path.write_text(
        text.replace(
            before, f"{before}\n            continue;\n        }}\n        if (n == 255u) {{", 1
        )
    )
    said = on_host(tmp_path / "example", status=255)
    assert said == "small: differs at vector 256\n"


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_hostile_words_stay_words(compiler: str, tmp_path: Path) -> None:
    """The bytes that are printed are those of the word; nothing else of it reaches the program."""
    model = named(HOSTILE)
    write(model, tmp_path, count=12)
    text = (tmp_path / "small.h").read_text()
    assert text.isascii()
    (tmp_path / "example" / "main.c").write_text(ALL_NAMES)
    said = subprocess.run(
        [compiler, *WARNINGS, "-Wtrigraphs", "-Wcomment", "-Wno-unused-function", "-I..", "main.c",
         "-o", "example"], cwd=tmp_path / "example", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    done = subprocess.run(["./example"], cwd=tmp_path / "example", capture_output=True, check=True)
    words = [word.encode("utf-8", "replace").split(b"\0")[0] for word in HOSTILE]
    assert done.stdout == b"".join(word + b"\n" for word in words)


ALL_NAMES = """
#include "small.h"
#include <stdio.h>
int main(void)
{
    static const char *const names[SMALL_OUTPUTS] = SMALL_CLASS_NAMES;
    for (uint32_t n = 0u; n < SMALL_OUTPUTS; n++) {
        (void)puts(names[n]);
    }
    return 0;
}
"""


def test_every_character_is_escaped_or_means_itself(tmp_path: Path) -> None:
    """All of them, in literals and in comments, by a compiler that knows trigraphs."""
    words = [chr(code) + "/" + chr(code) for code in range(1, 0x500)] + ["*/", "/*", "/*/", "??/"]
    text = "".join(f"/* {c_comment(word)} */\n{c_string(word)},\n" for word in words)
    (tmp_path / "t.c").write_text(f"const char *const all[] = {{\n{text}}};\n")
    command = ["gcc", "-std=c99", "-Wall", "-Wcomment", "-Wtrigraphs", "-Werror", "-c", "t.c"]
    run(*command, folder=tmp_path)


def test_long_words_and_many_of_them_are_cut() -> None:
    word = "ü" * 100
    literal = bytes(int(n, 8) for n in re.findall(r"\\(\d{3})", c_string(word)))
    assert literal.decode() == "ü" * ((LONGEST - 3) // 2)
    assert c_string(word).endswith('..."')
    many = replace(small_model(), readout=Count(), metadata={"data": {"classes": ["a"] * 33}})
    assert "CLASS_NAMES" in render(many)["small.h"]
    assert MOST_CLASSES == 256


def test_the_names_change_no_other_line_and_take_no_memory(tmp_path: Path) -> None:
    plain, with_names = render(small_model()), render(named(CLASSES))
    assert plain["small.c"] == with_names["small.c"]
    assert set(plain["small.h"].splitlines()) <= set(with_names["small.h"].splitlines())
    assert "CLASS_NAMES" not in plain["small.h"]
    wrong = named(CLASSES[:-1])
    assert render(wrong) == plain  # one word too few counts as none


# ------------------------------------------------------------------------------ on a chip

PROJECT = """
[platformio]
boards_dir = {boards}

[env:{board}]
platform = symlink://{platform}
board = {board}
build_flags = -Wall -Wextra -Werror
"""


def in_qemu(folder: Path, example: str, board: str) -> str:
    """Build an example of the library lib/small with PlatformIO; return what it says in QEMU."""
    top = assets()
    (folder / "platformio.ini").write_text(
        PROJECT.format(boards=top / "boards", platform=top / "firmware" / "platform", board=board)
    )
    shutil.copytree(folder / "lib" / "small" / "examples" / example, folder / "src")
    quiet = {"PLATFORMIO_CORE_DIR": str(folder / "core"),
             "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "No"}  # fmt: skip
    run(sys.executable, "-m", "platformio", "run", folder=folder, **quiet)
    elf = folder / ".pio" / "build" / board / "firmware.elf"
    command = [*qemu_command(find_board(board), elf), "-icount", "shift=5,sleep=off"]
    return run(*command, folder=folder)


@pytest.mark.target
def test_an_emulated_core_shows_the_classes(tmp_path: Path) -> None:
    found = write(named(CLASSES), tmp_path / "lib" / "small", "platformio")
    assert lines(found, CLASSES) in in_qemu(tmp_path, "classify", "qemu-m0")


@pytest.mark.target
def test_an_emulated_core_shows_what_a_stream_gave(tmp_path: Path) -> None:
    write(sensed(CLASSES, rate=50), tmp_path / "lib" / "small", "platformio")
    said = in_qemu(tmp_path, "stream", "qemu-m4")
    assert re.search(r"^small: \d+ answers, as the model says, 0 samples late$", said, re.MULTILINE)
    assert re.search(r"^sample \d+: class \d, (walk|run|sit|Größe|fall)$", said, re.MULTILINE)


# ------------------------------------------------------------------------ the sample rate

RATES: dict[str, tuple[Any, int, int, str]] = {
    "whole": (50, 50, 20_000, "the rate of the training data"),
    "broken": (31.25, 31, 32_000, "the rate of the training data, 31.25"),
    "none": (None, 100, 10_000, "assumed"),
    "of another kind": ("fast", 100, 10_000, "assumed"),
    "true": (True, 100, 10_000, "assumed"),
    "below 0": (-3, 100, 10_000, "assumed"),
    "not finite": (1e400, 100, 10_000, "assumed"),
    "slow": (0.1, 1, 1_000_000, "the training data have 0.1"),
}


@pytest.mark.parametrize("name", RATES)
def test_the_streaming_example_has_the_rate_of_the_data(name: str) -> None:
    rate, hz, period, text = RATES[name]
    metadata = {"data": {"rate": rate}}
    model = small_model()
    object.__setattr__(model, "metadata", metadata)  # a file may hold what JSON does not
    found = rate_of(model)
    assert (found.hz, found.period) == (hz, period)
    assert found.text.startswith(text)


def test_the_rate_stands_in_the_example_and_in_the_readme() -> None:
    files = package(sensed(CLASSES, rate=50))
    assert "#define SAMPLE_HZ 50u /* the rate of the training data */" in files["stream/main.c"]
    assert "at 50 samples a second (the rate of the training data)" in files["README.md"]
    made = package(sensed(CLASSES))
    assert "#define SAMPLE_HZ 100u /* assumed" in made["stream/main.c"]


@pytest.mark.target
def test_a_rate_that_the_timer_cannot_wait_for_is_refused(tmp_path: Path) -> None:
    """25 MHz and 1 Hz: 25,000,000 ticks do not fit 24 bits."""
    write(sensed(CLASSES, rate=1), tmp_path)
    command = [find_cross_compiler(), *find_board("qemu-m4").core_flags, "-I..", "-fsyntax-only"]
    folder = tmp_path / "stream"
    run(*command, "-DF_CPU=16000000", "main.c", folder=folder)
    said = run(*command, "-DF_CPU=25000000", "main.c", folder=folder, status=1)
    assert "SysTick counts 24 bits" in said
