"""The report as one page: a single HTML file with its pictures inline, which needs nothing else.

Numbers arrive computed (figures.py, raster.py, content.py; text.py writes them); the templates
hold the text. The page has no script, names nothing outside of itself, and is well-formed XML as
well. The same model, boards and sample give the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from jinja2 import Environment

from codegen.render.generated import Generated
from codegen.render.templates import make_environment
from codegen.report.page.content import OnBoard, content
from codegen.report.page.figures import coordinate
from codegen.report.page.raster import Sample
from codegen.report.page.text import bytes_text, grouped, quantity_text, shown
from qat.model import Model

__all__ = ["OnBoard", "Sample", "page"]


@cache
def environment() -> Environment:
    """Return the Jinja environment of the page; unlike that of the C it escapes what it prints."""
    env = make_environment("report/page", escaped=True, finalize=shown)
    env.filters |= {
        "at": coordinate,
        "bytes": bytes_text,
        "grouped": grouped,
        "quantity": quantity_text,
    }
    return env


def page(
    model: Model | Generated,
    boards: Sequence[OnBoard],
    sample: Sample,
    density: float | None = None,
) -> str:
    """Return the page of a model on boards, with the spikes of one sample.

    boards:  reports of this model, made with the same density
    density: as codegen.report.report.report takes it
    """
    return (
        environment().get_template("page.html.j2").render(content(model, boards, sample, density))
    )
