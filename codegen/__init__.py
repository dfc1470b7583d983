"""Write and run the C of a model: host, emulated Cortex-M, real boards.

    files = codegen.generate(model, "out/")         # out/<name>.h, out/<name>.c, manifest
    host = codegen.HostModel(model)                 # the same C, compiled for this machine
    assert codegen.check(model, x) is None          # equal to Model.run in every bit

The names below are imported when they are first used, so that the command line starts fast.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # typing's own would be loaded: Ctrl-C has a traceback until `command` runs

__version__ = "0.1.0"

if TYPE_CHECKING:
    from typing import Any

    from codegen.comparison import Comparison as Comparison
    from codegen.comparison import Difference as Difference
    from codegen.comparison import compare as compare
    from codegen.costs import spike_costs as spike_costs
    from codegen.equivalence import check as check
    from codegen.hardware import BoardModel as BoardModel
    from codegen.hardware import flash as flash
    from codegen.host import CompilerError as CompilerError
    from codegen.host import HostModel as HostModel
    from codegen.weights import weights_header as weights_header
    from codegen.write import generate as generate

_PUBLIC = {
    "BoardModel": "hardware",
    "Comparison": "comparison",
    "CompilerError": "host",
    "Difference": "comparison",
    "HostModel": "host",
    "check": "equivalence",
    "compare": "comparison",
    "flash": "hardware",
    "generate": "write",
    "spike_costs": "costs",
    "weights_header": "weights",
}

__all__ = sorted([*_PUBLIC, "__version__"])  # noqa: PLE0605  # computed from the table


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)
