"""The tables of FIGURES.md that stand beside CMSIS-NN, measured now.

    python tests/bench/tables.py                             print them
    python tests/bench/tables.py --update .github/FIGURES.md rewrite what stands between their marks

The counts of CMSIS-NN were measured once, with the same compiler, options and emulator: one call
of arm_fully_connected_s8 or _s4, and networks of these layers.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from codegen.kernels.encoders import ENCODERS
from codegen.measure.benchmark import encoded_layer, measure_encoder, measure_layer
from codegen.plan.choose import plan
from codegen.report.report import report
from codegen.target.boards import Board, load_boards
from codegen.target.compiler import size_of
from codegen.target.emulated import TargetModel
from qat.data.named import load
from qat.model import Model

LAYER, DENSITIES = (784, 128), (0.01, 0.1, 0.5)
EXAMPLES = {
    "tests/examples/mnist-784.npz": "784-128-10",
    "tests/examples/mnist-256.npz": "256-128-10",
    "tests/examples/mnist-conv-small.npz": "16c3-p2-32c3v-p2-10",
    "tests/examples/mnist-conv.npz": "32c3s2-32c3-p2-32c3v-10",
    "tests/examples/mnist-conv-large.npz": "32c3-p2-32c3-32c3-p2-32c3v-10",
}
"""Trained models, and what the table calls them: hidden layers by qat.model.notation."""

IMAGES = 200
ENCODERS_SHOWN = (("rate", 4), ("rate", 8), ("latency", 4), ("latency", 8), ("delta", 8))
"""Kinds of input that become spikes, and bits of a value."""

INFERENCE_BOARDS = ("qemu-m0", "qemu-m4", "qemu-m55")
WORST_BOARD = "qemu-m4"
"""Where the bound for every image is told."""

DENSE_LAYER: dict[str, tuple[int, int]] = {
    "qemu-m0": (617_005, 777_799),
    "qemu-m3": (342_941, 507_130),
    "qemu-m4": (193_786, 495_164),
    "qemu-m33": (193_786, 495_164),
    "qemu-m55": (48_798, 40_331),
}
"""CMSIS-NN, fully connected 784 -> 128: instructions with 8-bit and with 4-bit weights."""

NETWORKS: tuple[tuple[str, str, int, int, tuple[int, int, int]], ...] = (
    ("CMSIS-NN int8 784-128-10", "98.63 %", 107_216, 144, (626_841, 197_721, 49_987)),
    ("CMSIS-NN int8 256-128-10", "98.22 %", 39_632, 144, (219_225, 71_001, 18_307)),
    ("BitNetMCU 4 bits, 12k, 16x16", "99.02 %", 13_328, 364, (586_730, 278_195, 268_873)),
    ("BitNetMCU cnn_16small, 16x16", "98.90 %", 4_408, 1_448, (454_451, 324_816, 305_650)),
    ("BitNetMCU cnn_64, 16x16", "99.54 %", 12_452, 2_216, (1_817_882, 1_314_782, 1_228_782)),
)
"""Networks that do not spike: accuracy, flash, RAM, instructions on M0, M4 and M55."""


def _row(cells: Sequence[Any]) -> str:
    return "| " + " | ".join(f"{c:,}" if isinstance(c, int) else str(c) for c in cells) + " |"


def _table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [_row(header), "|" + "---|" * len(header), *(_row(row) for row in rows)]
    return "\n".join(lines) + "\n"


def layer_table() -> str:
    """Measure a time step of a layer on all boards; return it beside CMSIS-NN's."""
    boards, rows = load_boards(), []
    for name, dense in DENSE_LAYER.items():
        ours = [m.instructions for m in measure_layer(*LAYER, DENSITIES, boards[name])]
        core = boards[name].core.replace("cortex-m", "Cortex-M")
        rows.append([core, *dense, *ours, f"{dense[0] / ours[1]:.0f} x"])
    spikes = [f"spikemcu, {100 * d:g} % spike" for d in DENSITIES]
    header = ["instructions", "CMSIS-NN int8", "CMSIS-NN int4", *spikes, "int8 against 10 %"]
    return _table(header, rows)


def encoder_table(boards: Sequence[str] = INFERENCE_BOARDS) -> str:
    """Measure the encoders of 784 values, each step: in planes, and a loop over the values."""
    rows = []
    for name in boards:
        board = load_boards()[name]
        cells = [_encoder_cell(*column, board) for column in ENCODERS_SHOWN]
        rows.append([board.core.replace("cortex-m", "Cortex-M"), *cells])
    columns = [f"{kind}, {bits} bits" for kind, bits in ENCODERS_SHOWN]
    return _table(["instructions of a step", *columns], rows)


def _encoder_cell(kind: str, bits: int, board: Board) -> str:
    """Return the instructions of each way of an encoder, in planes first."""
    model, counts = encoded_layer(*LAYER, kind, bits), []
    for way in ENCODERS[type(model.input)].ways:
        (found,) = (m for m in measure_encoder(model, board, way) if m.layer == "encoder")
        counts.append(f"{found.instructions:,}")
    return counts[0] if len(counts) == 1 else f"{counts[0]} ({counts[1]})"


def network_table(models: Mapping[str, Model], images: Mapping[int, Any]) -> str:
    """Measure whole inferences of models by their names; return them beside other networks.

    images: by the number of their pixels, (n, pixels)
    """
    rows: list[list[Any]] = []
    for name, model in models.items():
        x = images[model.input.size][:IMAGES]
        counts = [_inference(model, x, board) for board in INFERENCE_BOARDS]
        accuracy = f"{100 * model.metadata['accuracy']['test']:.2f} %"
        flash = size_of(_files(model), "qemu-m4").flash
        ram, worst = plan(model).ram_bytes, report(model, WORST_BOARD).worst
        rows.append([f"**spikemcu {name}**", accuracy, flash, ram, *counts, worst])
    rows += [
        [name, accuracy, flash, ram, *counts, ""] for name, accuracy, flash, ram, counts in NETWORKS
    ]
    cores = ["Cortex-M0", "Cortex-M4", "Cortex-M55"]
    header = ["network", "MNIST", "flash", "RAM", *cores, "Cortex-M4, any image"]
    return _table(header, rows)


def _files(model: Model) -> dict[str, str]:
    from codegen.render import render  # noqa: PLC0415  # jinja2 is not for --help

    return render(model)


def _inference(model: Model, x: Any, board: str) -> int:
    with TargetModel(model, board) as target:
        counts = target.benchmark(x).infer
    assert counts is not None
    return round(float(counts.mean()))


def updated(text: str, name: str, table: str) -> str:
    """Return a text with the table between its marks replaced.

    Raises ValueError if the marks are not there.
    """
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"no marks <!-- {name} --> and <!-- end {name} --> to write between")
    return pattern.sub(lambda found: found[1] + table + found[2], text)


def put(name: str, table: str, page: str | None) -> None:
    """Print a table, or write it between its marks in a page."""
    if page is None:
        print(table)
        return
    path = Path(page)
    path.write_text(updated(path.read_text("utf-8"), name, table), "utf-8")


def _examples_table() -> str:
    """Return the network table of the examples, on MNIST's test images."""
    models = {name: Model.load(path) for path, name in EXAMPLES.items()}
    data = (load(name).with_input_bits(4) for name in ("mnist", "mnist-16"))
    return network_table(models, {x.shape[1]: x for x in (part.x_test for part in data)})


TABLES: dict[str, Callable[[], str]] = {
    "layer table": layer_table,
    "encoder table": encoder_table,
    "network table": _examples_table,
}
"""By their marks in the page; the last one needs MNIST."""


def main() -> None:
    """Print the tables, or write them into a file."""
    parser = argparse.ArgumentParser(prog="python tests/bench/tables.py")
    parser.add_argument("--update", metavar="FILE", help="rewrite the tables in this file")
    parser.add_argument(
        "--images", action="store_true", help="whole inferences, on MNIST's test images, as well"
    )
    parser.add_argument("--only", choices=TABLES, help="this table alone")
    arguments = parser.parse_args()
    wanted = [arguments.only] if arguments.only else list(TABLES)[: 3 if arguments.images else 2]
    for name in wanted:
        put(name, TABLES[name](), arguments.update)


if __name__ == "__main__":
    main()
