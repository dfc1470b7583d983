"""How C is compiled here where no test asks for more, and which ARM compiler runs.

Sizes and instruction counts are exact for one version of that only.
"""

from __future__ import annotations

import subprocess
from functools import cache

from codegen.checks.host import SANITIZE
from codegen.target.compiler import find_cross_compiler

QUICK = ("-O0", *SANITIZE, "-fno-sanitize=pointer-overflow")
"""In a third of the time of a user's -O2. A sixth of it would go into checks of pointers that leave
their arrays, which the address sanitizer hunts in tests/analysis, and tests/compilers."""

MEASURED_WITH = "12.2.1"
"""The version whose figures the tests and FIGURES.md hold."""

SLACK = 1.2
"""Factor that another version is allowed."""


@cache
def same_compiler() -> bool:
    """Return True if this is the compiler that the figures were measured with."""
    command = [find_cross_compiler(), "-dumpfullversion"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip() == MEASURED_WITH


def allowed(figure: int) -> float:
    """Return what this compiler may reach where the measured one reaches `figure`."""
    return figure if same_compiler() else SLACK * figure
