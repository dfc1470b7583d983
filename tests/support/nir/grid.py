"""Networks of every dialect with weights on a grid, written as its framework writes them.

    python tests/support/nir/grid.py [SEED]

prints how many of their spikes differ, by leak, as it stands in FIGURES.md.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np

from qat.nir import Imported, load
from support.nir.mapped import on_new_inputs
from support.nir.writer import Node, affine, chain, ends, write_nir

STEPS, FITTED = 20, 8


@dataclass(frozen=True)
class Form:
    """How a dialect writes a membrane.

    leaky:  (tau, r) of a decay a step
    gain:   what an input is multiplied by then, of a decay: thresholds are written times it
    still:  r of an IF; None where the framework has none
    resets: a reset by value is written with v_reset
    """

    leaky: Callable[[float], tuple[float, float]]
    gain: Callable[[float], float]
    still: float | None
    words: Mapping[str, Any]


FORMS: Mapping[str, Form] = {
    "snntorch": Form(lambda d: (1e-4 / (1 - d), 1 / (1 - d)), lambda _: 1.0, None,
                     {"reset": "subtract"}),
    "norse": Form(lambda d: (1e-6 / (1 - d), 1.0), lambda d: 1 - d, 1.0, {"reset": "value"}),
    "spikingjelly": Form(lambda d: (1e-4 / (1 - d), 1.0), lambda d: 1 - d, 1e4, {"dt": 1e-4}),
    "sinabs": Form(lambda d: (-1 / np.log(d), 1.0), lambda _: 1.0, 1.0,
                   {"reset": "subtract", "compare": ">=", "gain": "one"}),
    "rockpool": Form(lambda d: (-1e-3 / np.log(d), -d / np.log(d)), lambda _: 1.0, None,
                     {"compare": ">=", "dt": 1e-3}),
    "spyx": Form(lambda d: (1 / (1 - d), d), lambda _: 1.0, 1.0, {}),
    "plain": Form(lambda d: (1e-3 / (1 - d), 1 / (1 - d)), lambda _: 1.0, 1e3,
                  {"dt": 1e-3, "reset": "zero", "compare": ">"}),
}  # fmt: skip


def _neurons(dialect: str, decay: float, *shape: int) -> Node:
    """Return neurons with a threshold of 1 in units of the input; a decay of 1: without a leak."""
    form, one = FORMS[dialect], np.ones(shape)
    common = {"v_reset": 0 * one}
    if decay == 1 and form.still is not None:
        return {"type": "IF", "r": form.still * one, "v_threshold": one, **common}
    if decay == 1:
        return {"type": "LIF", "tau": np.inf * one, "r": np.inf * one, "v_leak": 0 * one,
                "v_threshold": one, **common}  # fmt: skip
    tau, r = form.leaky(decay)
    return {"type": "LIF", "tau": tau * one, "r": r * one, "v_leak": 0 * one,
            "v_threshold": form.gain(decay) * one, **common}  # fmt: skip


def _codes(rng: np.random.Generator, *shape: int, part: int = 1) -> np.ndarray:
    """Return weights on a grid of 1/128 that keep neurons firing; `part`: so many times smaller."""
    spread = 127 if shape[-1] < 20 else 60
    return rng.integers(-spread, spread + 20, shape).clip(-127, 127) // part / 128


def _dense(dialect: str, decay: float, rng: np.random.Generator) -> tuple[Any, ...]:
    nodes = {"0": affine(_codes(rng, 24, 16)), "1": _neurons(dialect, decay, 24),
             "2": affine(_codes(rng, 10, 24)), "3": _neurons(dialect, decay, 10)}  # fmt: skip
    return {**ends([16], [10]), **nodes}, chain("input", *"0123", "output"), (16,)


def _conv(dialect: str, decay: float, rng: np.random.Generator) -> tuple[Any, ...]:
    conv = {"type": "Conv2d", "weight": _codes(rng, 4, 2, 3, 3), "bias": np.zeros(4),
            "stride": np.array([1, 1]), "padding": np.array([1, 1]), "dilation": np.array([1, 1]),
            "groups": 1}  # fmt: skip
    pool = {"type": "SumPool2d", "kernel_size": np.array([2, 2]), "stride": np.array([2, 2]),
            "padding": np.array([0, 0])}  # fmt: skip
    flat = {"type": "Flatten", "start_dim": 0, "end_dim": -1, "input_type": np.array([4, 4, 4])}
    nodes = {"0": conv, "1": _neurons(dialect, decay, 4, 8, 8), "2": pool, "3": flat,
             "4": affine(_codes(rng, 10, 64)), "5": _neurons(dialect, decay, 10)}  # fmt: skip
    return {**ends([2, 8, 8], [10]), **nodes}, chain("input", *"012345", "output"), (2, 8, 8)


def _recurrent(dialect: str, decay: float, rng: np.random.Generator) -> tuple[Any, ...]:
    inner = {**ends([24], [24]), "lif": _neurons(dialect, decay, 24),
             "w_rec": affine(_codes(rng, 24, 24, part=2))}  # fmt: skip
    edges = [("input", "lif"), ("lif", "w_rec"), ("w_rec", "lif"), ("lif", "output")]
    if dialect == "spyx":
        edges = [("input", "w_rec"), ("w_rec", "lif"), ("lif", "w_rec"), ("lif", "output")]
    again = {"type": "NIRGraph", "nodes": inner, "edges": edges}
    nodes = {"0": affine(_codes(rng, 24, 16)), "1": again, "2": affine(_codes(rng, 10, 24)),
             "3": _neurons(dialect, decay, 10)}  # fmt: skip
    return {**ends([16], [10]), **nodes}, chain("input", *"0123", "output"), (16,)


KINDS = {"dense": _dense, "conv": _conv, "recurrent": _recurrent}


def imported(dialect: str, kind: str, decay: float, path: Path, seed: int = 0) -> Imported:
    """Write a network, and return its model of 8 bits, whose thresholds are fitted to 8 samples."""
    rng = np.random.default_rng((seed, *dialect.encode(), *kind.encode()))
    nodes, edges, shape = KINDS[kind](dialect, decay, rng)
    if dialect == "spyx":  # whose nodes are called so
        named = {n: f"layer_{n}" for n in nodes if n.isdigit()}
        nodes = {named.get(n, n): node for n, node in nodes.items()}
        edges = [(named.get(a, a), named.get(b, b)) for a, b in edges]
    write_nir(path, nodes, edges)
    x = (rng.random((STEPS, FITTED, *_given(dialect, shape))) < 0.3).astype(np.float32)
    words = {"dialect": dialect, **FORMS[dialect].words}
    return load(path, **words, x=x, bits=8, name="net")


def _given(dialect: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of an input as the framework takes it: Spyx has channels last."""
    return (*shape[1:], shape[0]) if dialect == "spyx" and len(shape) > 1 else shape


def drift(made: Imported, seed: int = 99) -> list[float]:
    """Return the share of spikes that differ, layer by layer, on inputs that chose nothing."""
    return on_new_inputs(made, STEPS, seed)


DECAYS = (1.0, 0.5, 0.9, 0.8, 0.95)


def table(seed: int = 0) -> str:
    """Return the shares that differ in both layers, percent, by what a step keeps."""
    head = " | ".join(f"{decay:g}" for decay in DECAYS)
    lines = [f"| dialect | network | {head} |", "|---" * (len(DECAYS) + 2) + "|"]
    with tempfile.TemporaryDirectory() as folder:
        for dialect in FORMS:
            for kind in KINDS:
                found = [drift(imported(dialect, kind, d, Path(folder, "a.nir"), seed))
                         for d in DECAYS]  # fmt: skip
                cells = (", ".join(f"{100 * share:.3f}" for share in shares) for shares in found)
                lines.append(f"| {dialect} | {kind} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(table(*map(int, sys.argv[1:])), end="")
