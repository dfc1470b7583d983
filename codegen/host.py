"""The C of a model on this machine: the public name of codegen.checks.host."""

from __future__ import annotations

from codegen.checks.host import SANITIZE, WARNINGS, CompilerError, HostModel, find_compiler

__all__ = ["SANITIZE", "WARNINGS", "CompilerError", "HostModel", "find_compiler"]
