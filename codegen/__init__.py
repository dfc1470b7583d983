"""Write and run the C of a model: host, emulated Cortex-M and RISC-V, real boards.

    files = codegen.generate(model, "out/")         # out/<name>.h, out/<name>.c, manifest
    host = codegen.HostModel(model)                 # the same C, compiled for this machine
    assert codegen.check(model, x) is None          # equal to Model.run in every bit

The names below are imported when they are first used, so that the command line starts fast.
"""

from __future__ import annotations

from importlib import import_module

from codegen.base.version import __version__ as __version__

TYPE_CHECKING = False  # typing's own would be loaded: Ctrl-C has a traceback until `command` runs

if TYPE_CHECKING:
    from typing import Any

    from codegen.checks.comparison import Comparison as Comparison
    from codegen.checks.comparison import Difference as Difference
    from codegen.checks.comparison import compare as compare
    from codegen.checks.equivalence import check as check
    from codegen.checks.host import CompilerError as CompilerError
    from codegen.checks.host import HostModel as HostModel
    from codegen.measure.spend import spike_costs as spike_costs
    from codegen.package.weights import weights_header as weights_header
    from codegen.package.write import generate as generate
    from codegen.target.hardware import BoardModel as BoardModel
    from codegen.target.hardware import flash as flash

_PUBLIC = {
    "BoardModel": "target.hardware",
    "Comparison": "checks.comparison",
    "CompilerError": "checks.host",
    "Difference": "checks.comparison",
    "HostModel": "checks.host",
    "check": "checks.equivalence",
    "compare": "checks.comparison",
    "flash": "target.hardware",
    "generate": "package.write",
    "spike_costs": "measure.spend",
    "weights_header": "package.weights",
}

__all__ = sorted([*_PUBLIC, "__version__"])  # noqa: PLE0605  # computed from the table


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)
