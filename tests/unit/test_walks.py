"""The walks of ARCHITECTURE.md: functions of each file that they name are called on the way."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import numpy as np
from support.zoo import having
from support.zoo.small import small_model

import codegen
import qat
from codegen.checks.equivalence import made_inputs
from qat.data.own import from_arrays
from qat.model import Model, Sensor

ROOT = Path(codegen.__file__).parents[1]
TEXT = (ROOT / ".github" / "ARCHITECTURE.md").read_text()
FILE = re.compile(r"`([\w./-]+\.(?:py|j2|json|ini))`")


def named_in(cells: list[str]) -> list[str]:
    """Return the files of cells in order; a name without a folder lies beside the one before."""
    found: list[str] = []
    for name in FILE.findall(" ".join(cells)):
        folder = "" if "/" in name else f"{Path(found[-1]).parent.as_posix()}/"
        found.append(folder + name)
    return found


def table(title: str, column: int) -> list[str]:
    """Return the files that a column of the table below a title names."""
    part = TEXT.split(f"## {title}")[1].split("\n## ")[0]
    rows = [line.split("|") for line in part.splitlines() if line.startswith("|")]
    return named_in([row[column] for row in rows[2:]])


@contextmanager
def passed_by() -> Iterator[set[str]]:
    """Give the files of the project, templates among them, whose functions are called."""
    found: set[str] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            found.add(frame.f_code.co_filename)

    before: Callable[..., object] | None = sys.getprofile()
    sys.setprofile(note)
    try:
        yield found
    finally:
        sys.setprofile(before)
        names = {name for name in found if name.startswith(f"{ROOT}/")}
        found.clear()
        found |= {Path(name).relative_to(ROOT).as_posix() for name in names}


def test_a_weight_passes_every_file_of_its_walk(tmp_path: Path) -> None:
    files = table("A weight, from `fit` to the flash word", 2)
    rng = np.random.default_rng(0)
    labels = np.arange(120) % 3
    data = from_arrays(rng.integers(0, 16, (120, 64)) + 5 * labels[:, None], labels)
    net = qat.Network([64, 64, 3], bits=[2, 2], steps=4)
    with passed_by() as passed:
        qat.fit(net, data, epochs=1)
        model = qat.export(net, "net")
        codegen.generate(model, tmp_path)
    assert len(files) > 10
    assert not set(files) - passed
    assert f"\n{len(files)} files. None only hands on" in TEXT


OWN = {"sensor": "sensor", "cuba": "cuba", "alif": "alif", "burst": "burst", "integrator": "li"}
"""Files of the specification that only some models pass, each with a tag of those."""


def pixels_of(model: Model) -> set[str]:
    """Return the files of the specification that inputs, of raw samples if it has any, pass."""
    x = made_inputs(model, 3)
    with passed_by() as passed:
        if isinstance(model.sensor, Sensor):
            x = model.inputs_of(np.zeros((400, model.input.size), np.int16))
        model.run(x)
    return passed


def test_a_pixel_passes_every_file_of_the_specification() -> None:
    files = set(table("A pixel, or a sample, from the sensor to the score", 2))
    own = {f"qat/model/{name}.py": tag for name, tag in OWN.items()}
    assert pixels_of(small_model()) & files == files - set(own)
    for name, tag in own.items():
        assert name in pixels_of(next(iter(having(tag).values()))), name
