"""Fit the costs of maps and counts to counts on emulated cores: `python tests/bench/maps.py`.

What convolutions, and dense layers that read or emit counts, take on integers stands in kinds of
parts of their own, so that these are fitted alone; all other rows of costs.json stay. The models
are random (support.maps); a few large ones are as networks for images are.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
from calibration.boards import boards, first_of_sets
from calibration.counting import Counting
from calibration.cycles import executed
from calibration.extremes import slowest
from calibration.fitting import Observation, fit
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))
from support.maps import codes, map_model
from support.models import inputs_for, steps_for
from support.zoo.depthwise import random_words
from support.zoo.windows import random_together, random_windows

from codegen import isa
from codegen.kernels import KERNELS, encoders
from codegen.plan import cost
from codegen.plan.build import part_names
from codegen.plan.kinds import family
from codegen.render.generated import Generated, generated
from codegen.target.boards import Board
from codegen.target.device import Device
from codegen.target.emulated import TIMEOUT, TargetModel
from codegen.target.protocol import Client
from codegen.target.qemu import Qemu
from codegen.target.recorder import bytes_of
from codegen.target.runner import MARKS
from qat.model import (
    LIF,
    Accumulate,
    Activity,
    Analog,
    Burst,
    Conv,
    Dense,
    Frames,
    Layer,
    Model,
    Pool,
    Shape,
    Spikes,
)

PATH = Path(cost.__file__).parent / "costs.json"
INTEGERS, WINDOWS, WORDS = ("conv_plain", "plain_counts"), ("windows",), ("channel_words",)
"""Kernels that are fitted together."""

MODELS, NETWORKS, HELD, SAMPLES, MADE, DEPTHWISE = 160, 7, 60, 6, 60, 90
CACHED = NETWORKS + 2 + HELD
"""Models that come first: networks, and held maps over several steps."""

FIRST_SEED = 10_000
"""Seeds of the models that are counted: tests have smaller ones."""

MEAN, SINGLE = 1.5, 0.6
"""Weights of the mean of a model's inputs, and of a single one."""


def network(seed: int, given: Any, rows: tuple[tuple[int, ...], ...], steps: int | None) -> Model:
    """Return a network for images: rows of (channels, kernel, pool, bits, most), then a readout."""
    rng, shape, layers = np.random.default_rng(seed), given.reads_shape, []
    for index, (channels, kernel, pool, bits, most) in enumerate(rows):
        fields: dict[str, Any] = {"bits": bits}
        weights = codes(rng, bits, (channels, kernel, kernel, shape.channels))
        synapse: Any = Conv(weights, shape, **fields)
        if kernel == 0:
            synapse = Dense(codes(rng, bits, (channels, shape.size)), bits)
        high = max(given.reads[1], 1) if index == 0 else 2
        level = max(1, round(float(np.abs(weights).sum(axis=(1, 2, 3)).mean()) ** 0.5 * high / 2))
        neuron: Any = Burst(np.arange(1, most + 1)[:, None] * np.full(channels, level))
        if steps != 1:
            neuron = LIF(np.array(level), (2,), most=most)
        layers.append(Layer(synapse, neuron, pool=Pool("max", (pool, pool)) if pool > 1 else None))
        shape = layers[-1].shape
    readout = None
    if steps is not None:
        readout = Accumulate(Dense(codes(rng, 8, (10, shape.size)), 8))
    return Model(given, tuple(layers), readout, steps, name="images")


def networks() -> Iterator[Model]:
    """Yield networks for images."""
    image = Analog(256, 0, 15, grid=Shape(16, 16, 1))
    yield network(1, image, ((16, 3, 2, 2, 3), (32, 3, 2, 2, 3), (32, 3, 1, 2, 3)), 1)
    yield network(2, image, ((32, 3, 2, 4, 3), (24, 3, 2, 4, 7)), 1)
    yield network(3, image, ((8, 5, 2, 8, 1), (16, 3, 2, 8, 1)), 1)
    yield network(4, image, ((16, 3, 2, 2, 1), (16, 3, 2, 2, 1)), 4)
    yield network(
        5, Frames(64, 0, 255, grid=Shape(8, 8, 1)), ((16, 3, 2, 8, 3), (32, 3, 1, 4, 2)), 3
    )
    yield network(6, Spikes(512, grid=Shape(8, 8, 8)), ((16, 3, 2, 2, 3), (48, 3, 1, 2, 1)), None)
    yield network(7, image, ((16, 5, 2, 16, 3), (8, 3, 2, 16, 3)), 1)


def held() -> Iterator[Model]:
    """Yield convolutions of held bytes over several steps, whose currents are cached."""
    for seed, channels in enumerate((8, 16)):  # 4 bits in columns of a power of two
        sides = ((8, 8, 1), (6, 6, 2))[seed]
        given = Analog(int(np.prod(sides)), 0, 15, grid=Shape(*sides))
        yield network(20 + seed, given, ((channels, 3, 1, 4, 1),), 3)
    rng = np.random.default_rng(FIRST_SEED)
    for number in range(HELD):
        sides = [int(rng.choice(each)) for each in ((1, 3, 5, 6), (5, 6, 8), (1, 1, 2, 3))]
        low, high = ((0, 15), (0, 255), (-8, 7), (-128, 127))[number % 4]
        given = Analog(int(np.prod(sides)), low, high, grid=Shape(*sides))
        yield map_model(2 * FIRST_SEED + number, given=given, steps=2 + number % 4)


def models(kernels: tuple[str, ...]) -> Iterator[tuple[Model, NDArray[Any], int | None]]:
    """Yield every model with inputs, and with its steps if it runs free."""
    drawn: Iterator[Model] = (map_model(FIRST_SEED + number) for number in range(MODELS))
    if kernels == WINDOWS:
        made = (random_windows(FIRST_SEED + number) for number in range(MADE))
        drawn = chain(drawn, made, (random_together(FIRST_SEED + n) for n in range(MADE)))
    every = chain(networks(), held(), drawn)
    if kernels == WORDS:
        every = chain(random_words(FIRST_SEED + n, n % 4 > 0) for n in range(DEPTHWISE))
    for number, model in enumerate(every):
        x = inputs_for(model, SAMPLES, number).astype(model.input.dtype)
        yield model, x, steps_for(model)


def kinds_of(kernels: tuple[str, ...]) -> set[str]:
    """Return the kinds of parts that these kernels have."""
    parts = ("spikes",) if kernels in (WINDOWS, WORDS) else ("currents", "held", "spikes")
    return {f"{name} {part}" for name in kernels for part in parts}


def ours(model: Model, kernels: tuple[str, ...]) -> Generated:
    """Return the C of a model, with these kernels wherever they can compute a layer."""
    rows = [row for row in KERNELS if row.name in kernels]
    first = generated(model).program
    behind = encoders.behind(model, first.encoder)
    chosen = {
        index: row.name
        for index in range(len(model.layers))
        for row in rows
        if row.computes(index, behind)
    }
    return generated(model, kernels=chosen)


def observe(board: Board, only: bool, kernels: tuple[str, ...]) -> dict[str, list[Observation]]:
    """Return what the parts took on a board, by the names that their coefficients stand under.

    only: the currents of held maps alone. Only the networks and the models made for them count
    for these, in any case.
    """
    found: dict[str, list[Observation]] = defaultdict(list)
    with Counting(board) as counting:
        for number, (model, x, steps) in enumerate(
            islice(models(kernels), CACHED if only else None)
        ):
            made, activity = ours(model, kernels), Activity.measure(model, x, steps)
            if not any(stage.kernel in kernels for stage in made.program.layers):
                continue
            counts = counting.count(model, made.files, x, steps)
            rows = [(activity, counts.mean(axis=0), MEAN, False)]
            for one in range(3):
                each = Activity.measure(model, x[one : one + 1], steps)
                rows.append((each, counts[one], SINGLE, True))
            worst = slowest(model.input, x, board)
            if worst is not None:  # bounds the worst case alone
                (most,) = counting.count(model, made.files, worst, steps)
                rows.append((Activity.measure(model, worst, steps), most, 0.0, True))
            names = part_names(made.program)
            for activity, parts, weight, single in rows:
                works = cost.works(made.program, model.input, activity, board.core, single)
                for work in works:
                    currents = work.kind == "conv_plain currents"
                    if work.kind not in kinds_of(kernels) or (only and not currents):
                        continue
                    if currents and number >= CACHED:
                        continue
                    part, total = float(parts[names.index(work.part)]), float(parts.sum())
                    seen = Observation(work.kind, work.features, part, total, weight)
                    found[family(work.kind)].append(seen)
            print(f"{board.name}: {number + 1}", flush=True)
    return found


def _call(qemu: Qemu, outputs: int, held: bytes, vectors: list[bytes]) -> None:
    """Ask a firmware for an inference, or for steps."""
    device = Device(Client(qemu, TIMEOUT))
    if not vectors:
        device.infer(outputs, held)
        return
    device.reset(held)
    for vector in vectors:
        device.step(vector)


def measure_cycles(board: Board, kernels: tuple[str, ...]) -> dict[str, float]:
    """Return the estimated cycles per instruction of each kind of part on a board's core."""
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for model, x, steps in islice(
        models(kernels), NETWORKS, None
    ):  # those are too large to be traced
        kinds = kinds_of(kernels)
        if set(sums) >= kinds:
            break
        made = ours(model, kernels)
        activity = Activity.measure(model, x[:1], steps)
        works = cost.works(made.program, model.input, activity, board.core)
        if not ({work.kind for work in works} & kinds) - set(sums):
            continue
        ((held, vectors),) = bytes_of(model, x[:1], steps or model.steps or 1)
        whole = model.input.held and model.steps is not None
        call = partial(_call, outputs=model.outputs, held=held, vectors=[] if whole else vectors)
        function = f"{model.name}_classify" if whole else f"{model.name}_step"
        with TargetModel(made, board, flags=MARKS) as target:
            parts = executed(board, target.elf, function, call)
        for work in works:
            part = parts.get(part_names(made.program).index(work.part))
            if part is not None and work.kind.startswith(kernels):
                sums[work.kind][0] += part.cycles
                sums[work.kind][1] += part.instructions
    return {kind: round(c / n, 3) for kind, (c, n) in sorted(sums.items()) if n}


def main() -> None:
    """Measure, and write the rows of costs.json."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--board", default="all", help="a board, or all")
    parser.add_argument("--currents", action="store_true", help="of held maps alone")
    parser.add_argument("--cycles", action="store_true", help="cycles alone")
    parser.add_argument("--windows", action="store_true", help="of convolutions in windows")
    parser.add_argument("--words", action="store_true", help="of depthwise ones in words")
    arguments = parser.parse_args()
    kernels = WINDOWS if arguments.windows else WORDS if arguments.words else INTEGERS
    for board in first_of_sets(arguments.board):
        fresh = {}
        if not arguments.cycles:
            seen = observe(board, arguments.currents, kernels)
            fresh = {kind: fit(found) for kind, found in seen.items()}
        known = json.loads(PATH.read_text("utf-8"))
        table = known["costs"].get(isa.find(board.core).name, {})
        known["costs"][isa.find(board.core).name] = dict(sorted({**table, **fresh}.items()))
        PATH.write_text(json.dumps(known, indent=1) + "\n", "utf-8")
        for kind, row in fresh.items():
            errors = f"{row['mean_error']:.1%} mean, {row['largest_error']:.1%} at most"
            print(f"{board.name:9} {kind:24} {row['observations']:4} counts, error {errors}")
    if not arguments.cycles:
        return
    for board in boards(arguments.board):
        cycles = measure_cycles(board, kernels)
        known = json.loads(PATH.read_text("utf-8"))
        table = known["cycles"].get(board.core, {})
        known["cycles"][board.core] = dict(sorted({**table, **cycles}.items()))
        PATH.write_text(json.dumps(known, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
