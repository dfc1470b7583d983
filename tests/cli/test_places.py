"""Where a command writes: pipes and files in the place of folders; C for one core alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from support.clock import MOST_SECONDS
from support.zoo.golden import analog

from codegen.cli import main
from qat.model import Model
from qat.model.atomic import write_file


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    analog().save(tmp_path / "analog.npz")
    return tmp_path / "analog.npz"


def test_a_folder_is_no_pipe_and_no_file(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, kind in (("pipe", "pipe"), ("analog.npz", "file")):
        assert main(["generate", str(saved), "-o", str(tmp_path / name)]) == 2
        said = capsys.readouterr().err
        assert f"{name}: is a {kind}; several files are written: name a folder" in said
    assert Model.load(saved).digest() == analog().digest()


def test_a_pipe_without_a_reader_is_refused_at_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    command = [sys.executable, "-m", "codegen", "train", "digits", "-o", str(pipe)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=MOST_SECONDS
    )
    assert done.returncode == 2
    assert "it is a pipe that nobody reads; start its reader first" in done.stderr
    with pytest.raises(ValueError, match="pipe that nobody reads"):
        write_file(pipe, b"x")


def test_a_pipe_with_a_reader_is_written_to(tmp_path: Path) -> None:
    pipe, found = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: found.append(pipe.read_bytes()))
    keep = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)  # so that there is a reader from now on
    reader.start()
    data = bytes(range(256)) * 2048  # more than a pipe holds
    writer = threading.Thread(target=write_file, args=(pipe, data))
    writer.start()
    writer.join(30)
    reader.join(30)
    os.close(keep)
    assert found == [data]


def test_the_manifest_says_which_core_the_files_are_for(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = tmp_path / "c"
    assert main(["generate", str(saved), "-o", str(code), "--core", "cortex-m4"]) == 0
    manifest = json.loads((code / "manifest.json").read_text())
    assert manifest["only"] == "armv7e-m"
    capsys.readouterr()
    assert main(["check", str(saved), "--code", str(code)]) == 0
    assert "the C is for armv7e-m alone" in capsys.readouterr().out
    (code / "manifest.json").write_text(json.dumps(manifest | {"only": "mips"}))
    assert main(["check", str(saved), "--code", str(code)]) == 2
    assert "for 'mips' alone; known are helium, armv7e-m" in capsys.readouterr().err
    assert main(["generate", str(saved), "-o", str(code)]) == 0
    assert "only" not in json.loads((code / "manifest.json").read_text())
