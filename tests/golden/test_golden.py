"""Generated C that must not change unnoticed: a refactoring leaves every byte as it is.

`pytest tests/golden --update-golden` rewrites the files; look at the difference before it is
committed. The firmware's example model is one of them.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from support.golden import GOLDEN

from codegen.equivalence import compare_host
from codegen.render import render
from qat.model import Model

HERE = Path(__file__).parent


@pytest.mark.parametrize("model", GOLDEN, ids=lambda model: model.name)
def test_generated_c_is_unchanged(model: Model, request: pytest.FixtureRequest) -> None:
    folder = HERE / model.name
    files = {name: text for name, text in render(model).items() if name != "binding.h"}
    if request.config.getoption("--update-golden"):
        folder.mkdir(exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text)
    assert sorted(files) == sorted(path.name for path in folder.iterdir())
    for name, text in files.items():
        assert (folder / name).read_text() == text, f"{name} changed; see the docstring above"


@pytest.mark.parametrize("model", GOLDEN, ids=lambda model: model.name)
def test_golden_c_equals_the_model(model: Model) -> None:
    code = {path.name: path.read_text() for path in (HERE / model.name).iterdir()}
    assert compare_host(model, code=code).differing == 0
