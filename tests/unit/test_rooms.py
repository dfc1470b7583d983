"""The order of the rooms: a package imports only what stands to its left, never in a circle.

What a user imports by another name (`qat.datasets`, `codegen.generate`, ...) stands at the right
of its half, above all rooms: nothing in a room imports it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

import codegen

ROOT = Path(codegen.__file__).parents[1]

QAT: tuple[tuple[str, ...], ...] = (
    ("qat.machine",),
    ("qat.model",),
    ("qat.data",),
    ("qat.train",),
    ("qat.study", "qat.nir"),
    ("qat.torch",),
    ("qat",),
)
CODEGEN: tuple[tuple[str, ...], ...] = (
    ("qat.machine",),
    ("qat.model",),
    ("codegen.base",),
    ("codegen.isa",),
    ("codegen.kernels",),
    ("codegen.plan",),
    ("codegen.render",),
    ("codegen.checks",),
    ("codegen.target",),
    ("codegen.measure",),
    ("codegen.report", "codegen.verify"),
    ("codegen.package",),
    ("codegen", *(room for rooms in QAT[2:] for room in rooms)),
    ("codegen.cli",),
    ("codegen.__main__",),
)
"""Rooms from left to right; those of one tuple do not know each other."""

EXTRAS = {"matplotlib", "torch", "snntorch", "duckdb", "pyarrow", "h5py", "scipy"}
EXTRAS |= {"optuna", "sqlalchemy"}
"""Libraries that may be imported where they are used: heavy, or not installed with the package."""
LATE = EXTRAS | {"numpy", "cffi", "serial", "elftools"}
"""The same, for the speed of `spikemcu --help` and of what needs no C and no board."""


class Import(NamedTuple):
    """An import of a module: where it stands, what it takes, whether in a function."""

    module: str
    line: int
    taken: str
    inside: bool


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or path.is_dir()


def imports(path: Path) -> Iterator[Import]:
    """Yield every import of a file, wherever it stands: no exception for typing."""

    def visit(node: ast.AST, inside: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                for alias in child.names:
                    yield Import(name_of(path), child.lineno, alias.name, inside)
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, f"{path}:{child.lineno}: relative import"
                for alias in child.names:
                    whole = f"{child.module}.{alias.name}"
                    taken = whole if is_module(whole) else str(child.module)
                    yield Import(name_of(path), child.lineno, taken, inside)
            else:
                function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
                yield from visit(child, inside or function)

    yield from visit(ast.parse(path.read_text()), inside=False)


@cache
def all_imports() -> list[Import]:
    """Return every import of the product, found when the first test asks for them."""
    paths = [path for top in ("qat", "codegen") for path in sorted((ROOT / top).rglob("*.py"))]
    return [found for path in paths for found in imports(path) if "_assets" not in path.parts]


def room_of(module: str, order: tuple[tuple[str, ...], ...]) -> tuple[int, str] | None:
    """Return (place, room) of a module; None for one that is in no room of this half."""
    names = {room: place for place, rooms in enumerate(order) for room in rooms}
    parts = module.split(".")
    for length in (2, 1):
        name = ".".join(parts[:length])
        if name in names:
            return names[name], name
    return None


@pytest.mark.parametrize(("half", "order"), [("qat", QAT), ("codegen", CODEGEN)])
def test_a_room_imports_only_what_stands_to_its_left(
    half: str, order: tuple[tuple[str, ...], ...]
) -> None:
    wrong = []
    for found in all_imports():
        if found.module.split(".")[0] != half or found.taken.split(".")[0] not in (
            "qat",
            "codegen",
        ):
            continue
        here, there = room_of(found.module, order), room_of(found.taken, order)
        assert here is not None, f"{found.module} is in no room"
        if there is None or (there[1] != here[1] and there[0] >= here[0]):
            wrong.append(f"{found.module}:{found.line} imports {found.taken}")
    assert not wrong


def test_every_room_is_there_and_has_a_caption() -> None:
    for order in (QAT, CODEGEN):
        for room in (room for rooms in order for room in rooms):
            path = ROOT.joinpath(*room.split("."))
            text = (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text()
            caption = ast.get_docstring(ast.parse(text))
            assert caption, room
            assert "TODO" not in caption, room


def test_nothing_is_imported_in_a_function_but_for_help_and_extras() -> None:
    late = {
        "codegen.cli",  # its table of verbs is all that --help needs
        "codegen.checks",  # the function of its name, without NumPy for --help
        "codegen.cli.usage",
        "codegen",
        "qat",  # names are imported when they are first used
    }
    wrong = [
        f"{found.module}:{found.line} imports {found.taken}"
        for found in all_imports()
        if found.inside and found.module not in late and found.taken.split(".")[0] not in LATE
    ]
    assert not wrong
