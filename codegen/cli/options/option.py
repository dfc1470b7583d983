"""What an option of a verb is, and a group of them."""

from __future__ import annotations

from argparse import ArgumentParser, _ArgumentGroup
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from typing import Any


@dataclass(frozen=True)
class Option:
    """One argument of a verb; all but `words` is as argparse has it, None or False for nothing.

    words: "-o --output", what an option is called; or "model", the name of what stands by its place
    type:  makes the value of the word, or raises ArgumentTypeError
    """

    words: str
    help: str | None = None
    type: Callable[[str], Any] | None = None
    metavar: str | None = None
    default: Any = None
    required: bool = False
    choices: Iterable[Any] | None = None
    nargs: str | None = None
    const: Any = None
    action: str | None = None
    dest: str | None = None

    def but(self, **changed: Any) -> Option:
        """Return the same option with other settings, as another verb has it."""
        return replace(self, **changed)

    def add_to(self, parser: ArgumentParser | _ArgumentGroup) -> None:
        """Give the option to a parser, or to a group of one."""
        settings = {name: getattr(self, name) for name in _SETTINGS}
        given = {k: v for k, v in settings.items() if v is not None and v is not False}
        parser.add_argument(*self.words.split(), **given)


_SETTINGS = [field.name for field in fields(Option) if field.name != "words"]


@dataclass(frozen=True)
class Group:
    """Options that `--help` shows below a title of their own."""

    title: str
    options: tuple[Option, ...]
    description: str | None = None

    def add_to(self, parser: ArgumentParser) -> None:
        """Give the group to a parser."""
        group = parser.add_argument_group(self.title, self.description)
        for option in self.options:
            option.add_to(group)
