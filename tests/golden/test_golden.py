"""Generated C that must not change unnoticed: a refactoring leaves every byte as it is.

`pytest tests/golden --update-golden` rewrites the files; look at the difference before it is
committed. The firmware's example model is one of them.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from support.zoo.golden import GOLDEN, example

from codegen.checks.equivalence import compare_host
from codegen.render import render
from qat.model import Model

HERE = Path(__file__).parent


def expected_files(model: Model) -> dict[Path, str]:
    """Return where the files of a model are kept, and their text."""
    files = render(model)
    if model.name == "example":
        folder = HERE.parents[1] / "firmware" / "lib" / "model" / "src"
    else:
        folder = HERE / model.name
        del files["binding.h"]
    return {folder / name: text for name, text in files.items()}


@pytest.mark.parametrize("model", [*GOLDEN, example()], ids=lambda model: model.name)
def test_generated_c_is_unchanged(model: Model, request: pytest.FixtureRequest) -> None:
    expected = expected_files(model)
    folder = next(iter(expected)).parent
    if request.config.getoption("--update-golden"):
        folder.mkdir(exist_ok=True)
        for path, text in expected.items():
            path.write_text(text)
    assert sorted(expected) == sorted(folder.iterdir())
    for path, text in expected.items():
        assert path.read_text() == text, f"{path.name} changed; see the docstring above"


@pytest.mark.parametrize("model", GOLDEN, ids=lambda model: model.name)
def test_golden_c_equals_the_model(model: Model) -> None:
    code = {path.name: path.read_text() for path in (HERE / model.name).iterdir()}
    assert compare_host(model, code=code).differing == 0
