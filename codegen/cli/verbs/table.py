"""What a row of the table of verbs is."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Verb:
    """One row: `function` is "module:function" below codegen.cli."""

    name: str
    help: str
    description: str
    arguments: Callable[[ArgumentParser], object]
    function: str
