"""The Arduino library as one file, and its sketches with Arduino's own core on an ATmega2560."""

from __future__ import annotations

import re
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from support.avr import simulated
from support.models import inputs_for
from support.ran import run
from support.zoo.small import sensed as behind_sensor
from support.zoo.small import small_model

import codegen
from codegen.checks.streams import made_samples
from codegen.cli import main
from codegen.package.examples import recording_of, vectors_of
from qat.model import Model

NAMED = {"data": {"classes": ["walk", "run", "Größe", "sit", "%s"], "rate": 50}}


def named() -> Model:
    return replace(small_model(), metadata=NAMED)


def sensed() -> Model:
    return behind_sensor(named(), range(20))


def unzipped(model: Model, folder: Path) -> Path:
    """Write the library as a .zip, unpack it as the IDE does, and return its folder."""
    vectors = vectors_of(model, inputs_for(model, 2, 3))
    recording = None if model.sensor is None else recording_of(model, made_samples(model)[:20])
    path = folder / "library.zip"
    codegen.generate(model, path, form="arduino", vectors=vectors, recording=recording)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        archive.extractall(folder / "libraries")
    (top,) = (folder / "libraries").iterdir()
    return top


# ------------------------------------------------------------------------------ one file


def test_the_zip_holds_one_folder_with_what_the_folder_holds(tmp_path: Path) -> None:
    top = unzipped(named(), tmp_path)
    assert top.name == "small"
    assert (top / "library.properties").is_file()
    plain = tmp_path / "plain"
    codegen.generate(
        named(), plain, form="arduino", vectors=vectors_of(named(), inputs_for(named(), 2, 3))
    )
    files = {f.relative_to(plain): f.read_bytes() for f in plain.rglob("*") if f.is_file()}
    assert {f.relative_to(top): f.read_bytes() for f in top.rglob("*") if f.is_file()} == files


def test_the_zip_has_the_same_bytes_at_another_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codegen.generate(named(), tmp_path / "one.zip", form="arduino")
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    monkeypatch.setattr(time, "time", lambda: 10**9)
    codegen.generate(named(), tmp_path / "two.zip", form="arduino")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_the_verb_writes_it_and_refuses_another_format(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named().save(tmp_path / "m.npz")
    command = ["generate", str(tmp_path / "m.npz"), "-o", str(tmp_path / "x.ZIP")]
    assert main([*command, "--format", "cmake"]) == 2
    assert (
        "format cmake is a folder, none is taken as a .zip but arduino" in capsys.readouterr().err
    )
    assert main([*command, "--format", "arduino"]) == 0
    assert "x.ZIP" in capsys.readouterr().out
    assert zipfile.is_zipfile(tmp_path / "x.ZIP")


# ------------------------------------------------------------------- with Arduino's own core

CORE = Path("/usr/share/arduino/hardware/arduino/avr")
CHIP = ["-mmcu=atmega2560", "-DF_CPU=16000000L", "-DARDUINO=10819", "-DARDUINO_AVR_MEGA2560",
        "-DARDUINO_ARCH_AVR", f"-I{CORE / 'cores' / 'arduino'}", f"-I{CORE / 'variants' / 'mega'}",
        "-Os", "-ffunction-sections", "-fdata-sections"]  # fmt: skip
CPLUSPLUS = ["-std=gnu++11", "-fno-exceptions", "-fno-threadsafe-statics"]
STRICT = ["-Wall", "-Wextra", "-Werror"]
END = """
    Serial.flush();
    cli();
    SMCR = _BV(SE);
    __asm__ volatile("sleep");
"""
"""In place of the first pause: asleep without interrupts, the simulator ends."""


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return the objects of Arduino's core."""
    folder = tmp_path_factory.mktemp("core")
    sources = sorted((CORE / "cores" / "arduino").iterdir())
    c = [f for f in sources if f.suffix in (".c", ".S")]
    run("avr-gcc", "-std=gnu11", *CHIP, "-c", *c, folder=folder)
    cpp = [f for f in sources if f.suffix == ".cpp"]
    run("avr-g++", *CPLUSPLUS, *CHIP, "-DDECIMAL_DIG=9", "-w", "-c", *cpp, folder=folder)
    return sorted(folder.glob("*.o"))


def sketch(library: Path, name: str, core: list[Path]) -> str:
    """Return what a sketch of the library says before its first pause, built with the core."""
    folder = library / "examples" / name
    text = (folder / f"{name}.ino").read_text()
    assert "delay(1000);" in text
    (folder / "sketch.cpp").write_text("#include <Arduino.h>\n" + text.replace("delay(1000);", END))
    run(
        "avr-gcc",
        "-std=gnu11",
        *CHIP,
        *STRICT,
        "-I../../src",
        "-c",
        "../../src/small.c",
        folder=folder,
    )
    run("avr-g++", *CPLUSPLUS, *CHIP, *STRICT, "-I../../src", "-c", "sketch.cpp", folder=folder)
    run("avr-g++", *CHIP, "-Wl,--gc-sections", "small.o", "sketch.o", *core, "-o", "program.elf",
        folder=folder)  # fmt: skip
    return simulated(folder)


def test_the_sketch_says_the_classes_on_a_mega(core: list[Path], tmp_path: Path) -> None:
    said = sketch(unzipped(named(), tmp_path), "classify", core)
    classes = small_model().run(inputs_for(named(), 2, 3)).predictions
    assert classes is not None
    assert "small: all vectors equal" in said
    words = [name.encode().decode("latin-1") for name in named().class_names]
    for found in classes:
        assert re.search(rf"class {found}, {words[found][:2]}", said)


def test_the_streaming_sketch_keeps_the_rate_of_the_data_on_a_mega(
    core: list[Path], tmp_path: Path
) -> None:
    library = unzipped(sensed(), tmp_path)
    text = (library / "examples" / "stream" / "stream.ino").read_text()
    assert (
        "PERIOD = 20000ul; /* microseconds from sample to sample: the rate of the training" in text
    )
    said = sketch(library, "stream", core)
    assert "small: answers wrong 0" in said
    assert "small: samples late 0" in said
    assert "last class: " in said
