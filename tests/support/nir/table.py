"""The table of drifts in qat/README.md: `python tests/support/nir/table.py` prints it."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from qat.nir import load
from qat.nir.drift import CAUSES
from support.nir.mapped import on_new_inputs
from support.nir.saved import names, saved

HEADER = (
    "| network | layers | reset | differ, by layer | on new inputs | leak alone, then weights |\n"
    "|---|---|---|---|---|---|"
)


def row(name: str, folder: Path) -> str:
    """Return the line of a network."""
    path, reference = saved(name, folder)
    try:
        made = load(path, reference=reference, bits=8)
    except ValueError as error:
        return f"| `{name}` | refused: {str(error).split('): ')[1].split('; ')[0]} | | | | |"
    assert made.drift is not None
    assert made.read.reference is not None
    words = made.read.twin.reading.words()
    reset = words["reset"]
    resets = ", ".join(dict.fromkeys([reset] if isinstance(reset, str) else reset.values()))
    kinds = [type(layer.neuron).__name__ for layer in made.model.layers]
    if made.plan.last is not None:
        kinds.append(type(made.model.readout).__name__)
    layers = made.drift.layers
    own = ", ".join(f"{100 * layer.differing:.2f}" for layer in layers)
    new = ", ".join(
        f"{100 * share:.2f}" for share in on_new_inputs(made, made.read.reference.x.shape[0])
    )
    worst = max(layers, key=lambda layer: max(layer.causes.values()))
    causes = ", ".join(f"{100 * worst.causes[c]:.2f}" for c in CAUSES[:2])
    return f"| `{name}` | {', '.join(kinds)} | {resets} | {own} % | {new} % | {causes} % |"


def table() -> str:
    """Return the whole table."""
    with tempfile.TemporaryDirectory() as folder:
        rows = [row(name, Path(folder)) for name in names()]
    return "\n".join([HEADER, *rows]) + "\n"


if __name__ == "__main__":
    print(table(), end="")
