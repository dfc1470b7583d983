"""Every verb of the table runs a function that exists."""

from __future__ import annotations

from importlib import import_module

import pytest

from codegen.cli.verbs import VERBS
from codegen.cli.verbs.verb import Verb


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_the_function_of_a_verb_is_there(verb: Verb) -> None:
    module, function = verb.function.split(":")
    assert callable(getattr(import_module(f"codegen.cli.{module}"), function))
