"""Bytes of generated code and stack per model and core: growth fails, a shrink asks to lower.

`pytest tests/target/test_budgets.py --update-budgets` rewrites tests/budgets.json.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import cache
from pathlib import Path

import pytest
from support.compiler import allowed, same_compiler
from support.zoo.golden import GOLDEN

from codegen.plan.choose import plan
from codegen.render import render
from codegen.target.boards import further_boards, load_boards
from codegen.target.compiler import size_of
from codegen.target.stack import stack_of
from qat.model import Model

pytestmark = pytest.mark.target

BUDGETS = Path(__file__).parents[1] / "budgets.json"


@cache
def measured(model: Model) -> dict[str, dict[str, int]]:
    """Return text, rodata, data, bss, the state's RAM and the deepest stack for every core."""
    files, state = render(model), plan(model).ram_bytes
    return {
        name: asdict(size_of(files, board))
        | {"state": state, "stack": max(stack_of(files, board).values())}
        for name, board in (load_boards() | further_boards()).items()
    }


@pytest.mark.parametrize("model", GOLDEN, ids=lambda model: model.name)
def test_sizes_are_within_their_budgets(model: Model, request: pytest.FixtureRequest) -> None:
    found = measured(model)
    budgets = json.loads(BUDGETS.read_text()) if BUDGETS.exists() else {}
    if request.config.getoption("--update-budgets"):
        budgets[model.name] = found
        BUDGETS.write_text(json.dumps(budgets, indent=1) + "\n")
    budget = budgets[model.name]
    grown = [
        f"{board}.{section}: {size}, budget {budget[board][section]}"
        for board, sections in found.items()
        for section, size in sections.items()
        if size > allowed(budget[board][section])
    ]
    assert not grown
    if same_compiler():
        assert found == budget, "smaller than the budget: lower it with --update-budgets"


@pytest.mark.parametrize("model", GOLDEN, ids=lambda model: model.name)
def test_nothing_is_initialised_or_zeroed_at_startup(model: Model) -> None:
    assert all(sizes["data"] == sizes["bss"] == 0 for sizes in measured(model).values())
