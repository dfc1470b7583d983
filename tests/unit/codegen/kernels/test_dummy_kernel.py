"""A new kernel is a folder and a row: nothing else learns of it, and everything works with it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from codegen import kernels
from codegen.checks.equivalence import compare_host
from codegen.kernels import SPIKES, Kernel
from codegen.plan import cost
from codegen.plan.choose import choices, plan
from codegen.plan.program import Program
from codegen.render import render_program
from codegen.report.owners import function_of, tables_of
from qat.model import LIF, Activity, Count, Dense, Layer, Model, Spikes

FOLDER = {
    "plan.py": '''
"""A dummy: every weight times its input, active or not."""

from dataclasses import replace

import numpy as np

from codegen.kernels.dense import dense_lif
from codegen.kernels.plain import plan as plain
from codegen.kernels.memory import Table


def layer_stage(index, model):
    stage = plain.layer_stage(index, model)
    codes = dense_lif(model.layers[index]).synapse.codes.astype(np.int16)
    table = Table(f"products{index}", "a row per neuron", codes)
    helpers = {"asr", "count_spikes"} & stage.helpers
    return replace(stage, kernel="dummy", tables=(table, *stage.tables[1:]), helpers=helpers)
''',
    "cost.py": '''
"""What it costs: a product of every input and neuron."""

from dataclasses import dataclass

from codegen.kernels.features import Features


@dataclass(frozen=True, kw_only=True)
class Products(Features):
    products: float = 0.0


def spikes(stage, load) -> Products:
    return Products(products=load.steps * stage.source.size * stage.neurons)
''',
    "layer.c.j2": """\
{% from "kernels/neurons/integer.c.j2" import neurons with context %}
/* Layer {{ s.index }}: a dummy. */
static void {{ m }}_layer{{ s.index }}({{ m }}_state *state, const uint32_t *in)
{
    for (uint32_t j = 0u; j < {{ s.neurons }}u; j++) {
        state->totals[j] = 0;
        for (uint32_t k = 0u; k < {{ s.source.size }}u; k++) {
            if (((in[k / 32u] >> (k % 32u)) & 1u) != 0u) {
                state->totals[j] += {{ m }}_{{ s.tables[0].name }}[j][k];
            }
        }
    }
{{ neurons("state->totals[j]" ~ plus(s.bias)) -}}
}
""",
}
PER_PRODUCT = 3.0


def module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"dummy_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.fixture
def row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kernel:
    """The folder, and its row behind all others."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    for name, text in FOLDER.items():
        (tmp_path / name).write_text(text)
    dummy = Kernel(
        name="dummy",
        bits=(4, 16),
        reads=(SPIKES,),
        layer=module(tmp_path / "plan.py").layer_stage,
        costs={"spikes": module(tmp_path / "cost.py").spikes},
        folder=tmp_path,
    )
    monkeypatch.setattr(kernels, "KERNELS", (*kernels.KERNELS, dummy))
    return dummy


@pytest.fixture
def model() -> Model:
    rng = np.random.default_rng(0)
    sizes = ((40, 33), (33, 6))
    layers = [
        Layer(Dense(rng.integers(-7, 8, (m, n)), bits=4, bias=2), LIF(30, (3,))) for n, m in sizes
    ]
    return Model(Spikes(40), tuple(layers), Count(), 5, "net")


def planned(model: Model) -> Program:
    return plan(model, kernels={0: "dummy", 1: "dummy"})


@pytest.mark.usefixtures("row")
def test_it_is_planned_and_rendered(model: Model) -> None:
    program = planned(model)
    files = render_program(program)
    assert [stage.kernel for stage in program.stages] == ["dummy", "dummy", "count"]
    assert "/* Layer 1: a dummy. */" in files["net.c"]
    assert "kernel dummy" in files["net.h"]
    assert "add_column4" not in files["net.c"]


@pytest.mark.usefixtures("row")
def test_it_is_checked_on_this_machine(model: Model) -> None:
    files = render_program(planned(model))
    assert compare_host(model, code=files).differing == 0
    wrong = files["net.c"].replace(
        "state->totals[j] += net_products1", "state->totals[j] -= net_products1"
    )
    assert wrong != files["net.c"]
    assert compare_host(model, code=files | {"net.c": wrong}).differing > 0


@pytest.mark.usefixtures("row")
def test_its_memory_has_owners(model: Model) -> None:
    program = planned(model)
    assert function_of("net_layer1", program).part == "layer 1"
    assert tables_of(program)["products0"].part == "layer 0"


def test_it_costs_what_its_folder_says(
    row: Kernel, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    activity = Activity.of(model)
    works = cost.works(planned(model), model.input, activity, "cortex-m4")
    mine = [work for work in works if work.kind == row.kind("spikes")]
    assert [work.features.numbers() for work in mine] == [
        {"products": 5 * 40 * 33},
        {"products": 5 * 33 * 6},
    ]
    with pytest.raises(ValueError, match="no coefficients for 'dummy spikes'"):
        cost.evaluate(mine[0], "cortex-m4")
    known = cost.coefficients()
    fitted = {"typical": {"products": PER_PRODUCT}, "worst": {}, "seen": ["products"]}
    with_it = {name: rows | {"dummy spikes": fitted} for name, rows in known["costs"].items()}
    monkeypatch.setattr(cost, "coefficients", lambda: known | {"costs": with_it})
    assert cost.evaluate(mine[0], "cortex-m4") == PER_PRODUCT * 5 * 40 * 33
    assert choices(model)[0].costs["dummy"] == PER_PRODUCT * 5 * 40 * 33
    assert choices(model)[0].kernel == "strips"


def test_it_serves_what_its_row_says(row: Kernel, model: Model) -> None:
    first = model.layers[0]
    assert row in kernels.candidates(first.synapse, SPIKES, first.neuron)
    assert row not in kernels.candidates(Dense(np.ones((3, 3), int), bits=8), SPIKES)
    assert not row.serves(first.synapse, "bytes")
