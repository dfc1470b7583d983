"""The C on this machine equals the model.

`codegen.check(model, x)` is what a user calls, so the package is a function as well: Python puts a
package in the place of any function of its name as soon as a module of it is imported.
"""

from __future__ import annotations

import sys
from os import PathLike
from types import ModuleType

from numpy.typing import ArrayLike

from codegen.check.comparison import Difference
from codegen.check.equivalence import check
from qat.model import Model


class _Callable(ModuleType):
    """This package, which is called as codegen.check.equivalence.check is."""

    def __call__(
        self,
        model: Model,
        x: ArrayLike | None = None,
        code: str | PathLike[str] | None = None,
        compiler: str | None = None,
    ) -> Difference | None:
        """Return None if the C equals the model in every bit, else the first Difference."""
        return check(model, x, code, compiler)


sys.modules[__name__].__class__ = _Callable
