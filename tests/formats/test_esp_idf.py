"""The package as a component of ESP-IDF: its Kconfig and manifest, its projects in a stand-in."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import kconfiglib
import pytest
import yaml
from support.streaming import model_of
from support.zoo.small import small_model

from codegen.isa import RISCV
from codegen.package.packages import package
from codegen.target.boards import find_board
from codegen.target.compiler import compiling

STAND_IN = Path(__file__).parents[1] / "support" / "esp_idf"
FOLDER = "network"
"""What the folder of the component is called: the model's name is another."""


def run(*command: str | Path, folder: Path, **environment: str) -> str:
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", **environment},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@cache
def files(mode: str) -> Mapping[str, str]:
    """Return {path: text} of a model of a sensor, or of "small", which has none."""
    return package(small_model() if mode == "small" else model_of(mode), "esp-idf")


def component(mode: str, folder: Path) -> Path:
    for name, text in files(mode).items():
        path = folder / FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / FOLDER


def settings(folder: Path, **chosen: str) -> dict[str, str]:
    """Return what the component's Kconfig makes of some choices, {symbol: value}."""
    known = kconfiglib.Kconfig(str(folder / "Kconfig"), warn_to_stderr=False)
    for name, value in chosen.items():
        known.syms[name].set_value(value)
    assert known.warnings == []
    return {symbol.name: symbol.str_value for symbol in known.unique_defined_syms}


def project(folder: Path, name: str, **chosen: str) -> Path:
    """Build a project in the stand-in for ESP-IDF, without a warning; return its build folder."""
    build, values = folder.parent / f"build-{name}", settings(folder, **chosen)
    config = folder.parent / "sdkconfig.cmake"
    lines = [f'set(CONFIG_{name} "{value * (value != "n")}")\n' for name, value in values.items()]
    config.write_text("".join(lines))
    source = folder / "examples" / name
    where = ["-S", source, "-B", build, f"-DSDKCONFIG={config}"]
    said = run("cmake", *where, folder=folder, IDF_PATH=str(STAND_IN))
    assert FOLDER in re.findall(r"requirements of main: (\S+)", said)[0].split(";")
    run("cmake", "--build", build, "--verbose", folder=folder)
    return build


# ---------------------------------------------------------- Kconfig and manifest


def test_the_settings(tmp_path: Path) -> None:
    folder = component("small", tmp_path)
    assert settings(folder) == {"SPIKEMCU_SMALL_O2": "y", "SPIKEMCU_SMALL_IN_RAM": "n"}
    used = re.findall(r"CONFIG_(\w+)", (folder / "CMakeLists.txt").read_text())
    assert set(used) == set(settings(folder))


def test_the_manifest(tmp_path: Path) -> None:
    values = yaml.safe_load((component("small", tmp_path) / "idf_component.yml").read_text())
    assert re.fullmatch(r"\d+\.\d+\.\d+", values["version"])
    assert small_model().digest() in values["description"]
    assert values["dependencies"] == {"idf": ">=5.0"}


def test_the_readme_tells_what_a_risc_v_core_takes(tmp_path: Path) -> None:
    text = (component("small", tmp_path) / "README.md").read_text()
    assert re.search(r"^\| rv32imc \| [\d,]+ \| ", text, re.MULTILINE)
    assert RISCV.tools.measured in text
    assert "cortex" not in text.split("| core |")[1].split("\n\n")[0]


# ------------------------------------------------------------------ the projects


def test_the_test_vectors_in_a_stand_in(tmp_path: Path) -> None:
    """ESP-IDF itself is not here: its CMake functions and three headers are stood in for."""
    folder = component("small", tmp_path)
    said = run(project(folder, "classify") / "app", folder=tmp_path)
    assert said.startswith("small: all 1 vectors equal\n")
    assert not (folder / "examples" / "stream").exists()


@pytest.mark.parametrize("mode", ["held", "steps", "free"])
def test_the_streaming_project_in_a_stand_in(mode: str, tmp_path: Path) -> None:
    said = run(project(component(mode, tmp_path), "stream") / "app", folder=tmp_path)
    assert said == "motion: answers wrong 0, samples late 0\n"


def test_a_lost_sample_shows(tmp_path: Path) -> None:
    folder = component("steps", tmp_path)
    main = folder / "examples" / "stream" / "main" / "main.c"
    counted, text = "    recorded++;\n    if", main.read_text()
    assert text.count(counted) == 1
    main.write_text(text.replace(counted, "    recorded += recorded == 40u ? 2u : 1u;\n    if"))
    said = run(project(folder, "stream") / "app", folder=tmp_path)
    assert said != "motion: answers wrong 0, samples late 0\n"


@pytest.mark.parametrize("chosen", [{}, {"SPIKEMCU_SMALL_IN_RAM": "y"}, {"SPIKEMCU_SMALL_O2": "n"}])
def test_settings_reach_the_compiler(chosen: dict[str, str], tmp_path: Path) -> None:
    build = project(component("small", tmp_path), "classify", **chosen)
    (built,) = build.rglob("small.c.o")
    dump = run("objdump", "-t", built, folder=tmp_path)
    place = re.findall(r"(\.\S+)\s+\w+\s+small_weights0$", dump, re.MULTILINE)
    assert place == [".dram1.small" if "SPIKEMCU_SMALL_IN_RAM" in chosen else ".rodata"]
    flags = next(build.rglob("network/CMakeFiles/network.dir/flags.make")).read_text()
    levels = re.findall(r"-O\w", re.findall(r"C_FLAGS = (.*)", flags)[0])
    assert levels == ["-Og"] + ["-O2"] * ("SPIKEMCU_SMALL_O2" not in chosen)


@pytest.mark.target
def test_the_component_compiles_for_the_core_of_an_esp32_c3(tmp_path: Path) -> None:
    folder = component("small", tmp_path)
    flags = ["-std=gnu17", "-Os", "-Wall", "-Wextra", "-Werror", f"-I{folder / 'include'}"]
    section = '-DSMALL_SECTION=__attribute__((section(".dram1.small")))'
    command = [*compiling(find_board("qemu-rv32imc")), *flags, section, "-c", "small.c"]
    run(*command, folder=folder / "src")
