"""First layers on maps beside what a study counted with prototypes of the same kernels.

    python tests/bench/first_layers.py                               print the table
    python tests/bench/first_layers.py --update .github/FIGURES.md   rewrite it there

The study counted sums alone: prototypes without neurons, on maps of 4-bit pixels, 16 channels of
3x3 ternary weights of which 81 are not 0. So a layer's C is compiled here without the lines that
make spikes of its sums and turn them; its images are a part of their own. On a core whose vectors
compare the sums where they are made there is no such line: its layer is counted whole. Some cores
take the maximum where they make sums, others where they make spikes: the former are compared.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from calibration.counting import Counting
from tables import put

from codegen.plan.build import part_names
from codegen.render.generated import generated
from codegen.target.boards import find_board
from qat.model import Analog, Burst, Conv, Count, Layer, Model, Pool, Shape

BOARDS = ("qemu-m0", "qemu-m3", "qemu-m4", "qemu-m33", "qemu-m55")
NAME = "first layer table"
CHANNELS, TAPS = 16, 81
GRID = Shape(16, 16, 1)

WITHOUT = (r"^ +first_burst_bytes\([^;]*\);", r"^ +first_turn\(digits \+ k\);")
"""What makes spikes of sums, as C of the model that is called `first`."""


@dataclass(frozen=True, eq=False)
class Case:
    """A first layer.

    studied: instructions of its sums, by board, as the study has them; of its images: IMAGES
    """

    title: str
    stride: int
    pooled: bool
    studied: Mapping[str, int]


IMAGES: Mapping[str, int] = {
    "qemu-m0": 967, "qemu-m3": 486, "qemu-m4": 486, "qemu-m33": 486, "qemu-m55": 275,
}  # fmt: skip
"""The study's images of a map under a kernel of 3x3, stride 1."""

CASES = (
    Case("3x3", 1, False, {"qemu-m0": 27_812, "qemu-m3": 14_429, "qemu-m4": 14_429,
                           "qemu-m33": 14_429, "qemu-m55": 5_727}),
    Case("3x3, stride 2", 2, False, {"qemu-m0": 7_287, "qemu-m3": 3_628, "qemu-m4": 3_628,
                                     "qemu-m33": 3_628}),
    Case("3x3, maximum 2x2", 1, True, {"qemu-m4": 15_965, "qemu-m33": 15_965}),
)  # fmt: skip


def model_of(case: Case) -> Model:
    """Return a model whose first layer is that of a case, with as many taps as the study's."""
    rng = np.random.default_rng(1)
    codes = np.zeros(CHANNELS * 9, np.int8)
    codes[rng.permutation(codes.size)[:TAPS]] = rng.choice([-1, 1], TAPS)
    synapse = Conv(codes.reshape(CHANNELS, 3, 3, 1), GRID, stride=case.stride)
    pool = Pool("max", (2, 2)) if case.pooled else None
    layer = Layer(synapse, Burst(np.array([5])), pool=pool)
    return Model(Analog(GRID.size, 0, 15, grid=GRID), (layer,), Count(), 1, name="first")


def counted(case: Case, board: str) -> tuple[int, int, bool]:
    """Return instructions of the images and of the sums; and whether the latter are the layer's."""
    made = generated(model_of(case), kernels={0: "bytes"})
    files, whole = dict(made.files), find_board(board).core == "cortex-m55"
    for pattern in () if whole else WITHOUT:
        text, found = re.subn(pattern, "(void)0;", files["first.c"], flags=re.MULTILINE)
        if not found:
            raise ValueError(f"the C has no {pattern}: it is not what this script knows")
        files["first.c"] = text
    x = np.random.default_rng(1).integers(0, 16, (1, GRID.size))
    with Counting(find_board(board)) as counting:
        parts = counting.count(made.model, files, x).mean(axis=0)
    names = part_names(made.program)
    images, sums = (round(float(parts[names.index(name)])) for name in ("currents", "layer 0"))
    return images, sums, whole


def _beside(count: int, studied: int | None) -> str:
    if studied is None:
        return f"{count:,}"
    return f"{count:,} / {studied:,} ({100 * (count / studied - 1):+.0f} %)"


def _cells(found: Mapping[str, tuple[int, int, bool]], studied: Mapping[str, int]) -> Iterator[str]:
    """Yield the cells of what was counted, beside what the study has."""
    for board, (_, count, whole) in found.items():
        yield _beside(count, studied.get(board)) + (", whole layer" if whole else "")


def table(boards: Sequence[str] = BOARDS) -> str:
    """Count all cases on boards; return a table in Markdown."""
    cores = [find_board(board).core.replace("cortex-m", "Cortex-M") for board in boards]
    lines = [["16x16x1, 4 bits -> 16 channels", *cores], ["---"] * (1 + len(boards))]
    for case in CASES:
        found = {board: counted(case, board) for board in boards}
        if case is CASES[0]:
            lines.append(["images, 3x3", *(_beside(found[b][0], IMAGES[b]) for b in boards)])
        lines.append([case.title, *_cells(found, case.studied)])
        if case is CASES[0]:
            both = {b: (i, i + sums, whole) for b, (i, sums, whole) in found.items()}
            studied = {b: IMAGES[b] + sums for b, sums in case.studied.items()}
            lines.append([f"images and {case.title}", *_cells(both, studied)])
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def main() -> None:
    """Print the table, or write it into a file."""
    parser = argparse.ArgumentParser(prog="python tests/bench/first_layers.py")
    parser.add_argument("--update", metavar="FILE", help="rewrite the table in this file")
    put(NAME, table(), parser.parse_args().update)


if __name__ == "__main__":
    main()
