"""Static analysis of generated pairs and of the firmware: gcc, clang-tidy, cppcheck with MISRA."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from support import misra
from support.zoo.tiny import MODELS

from codegen.render import render_program

PACKAGES = {
    "gcc": "gcc",
    "clang-tidy": "clang-tidy",
    "cppcheck": "cppcheck",
    "arm-none-eabi-gcc": "gcc-arm-none-eabi libnewlib-arm-none-eabi",
}

SAMPLE = ("bit-sliced, two layers",)
"""Models of the ordinary run; the proof has all of them, and the firmware under every tool."""

PROBE = ("-DMODEL_PROBE=2",)
PORTABLE = ("-DMODEL_PORTABLE=1", *PROBE)
INCLUDES = ("-Ifirmware/include", "-Ifirmware/lib/model/src", "-Ifirmware/src")

ANALYZER = (
    *("-std=c99", "-O0", "-fanalyzer", "-Wno-analyzer-use-of-uninitialized-value"),
    *("-Werror", "-Wall", "-Wextra", "-c", "-o", "/dev/null"),
)
"""GCC 12 loses track of arrays that a loop fills, and reports every element as unwritten. EVA and
memory sanitizer show that nothing is read before it is written."""

NOT_TIDY = {
    "bugprone-easily-swappable-parameters": "static functions with planes and counts side by side",
    "bugprone-signed-char-misuse": "an int8_t is a number here, and its sign is meant",
    "cert-str34-c": "the same check",
    "bugprone-not-null-terminated-result": "texts of the protocol are padded by zeros, not ended",
    "clang-analyzer-deadcode.DeadStores": "the carry out of the last plane is written, not read",
}
"""Checks of clang-tidy that are left out, and why."""

TIDY = ",".join(
    ["-*", "bugprone-*", "cert-*", "clang-analyzer-*", *(f"-{name}" for name in NOT_TIDY)]
)
TARGET = "--target=thumbv7m-none-eabi -isystem /usr/lib/arm-none-eabi/include -std=c99".split()


@pytest.fixture(autouse=True)
def tools() -> None:
    for tool, package in PACKAGES.items():
        assert shutil.which(tool), f"no {tool}: apt-get install {package}"


def said(command: Sequence[str], folder: Path) -> str:
    """Return what a tool says, "" if it has nothing to say and ends well."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    text = done.stdout + (done.stderr if done.returncode else "")
    return text or ("" if done.returncode == 0 else f"status {done.returncode}")


def analyzer(folder: Path, files: Sequence[str], flags: Sequence[str]) -> str:
    return "".join(said(["gcc", *ANALYZER, *flags, name], folder) for name in files)


def tidy(folder: Path, files: Sequence[str], flags: Sequence[str]) -> str:
    command = ["clang-tidy", "--quiet", f"--checks={TIDY}", "--warnings-as-errors=*"]
    return said([*command, *files, "--", *TARGET, *flags], folder)


Tool = Callable[[Path, Sequence[str], Sequence[str]], str]
TOOLS: dict[str, Tool] = {"gcc -fanalyzer": analyzer, "clang-tidy": tidy}


def written(name: str, folder: Path, before: str = "", after: str = "") -> list[str]:
    """Write the pair of a model, with a line of it changed; return its sources."""
    for file, text in render_program(MODELS[name].program()).items():
        assert not (file == "net.c" and before and before not in text)
        (folder / file).write_text(text.replace(before, after) if before else text)
    return ["net.c"]


def firmware(root: Path) -> list[str]:
    return [str(path.relative_to(root)) for path in sorted((root / "firmware/src").glob("*.c"))]


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("name", SAMPLE)
def test_a_model_is_clean(name: str, tool: str, tmp_path: Path) -> None:
    assert TOOLS[tool](tmp_path, written(name, tmp_path), PORTABLE) == ""


@pytest.mark.proof
@pytest.mark.parametrize("flags", [PROBE, PORTABLE], ids=["assembly", "portable"])
@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("name", MODELS)
def test_every_model_is_clean(name: str, tool: str, flags: Sequence[str], tmp_path: Path) -> None:
    assert TOOLS[tool](tmp_path, written(name, tmp_path), flags) == ""


@pytest.mark.proof
@pytest.mark.parametrize("tool", TOOLS)
def test_the_firmware_is_clean(tool: str, root: Path) -> None:
    assert TOOLS[tool](root, firmware(root), (*INCLUDES, "-DMODEL_PROBE=1")) == ""


@pytest.mark.parametrize("tool", TOOLS)
def test_a_planted_fault_is_reported(tool: str, tmp_path: Path) -> None:
    fault = "uint32_t base = first; const uint32_t *nothing = NULL; base += *nothing;"
    files = written("bit-sliced", tmp_path, "uint32_t base = first;", fault)
    assert "nothing" in TOOLS[tool](tmp_path, files, PORTABLE)


# ----------------------------------------------------------------------- MISRA


def unlisted(found: dict[str, str], where: str) -> dict[str, str]:
    listed = {rule for rule, row in misra.deviations().items() if where in row[1]}
    return {rule: place for rule, place in found.items() if rule not in listed}


def test_no_rule_is_broken_unlisted(tmp_path: Path) -> None:
    found = misra.findings(tmp_path, *written(SAMPLE[0], tmp_path))
    assert found
    assert not unlisted(found, "generated")


@pytest.mark.proof
def test_every_deviation_is_listed_and_real(root: Path, tmp_path: Path) -> None:
    generated: dict[str, str] = {}
    for name in MODELS:
        generated |= misra.findings(tmp_path, *written(name, tmp_path))
    ours = misra.findings(root, *INCLUDES, *firmware(root))
    assert not unlisted(generated, "generated")
    assert not unlisted(ours, "firmware")
    for rule, (_, where, _) in misra.deviations().items():
        assert ("generated" in where, "firmware" in where) == (rule in generated, rule in ours), (
            rule
        )


def test_a_planted_deviation_is_seen(tmp_path: Path) -> None:
    files = written("bit-sliced", tmp_path, "uint32_t base = first;", "uint32_t base = 010;")
    assert "7.1" in unlisted(misra.findings(tmp_path, *files), "generated")


def test_the_table_says_what_is_so(root: Path) -> None:
    text = (root / ".github/MISRA.md").read_text()
    assert text == misra.text(), "python tests/support/misra.py > .github/MISRA.md"
    assert set(misra.deviations()) <= set(misra.checked()) <= set(misra.everything())
