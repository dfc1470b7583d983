"""Every format of `generate` builds with its own tool, and its example says what the model says."""

from __future__ import annotations

import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from support.models import inputs_for
from support.ran import run
from support.zoo.small import sensed, small_model, spiking

import codegen
from codegen.base.paths import assets
from codegen.checks.host import WARNINGS, find_compiler
from codegen.package.examples import vectors_of
from codegen.package.packages import FORMATS
from codegen.plan import cost
from codegen.render import render
from codegen.target.boards import find_board
from codegen.target.compiler import find_cross_compiler
from codegen.target.qemu import qemu_command
from qat.model import EarlyStop, Model

SUPPORT = Path(__file__).parents[1] / "support"


MODELS = {
    "analog": small_model(),
    "early stop": replace(small_model(), stop=EarlyStop(30, 2)),
    "spikes, free": spiking(True),
    "frames, free": spiking(False),
    "sensor": replace(
        sensed(offset=range(20)),
        name="sensed",
        metadata={"sample_unit": 0.001},
    ),
}


def write(model: Model, folder: Path, form: str, vectors: int = 6) -> Path:
    made = vectors_of(model, inputs_for(model, vectors, 3))
    codegen.generate(model, folder, form=form, vectors=made)
    return folder


def host_example(folder: Path, status: int = 0) -> None:
    compiler = [find_compiler(), *WARNINGS, "-Wno-unused-function", "-I.."]
    run(*compiler, "main.c", *[f"../{f.name}" for f in folder.glob("*.c")], "-o", "example",
        folder=folder / "example")  # fmt: skip
    run("./example", folder=folder / "example", status=status)


@pytest.mark.parametrize("name", MODELS)
def test_the_example_agrees_with_the_model(name: str, tmp_path: Path) -> None:
    host_example(write(MODELS[name], tmp_path, "c"))


def test_one_vector_is_made_where_there_are_no_data(tmp_path: Path) -> None:
    codegen.generate(small_model(), tmp_path)
    assert "#define SMALL_VECTORS 1u" in (tmp_path / "example" / "vectors.h").read_text()
    host_example(tmp_path)


def test_the_example_finds_a_wrong_answer(tmp_path: Path) -> None:
    write(MODELS["analog"], tmp_path, "c")
    path = tmp_path / "example" / "vectors.h"
    text = path.read_text()
    scores = text.index("small_vector_scores[6][5] = {")
    fourth = [match.end() for match in re.finditer(r"\{\n", text[scores:])][3]
    path.write_text(text[: scores + fourth] + "1 + " + text[scores + fourth :])
    host_example(tmp_path, status=4)


def test_cmake_builds_and_tests_the_target(tmp_path: Path) -> None:
    folder = write(MODELS["analog"], tmp_path / "package", "cmake")
    run("cmake", "-S", folder, "-B", "build", folder=tmp_path)
    run("cmake", "--build", "build", folder=tmp_path)
    assert "100% tests passed" in run("ctest", "--test-dir", "build", folder=tmp_path)


@pytest.mark.parametrize("name", ["test", "all", "install", "Package"])
def test_a_model_may_be_called_as_a_target_that_cmake_has(name: str, tmp_path: Path) -> None:
    write(replace(small_model(), name=name), tmp_path / "package", "cmake", vectors=1)
    run("cmake", "-S", "package", "-B", "build", folder=tmp_path)
    run("cmake", "--build", "build", folder=tmp_path)
    run("ctest", "--test-dir", "build", folder=tmp_path)


TWO_MODELS = """
cmake_minimum_required(VERSION 3.13)
project(firmware LANGUAGES C CXX)
add_subdirectory(first)
add_subdirectory(second)
add_executable(firmware main.cpp)
target_link_libraries(firmware PRIVATE small::small free::free)
"""

MAIN = """
#include "first/example/vectors.h"
#include "second/example/vectors.h"
int main() {
    static small_state one, other;
    static free_state third;
    return static_cast<int>(small_check_vectors(&one) + free_check_vectors(&third) +
                            small_check_vectors(&other));
}
"""


def test_two_models_and_two_instances_in_one_c_plus_plus_program(tmp_path: Path) -> None:
    write(MODELS["analog"], tmp_path / "first", "cmake")
    write(MODELS["spikes, free"], tmp_path / "second", "cmake")
    (tmp_path / "CMakeLists.txt").write_text(TWO_MODELS)
    (tmp_path / "main.cpp").write_text(MAIN)
    run("cmake", "-S", ".", "-B", "build", folder=tmp_path)
    run("cmake", "--build", "build", folder=tmp_path)
    run("build/firmware", folder=tmp_path)


TAKING_TURNS = """
#include "vectors.h"
static small_state one, other;
int main(void)
{
    for (uint32_t i = 0u; i + 1u < SMALL_VECTORS; i++) {
        int32_t scores[2][SMALL_OUTPUTS];
        small_reset(&one);
        small_input(&one, small_vector_inputs[i]);
        for (uint32_t step = 0u; step < SMALL_STEPS; step++) {
            uint32_t spikes[SMALL_SPIKE_WORDS];
            small_step(&one, spikes);
            if (step == 2u) {
                (void)small_classify(&other, small_vector_inputs[i + 1u], scores[1]);
            }
        }
        (void)small_scores(&one, scores[0]);
        for (uint32_t k = 0u; k < SMALL_OUTPUTS; k++) {
            if (scores[0][k] != small_vector_scores[i][k]) {
                return 1;
            }
            if (scores[1][k] != small_vector_scores[i + 1u][k]) {
                return 2;
            }
        }
    }
    return 0;
}
"""


def test_two_instances_that_take_turns_are_independent(tmp_path: Path) -> None:
    """A whole inference of one between two steps of the other, as an interrupt would do it."""
    write(MODELS["analog"], tmp_path, "c")
    (tmp_path / "example" / "main.c").write_text(TAKING_TURNS)
    host_example(tmp_path)


C_PLUS_PLUS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Wold-style-cast",
               "-Wundef", "-Werror", "-fsyntax-only", "-x", "c++"]  # fmt: skip


@pytest.mark.parametrize("compiler", ["g++", "clang++"])
def test_a_c_plus_plus_program_includes_every_header(compiler: str, tmp_path: Path) -> None:
    """In the oldest C++ that has its types, and in a new one."""
    headers = []
    for number, model in enumerate(MODELS.values()):
        headers.append(f"{number}_{model.name}.h")
        (tmp_path / headers[-1]).write_text(render(model)[f"{model.name}.h"])
    for header in headers:
        (tmp_path / "main.cpp").write_text(f'#include "{header}"\n#include "{header}"\n')
        for standard in ("c++11", "c++20"):
            run(compiler, f"-std={standard}", *C_PLUS_PLUS, "-DMODEL_PROBE=2", "main.cpp",
                folder=tmp_path)  # fmt: skip


@pytest.mark.target
@pytest.mark.parametrize("core", ["qemu-m0", "qemu-m55"])
def test_cmake_builds_the_target_for_arm(core: str, tmp_path: Path) -> None:
    folder, board = write(MODELS["analog"], tmp_path / "package", "cmake"), find_board(core)
    cross = ["-DCMAKE_SYSTEM_NAME=Generic", "-DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY",
             f"-DCMAKE_C_COMPILER={find_cross_compiler()}",
             f"-DCMAKE_C_FLAGS={' '.join(board.core_flags)} -O2"]  # fmt: skip
    run("cmake", "-S", folder, "-B", "build", *cross, folder=tmp_path)
    run("cmake", "--build", "build", "--target", "small", folder=tmp_path)
    assert (tmp_path / "build" / "libsmall.a").is_file()


PROJECT = """
[platformio]
boards_dir = {boards}

[env:qemu-m4]
platform = symlink://{platform}
board = qemu-m4
"""


@pytest.mark.target
def test_platformio_builds_the_library_and_its_example_runs(tmp_path: Path) -> None:
    firmware = assets() / "firmware"
    boards = assets() / "boards"
    (tmp_path / "platformio.ini").write_text(
        PROJECT.format(boards=boards, platform=firmware / "platform")
    )
    package = write(MODELS["analog"], tmp_path / "lib" / "small", "platformio")
    shutil.copytree(package / "examples" / "classify", tmp_path / "src")
    quiet = {"PLATFORMIO_CORE_DIR": str(tmp_path / "core"),
             "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "No"}  # fmt: skip
    run(sys.executable, "-m", "platformio", "run", folder=tmp_path, **quiet)
    elf = tmp_path / ".pio" / "build" / "qemu-m4" / "firmware.elf"
    run(*qemu_command(find_board("qemu-m4"), elf, False), folder=tmp_path)


def test_the_arduino_sketch_runs_in_a_stand_in(tmp_path: Path) -> None:
    """The Arduino tools are not here: the calls that the sketch makes are stood in for."""
    folder = write(MODELS["analog"], tmp_path, "arduino")
    sketch, stand_in = folder / "examples" / "classify", SUPPORT / "sketch"
    run(
        find_compiler(), *WARNINGS, "-c", "small.c", "-o", sketch / "small.o", folder=folder / "src"
    )
    options = ["-std=gnu++11", "-Wall", "-Wextra", "-Werror", f"-I{stand_in}", "-I../../src"]
    run("g++", *options, "-include", "Arduino.h", "-x", "c++", "classify.ino",
        stand_in / "main.cpp", "-x", "none", "small.o", "-o", "sketch", folder=sketch)  # fmt: skip
    assert run("./sketch", folder=sketch).startswith("small: all vectors equal")
    properties = dict(
        line.split("=", 1) for line in (folder / "library.properties").read_text().splitlines()
    )
    wanted = {"name", "version", "author", "maintainer", "sentence", "paragraph", "category",
              "url", "architectures"}  # fmt: skip
    assert wanted <= set(properties)
    assert re.fullmatch(r"\d+\.\d+\.\d+", properties["version"])


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_has_a_readme_that_names_its_files(form: str, tmp_path: Path) -> None:
    folder = write(MODELS["sensor"], tmp_path, form)
    text = (folder / "README.md").read_text()
    core, compiler = "cortex-m0", "arm-none-eabi-gcc 12.2 at -O2"
    if FORMATS[form].cores:
        core, compiler = "rv32imc", "riscv64-unknown-elf-gcc 12.2 at -O2"
    for word in ("sensed_classify", "bytes of RAM", core, "stack of every call", compiler,
                 "SENSED_SECTION",
                 "sensed_sample", "20 uint8_t from 0 to 16", "1 stands for 0.001"):  # fmt: skip
        assert word in text
    assert (folder / "manifest.json").is_file()
    assert codegen.check(MODELS["sensor"], code=folder) is None


def test_a_core_on_which_a_part_was_not_counted_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = cost.coefficients()
    rows = {kind: row for kind, row in known["costs"]["rv32imc"].items() if kind != "samples"}
    less = known | {"costs": known["costs"] | {"rv32imc": rows}}
    monkeypatch.setattr(cost, "coefficients", lambda: less)
    text = (write(MODELS["sensor"], tmp_path, "esp-idf") / "README.md").read_text()
    assert "Nothing is predicted for rv32imc: a part of this network was not counted" in text
    assert "| core | instructions |" not in text
    assert "\n\n\n" not in text


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'make': is not known; use c, arduino"):
        codegen.generate(small_model(), tmp_path / "out", form="make")
    assert not (tmp_path / "out").exists()


SETTINGS = {
    "section": ['-DMODEL_SECTION=__attribute__((section(".fast")))'],
    "alignment": ["-DSMALL_ALIGN=32"],
    "portable": ["-DMODEL_PORTABLE=1"],
}


@pytest.mark.target
@pytest.mark.parametrize("setting", SETTINGS)
def test_settings_reach_the_tables_without_generating_again(setting: str, tmp_path: Path) -> None:
    write(MODELS["analog"], tmp_path, "c")
    compiler = [find_cross_compiler(), *find_board("qemu-m4").core_flags, "-std=c99", "-O2"]
    run(*compiler, *SETTINGS[setting], "-c", "small.c", folder=tmp_path)
    dump = run("arm-none-eabi-objdump", "-ht", "small.o", folder=tmp_path)
    if setting == "section":
        assert re.search(r"\.fast\s+\w+\s+small_weights0", dump)
        assert ".rodata" not in re.findall(r"(\.\w+)\s+\w+\s+small_weights", dump)
    if setting == "alignment":
        tables = re.findall(r"^(\w+) .*\.rodata\s+\w+\s+(small_\w+)$", dump, re.MULTILINE)
        assert {"small_weights0", "small_weights1"} < {name for _, name in tables}
        assert [name for address, name in tables if int(address, 16) % 32] == []
        assert re.search(r"\.rodata\s.*2\*\*5", dump)
    if setting == "portable":
        run(*compiler, "-c", "small.c", "-o", "fast.o", folder=tmp_path)
        assert (tmp_path / "fast.o").read_bytes() != (tmp_path / "small.o").read_bytes()


def test_a_state_of_garbage_is_made_ready_by_the_reset(tmp_path: Path) -> None:
    write(MODELS["analog"], tmp_path, "c")
    main = tmp_path / "example" / "main.c"
    main.write_text(
        main.read_text()
        .replace('#include "vectors.h"', '#include "vectors.h"\n#include <string.h>')
        .replace("    return", "    (void)memset(&state, 0xA5, sizeof state);\n    return")
    )
    host_example(tmp_path)
