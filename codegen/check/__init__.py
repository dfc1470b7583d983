"""The C on this machine equals the model."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _Package(ModuleType):
    """This package under the name of its public function: `codegen.check(model, x)` stays.

    Python binds `codegen.check` to the package as soon as any of its modules is imported.
    """

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Do what codegen.check.equivalence.check does."""
        from codegen.check.equivalence import check  # noqa: PLC0415  # numpy is not for --help

        return check(*arguments, **named)


sys.modules[__name__].__class__ = _Package
