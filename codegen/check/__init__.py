"""The C on this machine equals the model.

A user calls `codegen.check(model, x)`, and this package has the same name; so the package can be
called, and does what codegen.check.equivalence.check does.
"""

from __future__ import annotations

import sys
from os import PathLike
from types import ModuleType

from numpy.typing import ArrayLike

from codegen.check import equivalence
from codegen.check.comparison import Difference
from codegen.render.generated import Generated
from qat.model import Model


class _Callable(ModuleType):
    def __call__(
        self,
        model: Model | Generated,
        x: ArrayLike | None = None,
        code: str | PathLike[str] | None = None,
        compiler: str | None = None,
    ) -> Difference | None:
        """Return None if the C equals the model in every bit, else the first Difference."""
        return equivalence.check(model, x, code, compiler)


sys.modules[__name__].__class__ = _Callable
