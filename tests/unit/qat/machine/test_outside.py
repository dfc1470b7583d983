"""What is not ours: files of any kind, other programs, folders that are not there or odd."""

from __future__ import annotations

import ast
import os
import pwd
import socket
import subprocess
from pathlib import Path

import numpy as np
import pytest

import codegen
from codegen.base import kept
from codegen.base.errors import BuildError, ProtocolError
from codegen.target import build, shelter
from codegen.target.device import Heard
from codegen.target.runner import _stream
from qat.data import arrays, fetch
from qat.machine import cache, programs
from qat.machine.bounded import open_regular, read_regular
from qat.model import LIF, Count, Dense, Frames, Layer, Model, Sensor

ROOT = Path(codegen.__file__).parents[1]
SOURCES = [path for top in ("qat", "codegen") for path in sorted((ROOT / top).rglob("*.py"))]

# ------------------------------------------------------------------- files


def make_pipe(path: Path) -> None:
    os.mkfifo(path)  # nobody writes to it: whoever opens it waits


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


KINDS = {"a pipe": make_pipe, "a socket": make_socket, "a folder": Path.mkdir}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_file_is_refused_at_once(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a socket is short
    KINDS[kind](Path("it"))
    with pytest.raises(ValueError, match=f"^is {kind}"):
        open_regular("it")
    with pytest.raises(ValueError, match=f"^it: is {kind}"):
        Model.load("it")


def test_a_device_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="/dev/zero: is a device"):
        Model.load("/dev/zero")


def test_no_more_is_read_than_may_be_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert read_regular(path, 5) == b"12345"
    with pytest.raises(ValueError, match="larger than 4 bytes"):
        read_regular(path, 4)
    os.truncate(path, 2**40)  # takes no room on the disk
    with pytest.raises(ValueError, match="larger than 1,000 bytes"):
        read_regular(path, 1000)


# ---------------------------------------------------------------- programs


def test_no_other_module_starts_programs_or_sets_filters_for_all_threads() -> None:
    """Bounds, encodings and the path of Python are settled in one place; QEMU is talked to."""
    alone = {"qat/machine/programs.py", "codegen/target/qemu.py"}
    words = ("subprocess.run(", "subprocess.Popen(", "catch_warnings(", "os.system(")
    found = {
        str(path.relative_to(ROOT))
        for path in SOURCES
        if any(word in path.read_text("utf-8") for word in words)
    }
    assert found <= alone


POSITIONS = {"read_text": 1, "write_text": 2}
"""Arguments of a call that names the encoding, the text included."""


def texts(path: Path) -> list[ast.Call]:
    """Return the calls that read or write a text."""
    calls = [n for n in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(n, ast.Call)]
    return [c for c in calls if isinstance(c.func, ast.Attribute) and c.func.attr in POSITIONS]


def test_texts_name_their_encoding() -> None:
    """The locale's may be another: then our own templates are other letters."""
    for path in SOURCES:
        for call in texts(path):
            assert isinstance(call.func, ast.Attribute)
            named = any(word.arg == "encoding" for word in call.keywords)
            assert named or len(call.args) >= POSITIONS[call.func.attr], f"{path}:{call.lineno}"


def test_python_as_a_child_imports_nothing_of_the_working_folder(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('of the working folder')")
    done = programs.run(programs.python("-c", "import json; print(json.dumps(1))"), folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, "1\n")
    code = "import json, qat.machine.cache; print(qat.machine.cache.CHOOSE)"
    done = programs.run(programs.own_python(code), folder=tmp_path)
    assert done.stdout == f"{cache.CHOOSE}\n"


def test_what_a_program_says_is_bounded_and_read_in_any_encoding(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done = programs.run(["printf", r"caf\351 \303\251"])
    assert done.stdout == "caf\ufffd é"
    monkeypatch.setattr(programs, "MOST", 1000)
    with pytest.raises(RuntimeError, match="yes: prints more than 1,000 bytes"):
        programs.run(["yes"])


def test_output_and_errors_are_told_apart_unless_they_are_merged() -> None:
    command = ["sh", "-c", "echo out; echo err >&2; exit 3"]
    done = programs.run(command)
    assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "err\n")
    done = programs.run(command, merged=True)
    assert (done.stdout, done.stderr) == ("out\nerr\n", "")


def test_a_program_that_does_not_end_is_ended() -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        programs.run(["sleep", "600"], seconds=0.1)


# ------------------------------------------------------------------- cache


def test_the_cache_is_an_absolute_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPIKEMCU_CACHE", "here")
    assert cache.user_cache() == tmp_path / "here"
    monkeypatch.delenv("SPIKEMCU_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative, which its standard forbids")
    monkeypatch.setenv("HOME", "/h")
    assert cache.user_cache() == Path("/h/.cache/spikemcu")


def nobody(uid: int) -> None:
    raise KeyError(uid)


@pytest.mark.parametrize("home", [None, "relative"])
def test_a_user_without_a_home_is_told_what_to_set(
    home: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SPIKEMCU_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    if home is not None:
        monkeypatch.setenv("HOME", home)
    monkeypatch.setattr(pwd, "getpwuid", nobody)  # a user that no machine of a test has
    with pytest.raises(cache.NoCacheError, match="set SPIKEMCU_CACHE"):
        cache.user_cache()


FILES = {"firmware/a.c": b"a", "firmware/in/b.c": b"b"}


def damage(path: Path) -> None:
    (path / "firmware" / "a.c").write_bytes(b"")


def add(path: Path) -> None:
    (path / "firmware" / "more.c").write_bytes(b"more")


def remove(path: Path) -> None:
    (path / "firmware" / "in" / "b.c").unlink()


@pytest.mark.parametrize("change", [damage, add, remove])
def test_a_folder_that_is_not_whole_is_made_again(change: object, tmp_path: Path) -> None:
    assert callable(change)
    folder, lock = tmp_path / "folder", tmp_path / "lock"
    kept.keep(folder, FILES, lock)
    change(folder)
    assert not kept.is_whole(folder, FILES)
    kept.keep(folder, FILES, lock)
    assert kept.is_whole(folder, FILES)


def test_what_is_built_carries_its_hash(tmp_path: Path) -> None:
    built, target = tmp_path / "built", tmp_path / "firmware.elf"
    built.write_bytes(b"firmware")
    assert not kept.is_sealed(target)
    kept.move_sealed(built, target)
    assert kept.is_sealed(target)
    target.write_bytes(b"firmwarE")
    assert not kept.is_sealed(target)
    kept.move_sealed(built, target)
    (tmp_path / "firmware.elf.sha256").unlink()  # as an interrupted build leaves it
    assert not kept.is_sealed(target)


def test_a_damaged_data_set_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPIKEMCU_CACHE", str(tmp_path))
    package = fetch.Package("pip", "numbers", "numbers-*.whl")
    digest = "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"  # of "1"
    source = fetch.Source("ones", package, {"in/one": digest}, two, {"x": (2,)})
    (tmp_path / "one").write_bytes(b"1")
    fetch.arrays(source)
    whole = source.kept.read_bytes()
    source.kept.write_bytes(whole[:-30])
    assert fetch.arrays(source)["x"].tolist() == [49, 49]
    assert source.kept.read_bytes() == whole


def two(contents: fetch.Contents) -> arrays.Arrays:
    return {"x": np.frombuffer(contents["in/one"] * 2, np.uint8)}


# ------------------------------------------------------------------ builds

ODD = ["O'Brien", "a(b)", "a$b", "a;touch b", "a b", 'a"b', "a%b", "a&b", "a\nb", "a\\b", "é"]


@pytest.mark.parametrize("name", ODD)
def test_a_build_never_works_under_an_odd_path(name: str, tmp_path: Path) -> None:
    folder, model = tmp_path / name / "project", tmp_path / name / "model"
    for path in (folder / "firmware", folder / "boards", model / "lib"):
        path.mkdir(parents=True)
    with shelter.sheltered(folder, model, Path("lib")) as places:
        assert all(map(shelter.is_plain, (places.project, places.model, places.temporary)))
        assert (places.project / "boards").is_dir()
        assert (places.model / "lib").is_dir()
    assert not places.project.exists()
    with pytest.raises(BuildError, match="set PLATFORMIO_CORE_DIR to a path of letters"):
        shelter.require_plain(folder, "PlatformIO's own folder", "PLATFORMIO_CORE_DIR")


def test_a_plain_path_is_built_in(tmp_path: Path) -> None:
    with shelter.sheltered(tmp_path, tmp_path / "model", Path("lib")) as places:
        assert (places.project, places.model) == (tmp_path, tmp_path / "model")


def test_settings_for_builds_of_the_users_own_do_not_reach_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PLATFORMIO_BUILD_FLAGS", "PLATFORMIO_BOARDS_DIR", "SCONSFLAGS"):
        monkeypatch.setenv(name, "-n")
    monkeypatch.setenv("MINE", "1")
    places = shelter.Places(tmp_path, tmp_path, tmp_path)
    found = build._environment(tmp_path, places, ("-DX=1",))
    assert found["PLATFORMIO_BUILD_FLAGS"] == "-DX=1"
    assert not {"PLATFORMIO_BOARDS_DIR", "SCONSFLAGS"} & set(found)
    assert found["MINE"] == "1"


# ------------------------------------------------------------------ boards


class Boasting:
    """A device that claims more results than it was given samples."""

    def sample(self, values: object, restart: bool = False, **_: object) -> Heard:
        return Heard(0 if restart else 2**31 - 1, 0, 0, np.zeros(2, np.uint32))


def test_no_board_is_believed_more_results_than_samples() -> None:
    """They would be two thousand million entries of a list."""
    layer = Layer(Dense(np.ones((2, 1), np.int8), 2), LIF(3, (3,)))
    model = Model(Frames(1, 0, 7), (layer,), Count(), 2, sensor=Sensor([0], [1], 0))
    with pytest.raises(ProtocolError, match="must be at most one a sample"):
        _stream(Boasting(), model, np.zeros((4, 1), np.int16))  # type: ignore[arg-type]


def test_python_as_a_child_finds_what_is_not_installed(tmp_path: Path) -> None:
    """`-S` leaves the site packages out, as they would be without an installation."""
    command = programs.own_python("import sys; print(sys.path[-1])")
    done = programs.run([command[0], "-S", *command[1:]], folder=tmp_path)
    assert done.stdout == f"{ROOT}\n"
