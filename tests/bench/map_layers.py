"""The table of FIGURES.md about layers on maps, counted now.

    python tests/bench/map_layers.py                               print it
    python tests/bench/map_layers.py --update .github/FIGURES.md   rewrite it there

A row is one layer of random ternary weights, 45 % zeros, if it does not say otherwise; spikes are
as many as it says. What is counted is that part of a call, by its marks.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))
from calibration.counting import Counting
from support.zoo.byte_maps import byte_map
from support.zoo.readouts import read_by
from tables import put

from codegen import isa
from codegen.plan.build import part_names
from codegen.render.generated import generated
from codegen.target.boards import find_board
from qat.model import ALIF, LIF, Burst, Conv, CuBa, Layer, Model, Neuron, Shape, Spikes

BOARDS = ("qemu-m0", "qemu-m4", "qemu-m55")
NAME, PLAIN = "map table", "conv_plain"
SAMPLES, STEPS = 6, 4
ZEROS = (0.275, 0.45, 0.275)
"""Parts of the weights that are -1, 0 and 1."""


@dataclass(frozen=True, eq=False)
class Row:
    """A layer, or a readout, to be counted.

    kernels: {stage: kernel}; the last stage of them is counted
    macs:    multiplications that a dense computation of it takes
    x:       inputs
    """

    title: str
    model: Model
    kernels: dict[int, str]
    macs: int
    x: NDArray[Any]

    @property
    def stage(self) -> int:
        """The number of what is counted."""
        return max(self.kernels)


def _conv(channels: int, kernel: int, grid: Shape, groups: int = 1, **more: Any) -> Conv:
    rng = np.random.default_rng([kernel, channels])
    shape = (channels, kernel, kernel, grid.channels // groups)
    return Conv(rng.choice([-1, 0, 1], shape, p=ZEROS), grid, groups=groups, **more)


def _macs(synapse: Conv) -> int:
    return synapse.shape.positions * int(synapse.codes.size)


def _first(title: str, channels: int, **more: Any) -> Row:
    """Return a first layer on a map of 16x16 pixels of 4 bits, whose neurons count 0 to 3."""
    model = byte_map((16, 16, 1), channels, middle=0.4, **more)
    x = np.random.default_rng(1).integers(0, 16, (1, model.input.size))
    return Row(
        f"16x16x1, 4 bits -> {title}", model, {0: "bytes"}, _macs(model.layers[0].synapse), x
    )


def _spiking(title: str, neuron: Neuron, kernel: str, density: float, groups: int = 1) -> Row:
    """Return a layer 8x8x32 -> 8x8x32 that runs free, on spikes of a density."""
    grid = Shape(8, 8, 32)
    synapse = _conv(32, 3, grid, groups)
    model = Model(Spikes(grid.size, grid=grid), (Layer(synapse, neuron),), None, None, name="maps")
    x = np.random.default_rng(3).random((SAMPLES, STEPS, grid.size)) < density
    return Row(f"8x8x32 -> {title}", model, {0: kernel}, _macs(synapse), x)


def rows() -> Iterator[Row]:
    """Yield all layers of the table."""
    yield _first("3x3, 16 channels", 16)
    yield _first("3x3, 32 channels, maximum 2x2", 32, pool=True)
    yield _first("5x5, stride 2, 32 channels", 32, kernel=(5, 5), stride=2)
    yield _first("3x3, 16 channels of 8-bit weights", 16, bits=8)
    for density in (0.01, 0.1, 0.3):
        percent = f"{density:.0%} spike"
        yield _spiking(f"3x3, 32 channels, {percent}", LIF(np.array(9), (1,)), "windows", density)
    held = LIF(np.array(9), (1,), floor=-100, ceiling=127)
    yield _spiking("the same, membranes of 8 bits, 10% spike", held, "windows", 0.1)
    current = CuBa(np.array(18), (1,), leak_c=(2,))
    yield _spiking("the same, current-based, 10% spike", current, "windows", 0.1)
    adaptive = ALIF(np.array(9), (1,), leak_b=4, raise_by=np.array(2))
    yield _spiking("the same, adaptive, 10% spike", adaptive, "windows", 0.1)
    counts = Burst(np.array([3, 9, 15]))
    yield _spiking("3x3, 32 channels that count, 25% spike", counts, "windows", 0.25)
    yield _spiking("depthwise 3x3", LIF(np.array(3), (1,)), "channel_words", 0.1, groups=32)
    model = read_by(10, 288)
    x = np.random.default_rng(1).integers(0, 4, (SAMPLES, model.input.size))
    yield Row("288 counts -> 10 scores", model, {1: "packed"}, 2880, x)


def counted(row: Row, board: str, kernels: dict[int, str]) -> int:
    """Return the instructions of the layer, mean of a step; of its currents as well."""
    made = generated(row.model, kernels=kernels)
    with Counting(find_board(board)) as counting:
        parts = counting.count(row.model, made.files, row.x).mean(axis=0)
    names = part_names(made.program)
    own = ["currents", "layer 0"] if row.stage == 0 else ["readout"]
    return round(sum(float(parts[names.index(name)]) for name in own))


def table(boards: Sequence[str] = BOARDS) -> str:
    """Count all layers on boards, and the plain ones on the Cortex-M4."""
    cores = [find_board(board).core for board in boards]
    named = [core.replace("cortex-m", "Cortex-M") for core in cores]
    header = ["a step of the layer", "multiply-adds", "kernel", *named]
    if isa.DEFAULT_CORE in cores:
        header += ["plain C, Cortex-M4", "a multiply-add, M4"]
    lines = [header, ["---"] * len(header)]
    for row in rows():
        counts = [counted(row, board, row.kernels) for board in boards]
        cells = [row.title, f"{row.macs:,}", row.kernels[row.stage], *(f"{n:,}" for n in counts)]
        if isa.DEFAULT_CORE in cores:
            plain = {row.stage: PLAIN if row.stage == 0 else "bitsliced"}
            of_plain = counted(row, "qemu-m4", plain) if row.stage == 0 else 0
            own = counts[cores.index(isa.DEFAULT_CORE)]
            cells += [f"{of_plain:,}" if of_plain else "", f"{own / row.macs:.2f}"]
        lines.append(cells)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def main() -> None:
    """Print the table, or write it into a file."""
    parser = argparse.ArgumentParser(prog="python tests/bench/map_layers.py")
    parser.add_argument("--update", metavar="FILE", help="rewrite the table in this file")
    put(NAME, table(), parser.parse_args().update)


if __name__ == "__main__":
    main()
