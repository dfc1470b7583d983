"""Public functions are found also after the packages that hold them were imported."""

from __future__ import annotations

from importlib import import_module

import pytest

import codegen
import codegen.check.host  # binds codegen.check to the package
import qat


@pytest.mark.parametrize("package", [codegen, qat], ids=lambda package: package.__name__)
def test_every_public_name_is_there(package: object) -> None:
    for name in vars(package)["__all__"]:
        assert getattr(package, name) is not None


def test_check_is_a_function_and_a_package() -> None:
    assert import_module("codegen.check") is codegen.check
    with pytest.raises(AttributeError, match="int"):
        codegen.check(1, [])
