"""The one way to make an environment of templates: strict, and compiled once for all processes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jinja2 import BaseLoader, Environment, PackageLoader, StrictUndefined

from codegen.render.bytecode import TemplateCache


def make_environment(
    folder: str = "",
    *,
    loader: BaseLoader | None = None,
    escaped: bool = False,
    finalize: Callable[[Any], Any] | None = None,
) -> Environment:
    """Return a Jinja environment of the templates below a folder of codegen.

    loader:   what finds the templates, in place of that folder
    escaped:  what is printed is escaped, as HTML wants it
    finalize: called with every value before it is printed
    """
    return Environment(
        loader=loader or PackageLoader("codegen", folder),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=escaped,
        finalize=finalize,
        bytecode_cache=TemplateCache(),
    )
