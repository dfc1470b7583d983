"""What a row of the table of verbs says, and what a verb may use the network for."""

from __future__ import annotations

from dataclasses import dataclass

from codegen.cli.options.option import Group, Option

DATA_SETS = "pip or apt-get downloads a named data set when it is asked for the first time"
COMPILER = "PlatformIO gets an ARM compiler from its registry if there is none on PATH"
REGISTRY = "PlatformIO gets what a board of hardware needs from its registry, if it is not here"
STORAGE = "the database of --storage, if one is given"
ANSWERS = (
    "PlatformIO's registry is asked whether it answers, if packages for boards of hardware are "
    "not here"
)


@dataclass(frozen=True)
class Verb:
    """One row.

    options:  in the order of `--help`; each verb has --json besides
    function: "module:function" below codegen.cli
    network:  what it uses the network for, nothing else
    """

    name: str
    help: str
    description: str
    options: tuple[Option | Group, ...]
    function: str
    network: tuple[str, ...] = ()
