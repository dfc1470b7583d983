"""Render the C of a model: text out of templates, numbers out of the stages."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Any

import numpy as np
from jinja2 import BaseLoader, ChoiceLoader, Environment, FunctionLoader, PackageLoader
from numpy.typing import NDArray

from codegen import isa, kernels
from codegen.base.words import c_comment, c_string
from codegen.kernels.common import last_mask, leak_text
from codegen.kernels.memory import Table
from codegen.kernels.pack import c_numbers
from codegen.plan.choose import plan
from codegen.plan.program import LOOPS, VECTOR_LOOPS, Program
from codegen.render.templates import make_environment
from qat.model import INPUTS, Activity, Model

INPUT_KINDS = tuple(kind.__name__.lower() for kind in INPUTS)
"""Kinds of input, in the order of their numbers in the protocol."""


COLUMNS = 118
"""Columns of a line of a comment."""

LONG_COMMENT = re.compile(r"^/\*\n(?: \*[^/].*\n| \*\n)+ \*/\n", re.MULTILINE)
"""One whose marks have lines of their own."""


@dataclass(frozen=True)
class Constant:
    """A constant array of the C.

    placed: it lies where the section and alignment of the model say
    only, unless: the macro of an instruction set that alone has it, or has another in its place
    """

    table: Table
    placed: bool = True
    only: str = ""
    unless: str = ""

    @property
    def dims(self) -> tuple[int, ...]:
        """C dimensions: rows, one for each element of the first axis."""
        shape = self.table.shape
        return shape if len(shape) == 1 else (shape[0], self.table.values[0].size)


def constants(program: Program) -> Iterator[Constant]:
    """Yield every constant array of a program, in the order of its stages."""
    vector = program.vector.macro if program.vector else ""
    if program.encoder is not None:
        yield from (Constant(table, placed=False) for table in program.encoder.tables)
    brought = {table.name for one in program.gathers if one for table in one.tables}
    for stage in program.stages:
        dense: tuple[Table, ...] = getattr(stage, "dense", ()) if vector else ()
        for table in stage.tables:  # what is brought together is read before any vector is
            replaced = bool(dense) and table.name in stage.replaced and table.name not in brought
            yield Constant(table, unless=vector if replaced else "")
        yield from (Constant(table, only=vector) for table in dense)
    if program.sensor is not None:
        yield from (Constant(table, placed=False) for table in program.sensor.tables)


def neighbours(
    constants: Iterable[Constant],
) -> list[tuple[tuple[str, str], list[Constant]]]:
    """Return constants by their conditions, `only` and `unless`, in their order."""
    groups = groupby(constants, key=lambda one: (one.only, one.unless))
    return [(condition, list(some)) for condition, some in groups]


def dims(shape: tuple[int, ...]) -> str:
    """Return C array dimensions: (4, 11) -> [4][11]."""
    return "".join(f"[{extent}]" for extent in shape)


def blocks(values: NDArray[Any]) -> str:
    """Return a two-dimensional initialiser, one brace for each element of the first axis."""
    rows = [np.ascontiguousarray(row).ravel() for row in values]
    return ",\n".join("{\n" + c_numbers(row) + "\n}" for row in rows)


def u32(value: int) -> str:
    """Return a uint32 literal, modulo 2**32."""
    return f"{value % 2**32}u" if 0 <= value < 2**16 else f"0x{value % 2**32:08x}u"


def plus(term: str) -> str:
    """Return ' + term' for a C sum, nothing for 0."""
    if term == "0":
        return ""
    return f" - {term[1:]}" if term.startswith("-") else f" + {term}"


def wrapped(text: str, lead: str) -> str:
    """Return a line of a comment, broken where it is too long; lead: of every later line."""
    broken = textwrap.wrap(
        text, COLUMNS - len(lead), break_on_hyphens=False, break_long_words=False
    )
    return f"\n{lead}".join(broken)


def parted(contract: str, comments: bool) -> str:
    """Return the long comments of a contract alone, or what else it declares."""
    if comments:
        return "".join(found[0] for found in LONG_COMMENT.finditer(contract))
    return LONG_COMMENT.sub("", contract)


def set_bits() -> NDArray[np.uint8]:
    """Return (2304,): 8 times the positions of the set bits of each byte; then their numbers."""
    rows = [[8 * bit for bit in range(8) if byte >> bit & 1] for byte in range(256)]
    positions = np.array([row + [0] * (8 - len(row)) for row in rows], np.uint8)
    return np.concatenate([positions.ravel(), np.array([len(row) for row in rows], np.uint8)])


def loop_template(name: str) -> str:
    """Return the template that declares a function that stages share."""
    return f"kernels/loops/{name}/contract.c.j2" if name in LOOPS else f"kernels/loops/{name}.c.j2"


def loader() -> BaseLoader:
    """Return what finds templates: in the package, and in the folders that the kernels name."""
    return ChoiceLoader([PackageLoader("codegen", ""), FunctionLoader(_from_a_row)])


def _from_a_row(template: str) -> str | None:
    """Return the text of "kernels/NAME/FILE" of the kernel NAME; None if no row has it."""
    room, _, rest = template.partition("/")
    name, _, file = rest.partition("/")
    folders = {row.name: row.folder for row in kernels.KERNELS}
    path = None if room != "kernels" else folders.get(name)
    return None if path is None else (path / file).read_text("utf-8")


@cache
def environment() -> Environment:
    """Return the Jinja environment of the C templates."""
    env = make_environment(loader=loader())
    functions = (
        dims, blocks, u32, plus, leak_text, c_numbers, set_bits, last_mask, c_string,
        c_comment, constants, neighbours, wrapped, parted,
    )  # fmt: skip
    env.globals.update({function.__name__: function for function in functions})
    return env


def template_context(program: Program, directives: bool = False) -> dict[str, Any]:
    """Return what every template of a model may name.

    directives: with comments that tell an analysis by intervals what to keep apart
    """
    extent = f"{program.upper}_INPUTS"
    if program.input_kind == "spikes":
        extent = f"{program.upper}_INPUT_WORDS"
    if not program.held:
        extent = f"{program.upper}_STEPS * {extent}"
    return {
        "p": program,
        "m": program.name,
        "kernels": _kernels(program),
        "classify_extent": extent,
        "input_kinds": INPUT_KINDS,
        "vector_loops": VECTOR_LOOPS,
        "counts_zeros": [row.counts_zeros for row in isa.architectures() if row.counts_zeros],
        "directives": directives,
    }


def _kernels(program: Program) -> str:
    """Return the kernels of all stages; each once where layers have maps, which are many."""
    names = [stage.kernel for stage in program.stages]
    return ", ".join(dict.fromkeys(names) if program.mapped else names)


def render(
    model: Model,
    core: str | None = None,
    activity: Activity | None = None,
    kernels: Mapping[int, str] | None = None,
    only: str | None = None,
) -> dict[str, str]:
    """Return {file name: text} of `<name>.h`, `<name>.c` and `binding.h`.

    The pair is all that a firmware needs. `binding.h` gives the model the fixed names that
    our firmware and the host check use. Rendering is deterministic.

    core, activity: what the kernels are chosen for; see codegen.plan.choose.plan
    kernels: {stage: kernel} that are not to be chosen
    only:    the core that the C is for alone, which is then the one that kernels are chosen for
    """
    return render_program(plan(model, core, activity, kernels, only))


def render_program(program: Program, directives: bool = False) -> dict[str, str]:
    """Return what `render` returns, of a program that is planned already.

    directives: as for template_context
    """
    context = template_context(program, directives)
    templates = {
        f"{program.name}.h": "render/model.h.j2",
        f"{program.name}.c": "render/model.c.j2",
        "binding.h": "render/binding.h.j2",
    }
    return {
        file: environment().get_template(template).render(context)
        for file, template in templates.items()
    }
