"""No module names a record of a layer but those that define it, train it or compute it.

A new synapse or neuron is then a record, a twin and a row with its folder; nothing else learns of
it.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import codegen
from codegen import kernels
from qat.model.edges import SYNAPSES
from qat.model.neurons import NEURONS

ROOT = Path(codegen.__file__).parents[1]

RECORDS = {kind.__name__ for kind in (*SYNAPSES, *NEURONS)}

MAY = (
    "qat/model/synapses.py", "qat/model/conv.py", "qat/model/neurons.py",  # the records
    "qat/model/lif.py", "qat/model/burst.py", "qat/model/cuba.py", "qat/model/integrator.py",
    "qat/model/edges.py", "qat/model/readouts.py",
    "qat/model/__init__.py",  # what others import them from
    "qat/train/synapses.py", "qat/train/leaky.py", "qat/train/neurons.py", "qat/train/twins.py",
    "qat/train/fold.py",
    "qat/nir/plan.py", "qat/nir/whole.py",  # graphs of others become records
    "qat/train/seed.py",  # one layer of the first two records
    "codegen/kernels/",
    "qat/nir/",  # networks from elsewhere
    "qat/torch/parts.py", "qat/torch/__init__.py",  # parts of the same names, which become twins
    "codegen/measure/shapes.py",
)  # fmt: skip
"""Where they are defined, trained, computed; and made up to be measured."""

KERNELS = {"BitslicedLayer", "PlainLayer"}
"""Stages of one kernel, which only `codegen.kernels` knows."""


@cache
def names(path: Path) -> set[str]:
    """Return what a file names in its code, annotations included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.ImportFrom | ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def outside(places: tuple[str, ...], known: set[str]) -> dict[str, set[str]]:
    paths = [path for top in ("qat", "codegen") for path in sorted((ROOT / top).rglob("*.py"))]
    named = {path.relative_to(ROOT).as_posix(): names(path) & known for path in paths}
    return {name: found for name, found in named.items() if found and not name.startswith(places)}


def test_no_other_module_names_a_synapse_or_a_neuron() -> None:
    assert not outside(MAY, RECORDS)
    assert outside((), RECORDS)  # the scan finds what there is


def test_no_other_module_names_the_stage_of_a_kernel() -> None:
    assert not outside(("codegen/kernels/",), KERNELS)
    assert set().union(*outside((), KERNELS).values()) == KERNELS


def test_no_other_module_or_template_names_a_kernel() -> None:
    """Strings that are a kernel's name, but for layouts of weights and readouts called alike."""
    known = {row.name for row in kernels.KERNELS} - {
        "count", "plain", "fields", "sparse", "bytes", "windows", "integrator"}  # fmt: skip
    may = ("codegen/kernels/", "codegen/package/weights", "codegen/cli/verbs/code.py")
    wrong = []
    for path in sorted((ROOT / "codegen").rglob("*")):
        place = path.relative_to(ROOT).as_posix()
        if path.suffix not in (".py", ".j2") or place.startswith(may):
            continue
        text = path.read_text()
        wrong += [f"{place}: {name}" for name in known if f'"{name}' in text]
    assert not wrong
