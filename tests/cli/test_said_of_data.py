"""What data, train and info say of a file of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from codegen.cli import main

LINES = [f"{i * 7 % 11 + 5 * (i // 60 % 2)},{'walk' if i // 60 % 2 else 'run'}" for i in range(480)]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "t.csv"
    path.write_text("".join(f"{line}\n" for line in ("a,label", *LINES)))
    return path


def test_a_licence_that_is_not_known_is_not_said(
    recording: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", str(recording)]) == 0
    assert capsys.readouterr().out.startswith("t: t.csv\n")
    assert main(["data", "digits"]) == 0
    assert "; CC BY 4.0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        (["--rate", "62.5"], "a class every 10 samples, 6.25 a second at 62.5 samples a second"),
        ([], "a class every 10 samples, R / 10 a second at R samples a second"),
    ],
)
def test_info_tells_how_many_classes_a_second(
    rate: list[str], said: str, recording: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = str(recording.with_suffix(".npz"))
    small = ["--window", "10", "--bits", "8", "--hidden", "2", "--epochs", "1"]
    assert main(["train", str(recording), "-o", model, *small, *rate]) == 0
    capsys.readouterr()
    assert main(["info", model]) == 0
    assert said in capsys.readouterr().out
