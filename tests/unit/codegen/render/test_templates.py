"""Every template that another one names is there."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import Environment, meta

import codegen
from codegen.render import environment
from codegen.report.page import environment as page_environment

ROOT = Path(codegen.__file__).parent
PAGE = ROOT / "report" / "page"


def environment_of(path: Path) -> Environment:
    return page_environment() if path.is_relative_to(PAGE) else environment()


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.j2")), ids=lambda p: str(p.relative_to(ROOT)))
def test_what_a_template_includes_is_there(path: Path) -> None:
    """Names that are computed are None here; rendering finds those."""
    env = environment_of(path)
    assert env.loader is not None
    for name in meta.find_referenced_templates(env.parse(path.read_text("utf-8"))):
        if name is not None:
            env.loader.get_source(env, name)
