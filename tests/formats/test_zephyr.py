"""The package as a Zephyr module: Kconfig, the applications, and what twister reads of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import kconfiglib
import pytest
import yaml
from support.ran import run
from support.streaming import model_of
from support.zoo.small import small_model

from codegen.package.packages import package

SUPPORT = Path(__file__).parents[1] / "support"

KERNEL = """
config CPU_HAS_FPU
	bool "the core has a floating-point unit"
config ARMV8_1_M_MVEI
	bool "and Helium"
config MULTITHREADING
	bool "threads"
config FPU
	bool "floating point"
	depends on CPU_HAS_FPU
config FPU_SHARING
	bool "registers saved over a switch"
	depends on FPU && MULTITHREADING
source "{module}"
"""
"""What Zephyr's own Kconfig (arch/Kconfig, arch/arm/core/cortex_m/Kconfig) has of these names."""

KEYS = {
    "sample": {"name", "description"},
    "common": {"tags", "harness", "harness_config", "min_flash", "min_ram"},
    "harness_config": {"type", "regex"},
}
"""Those of scripts/schemas/twister/testsuite-schema.yaml, Zephyr 3.4 and later, that we use."""


@cache
def files(mode: str) -> Mapping[str, str]:
    """Return {path: text} of a model of a sensor, or of "small", which has none."""
    return package(small_model() if mode == "small" else model_of(mode), "zephyr")


def module(mode: str, folder: Path) -> Path:
    for name, text in files(mode).items():
        path = folder / "package" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "package"


def application(folder: Path, name: str) -> str:
    """Build an application in the stand-in for Zephyr, without a warning, and run it."""
    build = folder / f"build-{name}"
    zephyr, strict = f"-DZephyr_DIR={SUPPORT / 'zephyr'}", "-DCMAKE_C_FLAGS=-Wall -Wextra -Werror"
    run(
        "cmake",
        "-S",
        folder / "package" / "samples" / name,
        "-B",
        build,
        zephyr,
        strict,
        folder=folder,
    )
    run("cmake", "--build", build, folder=folder)
    return run(build / "app", folder=folder)


# ------------------------------------------------------------------- Kconfig


def settings(folder: Path, **chosen: str) -> dict[str, str]:
    """Return the settings of an application that chooses some, in a kernel of these names."""
    root = folder / "Kconfig"
    root.write_text(KERNEL.format(module=folder / "package" / "zephyr" / "Kconfig"))
    known = kconfiglib.Kconfig(str(root), warn_to_stderr=False)
    for name, value in chosen.items():
        known.syms[name].set_value(value)
    values = {name: symbol.str_value for name, symbol in known.syms.items() if symbol.nodes}
    assert known.warnings == []
    return values


def test_the_module_says_where_its_files_are(tmp_path: Path) -> None:
    folder = module("small", tmp_path)
    values = yaml.safe_load((folder / "zephyr" / "module.yml").read_text())
    build = {"cmake": "zephyr", "kconfig": "zephyr/Kconfig"}
    assert values == {"name": "small", "build": build, "samples": ["samples"]}
    assert (folder / build["cmake"] / "CMakeLists.txt").is_file()
    known = kconfiglib.Kconfig(str(folder / build["kconfig"]), warn_to_stderr=False)
    assert known.warnings == []
    symbols = {symbol.name: symbol for symbol in known.unique_defined_syms}
    assert set(symbols) == {"SPIKEMCU_SMALL", "SPIKEMCU_SMALL_PORTABLE", "SPIKEMCU_SMALL_HELIUM"}
    assert all(symbol.type == kconfiglib.BOOL for symbol in symbols.values())
    assert all(symbol.nodes[0].help for symbol in symbols.values())
    used = re.findall(r"CONFIG_(\w+)", (folder / "zephyr" / "CMakeLists.txt").read_text())
    assert set(used) <= set(symbols)


def test_portable_only_with_the_model(tmp_path: Path) -> None:
    module("small", tmp_path)
    portable = {"SPIKEMCU_SMALL_PORTABLE": "y"}
    assert settings(tmp_path, **portable)["SPIKEMCU_SMALL_PORTABLE"] == "n"
    both = settings(tmp_path, SPIKEMCU_SMALL="y", **portable)
    assert both["SPIKEMCU_SMALL_PORTABLE"] == "y"


HELIUM = {"CPU_HAS_FPU": "y", "ARMV8_1_M_MVEI": "y", "MULTITHREADING": "y", "SPIKEMCU_SMALL": "y"}


@pytest.mark.parametrize(
    ("changed", "fpu", "sharing"),
    [
        ({}, "y", "y"),
        ({"MULTITHREADING": "n"}, "y", "n"),
        ({"ARMV8_1_M_MVEI": "n"}, "n", "n"),  # integers only: the FPU stays as the user has it
        ({"CPU_HAS_FPU": "n"}, "n", "n"),
        ({"SPIKEMCU_SMALL_PORTABLE": "y"}, "n", "n"),
        ({"SPIKEMCU_SMALL": "n"}, "n", "n"),
    ],
)
def test_helium_has_the_registers_of_the_fpu_on_and_saved(
    changed: dict[str, str], fpu: str, sharing: str, tmp_path: Path
) -> None:
    """Without the one there is no Helium; without the other, a switch of threads spoils it."""
    module("small", tmp_path)
    found = settings(tmp_path, **(HELIUM | changed))
    assert (found["FPU"], found["FPU_SHARING"]) == (fpu, sharing)


@pytest.mark.target
def test_a_compiler_without_the_fpu_leaves_helium_out() -> None:
    """Why it is selected."""
    for abi, there in (("soft", False), ("softfp", True), ("hard", True)):
        command = (
            f"arm-none-eabi-gcc -mthumb -mcpu=cortex-m55 -mfloat-abi={abi} -dM -E -x c /dev/null"
        )
        assert ("__ARM_FEATURE_MVE" in run(*command.split(), folder=Path.cwd())) == there


def test_the_text_says_what_a_switch_must_save(tmp_path: Path) -> None:
    text = (module("small", tmp_path) / "README.md").read_text()
    for word in ("Helium", "CONFIG_FPU_SHARING", "configENABLE_MVE", "lazy stacking"):
        assert word in text


# -------------------------------------------------------------- applications


def test_the_test_vectors_in_a_stand_in(tmp_path: Path) -> None:
    """Zephyr itself is not here: its CMake functions and two headers are stood in for."""
    folder = module("small", tmp_path)
    said = application(tmp_path, "classify")
    assert re.search(*expected_line(folder, "classify"), said)
    assert not (folder / "samples" / "stream").exists()


@pytest.mark.parametrize("mode", ["held", "steps", "free"])
def test_the_streaming_application_in_a_stand_in(mode: str, tmp_path: Path) -> None:
    folder = module(mode, tmp_path)
    said = application(tmp_path, "stream")
    assert said == "motion: answers wrong 0, samples late 0\n"
    assert re.search(*expected_line(folder, "stream"), said)


def test_a_lost_sample_shows_in_what_twister_looks_for(tmp_path: Path) -> None:
    folder = module("steps", tmp_path)
    main = folder / "samples" / "stream" / "src" / "main.c"
    counted, text = "recorded = recorded + 1u;", main.read_text()
    assert text.count(counted) == 1
    main.write_text(text.replace(counted, "recorded += recorded == 40u ? 2u : 1u;"))
    said = application(tmp_path, "stream")
    assert not re.search(*expected_line(folder, "stream"), said)


# ------------------------------------------------------------------- twister


def described(folder: Path, name: str) -> dict[str, Any]:
    text = (folder / "samples" / name / "sample.yaml").read_text()
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def expected_line(folder: Path, name: str) -> tuple[str]:
    (line,) = described(folder, name)["common"]["harness_config"]["regex"]
    return (line,)


@pytest.mark.parametrize("name", ["classify", "stream"])
def test_twister_finds_the_samples(name: str, tmp_path: Path) -> None:
    folder = module("steps", tmp_path)
    found = described(folder, name)
    assert set(found) == {"sample", "common", "tests"}
    assert set(found["sample"]) == KEYS["sample"]
    assert set(found["common"]) == KEYS["common"]
    assert set(found["common"]["harness_config"]) == KEYS["harness_config"]
    assert found["common"]["harness"] == "console"
    assert found["common"]["harness_config"]["type"] == "one_line"
    assert list(found["tests"]) == [f"sample.motion.{name}"]
    for path in ("CMakeLists.txt", "prj.conf", "src/main.c"):
        assert (folder / "samples" / name / path).is_file()


def test_a_board_that_is_too_small_is_passed_by(tmp_path: Path) -> None:
    """Weights and vectors count as flash, the state as RAM; both in KB."""
    small, steps = (described(module(mode, tmp_path / mode), "classify")["common"]
                    for mode in ("small", "steps"))  # fmt: skip
    assert 32 < small["min_flash"] < 64
    assert small["min_ram"] == steps["min_ram"] == 9
