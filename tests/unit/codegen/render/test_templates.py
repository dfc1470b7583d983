"""Every template that another one names is there."""

from __future__ import annotations

import re
from collections import defaultdict
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


DEFINED = re.compile(r"(?:static|void|u?int)[\w\s{}*.]*?\{\{ m \}\}_([a-z]\w*)\s*[\[(=]")
"""A function, or a table that a template holds, at the start of a line."""

TABLE = re.compile(r"\bTable\(\s*\"(\w+)\"")

INSTEAD = {"encode", "hold", "integrate", "readout", "offsets", "set_bits"}
"""Names of which a model has one at most: templates that stand for each other define them."""


def test_no_two_parts_of_the_c_define_the_same_name() -> None:
    """Parts that never met in a test may meet in a model: its C would not compile."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in ROOT.rglob("*.j2"):
        part = str(path.parent if path.parents[1].name == "loops" else path)
        for line in path.read_text("utf-8").splitlines():
            name = DEFINED.match(line)
            if name is not None:
                found[name[1]].add(part)
    for path in ROOT.rglob("*.py"):
        for name in TABLE.findall(path.read_text("utf-8")):
            found[name].add("tables")
    assert len(found) > 80
    twice = {name for name, parts in found.items() if len(parts) > 1}
    assert twice == INSTEAD
