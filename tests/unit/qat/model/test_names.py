"""Names of models: made of any word, and refused where they would meet another in a build."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from support.zoo.small import small_model

import codegen
from codegen.checks.host import find_compiler
from codegen.cli import main
from codegen.render import render
from qat.model import Model, c_name, check_c_name
from qat.model.names import DEVICES, HEADERS, MAX_NAME, OWN, SYMBOLS, KnownName, meets

MADE = {
    "Größe": "Groesse",
    "Größe.csv": "Groesse_csv",
    "café": "cafe",
    "Łódź": "Lodz",
    "smörgåsbord": "smoergaasbord",
    "mnist-16": "mnist_16",
    "my data (2)": "my_data__2_",
    "données": "donnees",
    "donne\u0301es": "donnees",
    "данные": "snn",
    "数据": "snn",
    "数据2024": "snn___2024",
    "": "snn",
    "___": "snn",
    "2024": "snn_2024",
    "_x": "snn__x",
    "int": "snn_int",
    "concept": "snn_concept",
    "features": "snn_features",
    "Signal": "snn_Signal",
    "CON": "snn_CON",
    "lpt1": "snn_lpt1",
    "model": "snn_model",
    "Servo": "snn_Servo",
    "x" * 40: "x" * 31,
    "digits": "digits",
}


@pytest.mark.parametrize("word", MADE)
def test_a_name_is_made_of_any_word(word: str) -> None:
    assert c_name(word) == MADE[word]
    assert check_c_name(c_name(word)) == MADE[word]


def test_names_are_ascii_whatever_the_letter() -> None:
    for code in range(0x20, 0x3000):
        name = c_name(chr(code) + "a" + chr(code))
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name)
        assert len(name) <= MAX_NAME


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("static", "a keyword of C or C\\+\\+; choose another, such as 'snn_static'"),
        ("constexpr", "a keyword of C"),
        ("co_await", "a keyword of C or C\\+\\+, or a word that a compiler defines"),
        ("unix", "a word that a compiler defines"),
        ("features", "a header of the C library"),
        ("Features", "a header of the C library"),
        ("spi", "a header of Arduino"),
        ("kernel", "a header of Zephyr"),
        ("sdkconfig", "a header of ESP-IDF"),
        ("aux", "a device of Windows"),
        ("model", "files or symbols of spikemcu"),
        ("vectors", "the name of another header"),
        ("byte", "a macro of the C library"),
        ("größe", "must be a C identifier"),
    ],
)
def test_a_chosen_name_that_meets_another_is_refused(name: str, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        replace(small_model(), name=name)


def stems(package: str, folder: str) -> set[str]:
    """Return the stems of the headers that a Debian package has in a folder."""
    command = ["dpkg-query", "-L", package]
    files = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")
    found = {Path(f).stem for f in files if Path(f).parent == Path(folder) and f.endswith(".h")}
    assert found
    return found


@pytest.mark.parametrize(
    ("package", "folder"),
    [
        ("libc6-dev", "/usr/include"),
        ("libnewlib-dev", "/usr/include/newlib"),
        ("avr-libc", "/usr/lib/avr/include"),
        ("arduino-core-avr", "/usr/share/arduino/hardware/arduino/avr/cores/arduino"),
    ],
)
def test_no_header_of_what_is_here_may_be_a_name(package: str, folder: str) -> None:
    names = {stem for stem in stems(package, folder) if re.fullmatch(r"[A-Za-z]\w*", stem)}
    assert len(names) > 10
    assert {name for name in names if meets(name) is None} == set()
    assert {name for name in names if meets(name.upper()) is None} == set()


API = ("reset", "input", "step", "scores", "decided", "classify", "state", "sample", "scale",
       "stream", "stream_reset", "membranes", "spikes", "before_reset")  # fmt: skip


def test_no_symbol_of_our_firmware_begins_as_a_name(root: Path) -> None:
    """So that every model can be built into it."""
    text = ""
    for folder in ("firmware/src", "firmware/include", "firmware/platform/startup"):
        text += "".join(f.read_text() for f in (root / folder).rglob("*.[ch]"))
    text += "".join(f.read_text() for f in (root / "codegen/templates").glob("driver*.c"))
    found = set(re.findall(rf"\b([a-z][a-z0-9_]*?)_(?:{'|'.join(API)})\b", text))
    assert {"model", "device"} <= found
    assert {name for name in found if meets(name) is None} == set()


def test_the_lists_are_in_small_letters() -> None:
    for words in (*HEADERS.values(), OWN, DEVICES, SYMBOLS):
        assert {word for word in words if word != word.lower()} == set()


# ------------------------------------------------------------------- what is there already


def older(name: str, folder: Path) -> Path:
    """Write a model file as it was written when every identifier was a name."""
    replace(small_model(), name=KnownName(name)).save(folder / "older.npz")
    return folder / "older.npz"


@pytest.mark.parametrize("name", ["features", "Servo", "concept", "aux"])
def test_a_file_with_such_a_name_still_loads_and_only_its_c_needs_another(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = older(name, tmp_path)
    model = Model.load(path)
    assert (model.name, model.digest()) == (name, small_model().digest())
    assert replace(model, metadata={"a": 1}).name == name  # as every verb that writes it does
    assert main(["generate", str(path), "-o", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert f"the model is called '{name}'" in said
    assert f"--name snn_{name}" in said
    assert not (tmp_path / "out").exists()
    command = ["generate", str(path), "-o", str(tmp_path / "out"), "--name", f"snn_{name}"]
    assert main(command) == 0
    assert (tmp_path / "out" / f"snn_{name}.h").is_file()


def test_the_c_of_such_a_file_that_is_there_is_still_checked(tmp_path: Path) -> None:
    model = Model.load(older("concept", tmp_path))
    for file, text in render(model).items():
        (tmp_path / file).write_text(text)
    assert codegen.check(model, code=tmp_path) is None


def test_a_file_with_a_name_of_ours_loads_under_another(tmp_path: Path) -> None:
    """No C of it could be compiled beside ours: it never worked, and now does."""
    model = Model.load(older("model", tmp_path))
    assert model.name == "snn_model"
    assert codegen.check(model) is None


# ------------------------------------------------------------------------- what is avoided

MAIN = """
#include <algorithm>
#include <array>
#include <vector>
#include "vector.h"
int main() { static vector_state s; vector_reset(&s);
             return static_cast<int>(std::vector<int>().size()); }
"""


def test_headers_of_cplusplus_are_not_hidden_for_they_have_no_ending(tmp_path: Path) -> None:
    model = replace(small_model(), name="vector")
    for file, text in render(model).items():
        (tmp_path / file).write_text(text)
    (tmp_path / "main.cpp").write_text(MAIN)
    for command in ([find_compiler(), "-c", "vector.c"], ["g++", "-I.", "main.cpp", "vector.o"]):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_a_guard_of_a_header_of_others_does_not_hide_ours(tmp_path: Path) -> None:
    """Two headers with the guard SPIN_H: without a prefix the second one would be empty."""
    model = replace(small_model(), name="spin")
    (tmp_path / "spin.h").write_text(render(model)["spin.h"])
    (tmp_path / "main.c").write_text(
        '#define SPIN_H\n#include "spin.h"\nspin_state s;\nint main(void) { return 0; }\n'
    )
    command = [find_compiler(), "-fsyntax-only", "main.c"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# --------------------------------------------------------------------------- the verb train


@pytest.mark.parametrize(
    ("file", "name"), [("Größe.csv", "Groesse"), ("features.csv", "snn_features")]
)
def test_training_says_the_name_before_it_begins(
    file: str, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [f"{i % 3 + i / 999:.3f},{-(i % 3)},{'xyz'[i % 3]}" for i in range(60)]
    (tmp_path / file).write_text("\n".join(["a,b,label", *lines]) + "\n", encoding="utf-8")
    output = tmp_path / "m.npz"
    command = ["train", str(tmp_path / file), "--hidden", "4", "--epochs", "1", "-o", str(output)]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert said.index(f"called {name}") < said.index("best epoch")
    assert Model.load(output).name == name


def test_a_name_that_cannot_be_is_refused_before_the_data_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", "nowhere.csv", "-o", str(tmp_path / "m.npz"), "--name", "features"]
    assert main(command) == 2
    assert "'features' is the name of a header of the C library" in capsys.readouterr().err
