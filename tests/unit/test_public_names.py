"""Public functions are found also after the packages that hold them were imported."""

from __future__ import annotations

from types import ModuleType

import pytest

import codegen
import codegen.checks.host  # rooms are loaded: none of them has the name of a function
import qat

MODULES = {"anytime", "cache", "datasets", "encode", "nir", "quantize", "surrogate", "torch"}
"""Public names that are modules."""


@pytest.mark.parametrize("package", [codegen, qat], ids=lambda package: package.__name__)
def test_every_public_name_is_there(package: object) -> None:
    for name in vars(package)["__all__"]:
        assert getattr(package, name) is not None


def test_no_room_takes_the_place_of_a_public_function() -> None:
    for package, modules in ((codegen, set()), (qat, MODULES)):
        for name in set(vars(package)["__all__"]) - modules:
            assert not isinstance(getattr(package, name), ModuleType), name
