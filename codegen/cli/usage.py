"""Errors of a command line that cannot be read: one line, and where to read more."""

from __future__ import annotations

import re
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

_Words = Callable[[re.Match[str]], str]

_PLAINER: tuple[tuple[re.Pattern[str], _Words], ...] = (
    (re.compile(r"the following arguments are required: (.*)"), lambda m: f"missing: {m[1]}"),
    (re.compile(r"argument (\S+): expected one argument"), lambda m: f"{m[1]}: needs a value"),
    (
        re.compile(r"argument (\S+): ignored explicit argument (.*)"),
        lambda m: f"{m[1]}: found {m[2]}; takes no value",
    ),
    (
        re.compile(r"ambiguous option: (\S+) could match (.*)"),
        lambda m: f"{m[1]}: could be {m[2].replace(', ', ' or ')}",
    ),
    (re.compile(r"argument (.*)", re.DOTALL), lambda m: m[1]),
)
"""What argparse says, and how it reads here. Anything else stands as argparse has it."""


def plainer(message: str) -> str:
    """Return a message of argparse in our words, as one line."""
    for pattern, words in _PLAINER:
        match = pattern.fullmatch(message)
        if match is not None:
            return " ".join(words(match).split())
    return " ".join(message.split())


class OneLineParser(ArgumentParser):
    """Ends in one line and exit status 2 where argparse prints its usage as well."""

    _given: Sequence[str] = ()

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Remember what was given, so that an error can name an option that there is not."""
        self._given = sys.argv[1:] if args is None else args
        return super().parse_known_args(args, namespace)

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Return what was given; the verb itself says what it does not take."""
        found, rest = self.parse_known_args(args, namespace)
        if rest:
            getattr(found, "of_verb", self).refuse_rest(rest)
        return found

    def refuse_rest(self, rest: Sequence[str]) -> NoReturn:
        """End in a line about the first word that is not taken."""
        options = [word for word in rest if word.startswith("-")]
        if options:
            self.refuse(self._about_unknown(options[0]))
        self.refuse(f"{rest[0]!r}: is one word too many")

    def error(self, message: str) -> NoReturn:
        """End in one line; an option that there is not is said before what it leaves missing."""
        unknown = next(filter(self._is_unknown, _options(self._given)), None)
        self.refuse(plainer(message) if unknown is None else self._about_unknown(unknown))

    def refuse(self, line: str) -> NoReturn:
        """End in this line."""
        self.exit(2, f"{self.prog}: {line} (`{self.prog} --help` says more)\n")

    def _about_unknown(self, word: str) -> str:
        name = word.partition("=")[0]
        hint = _hint(name, [o for o in self._option_string_actions if o.startswith("--")])
        return f"{name}: is no option here{hint}"

    def _is_unknown(self, word: str) -> bool:
        name = word.partition("=")[0]
        return not any(option.startswith(name) for option in self._option_string_actions)


def _options(words: Sequence[str]) -> list[str]:
    """Return the words that can only be long options."""
    end = words.index("--") if "--" in words else len(words)
    return [word for word in words[:end] if word.startswith("--")]


def _hint(word: str, known: Any) -> str:
    from qat.model import did_you_mean  # noqa: PLC0415  # numpy is not for --help

    return did_you_mean(word, known)


def unknown_verb(word: str, verbs: Sequence[str]) -> str:
    """Return a line about a verb that there is not."""
    return f"{word!r} is no verb" + (_hint(word, verbs) or f"; there are {', '.join(verbs)}")
