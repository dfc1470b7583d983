"""What a user has, in a form that can be compared: verbs, names, parameters, keys of results."""

from __future__ import annotations

import argparse
import contextlib
import inspect
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from codegen.cli import main, parser
from qat.model import (
    ALIF,
    LI,
    LIF,
    Accumulate,
    Analog,
    Burst,
    Conv,
    Count,
    CuBa,
    Delta,
    Dense,
    Detector,
    EarlyStop,
    Edge,
    Frames,
    Latency,
    Layer,
    LeakClasses,
    Model,
    Pool,
    Rate,
    Sensor,
    Shape,
    Spectrum,
    Spikes,
)

MODULES = (
    "qat",
    "qat.anytime",
    "qat.cache",
    "qat.datasets",
    "qat.encode",
    "qat.model",
    "qat.quantize",
    "qat.surrogate",
    "codegen",
)
"""What README, docstrings, the seed API and CONTRIBUTING tell to import."""

BESIDE = {
    "qat.quantize": ("_ste_quantize",),
    "codegen.cli": ("main",),
    "codegen.host": ("HostModel", "WARNINGS"),
}
"""Names that are public as well: of the seed API, of the installed command, of CONTRIBUTING."""

INTERNAL = {
    "BoardModel": "device link_port",
    "HostModel": "call call_stream",
    "Dataset": "through training_batch",
    "Interval": "equals hull magnitude meet width",
    "Network": "backward bind check constrained encode fold forward of_layer pieces "
    "training_bytes twins",
    "Rates": "raised",
    "qat.anytime": "CANDIDATES",
    "qat.encode": "EVENTS",
    "qat.quantize": "FAINTEST_LAYER FAINTEST_NEURON SMALLEST_RANGE TERNARY_RATIO finite",
}
"""What classes and modules have for their neighbours, and nobody is told to use."""


def verbs() -> dict[str, dict[str, list[str]]]:
    """Return the arguments of every verb: those by place, in order, and the options."""
    top = parser()
    (table,) = (a for a in top._actions if isinstance(a, argparse._SubParsersAction))
    found = {}
    for name, verb in table.choices.items():
        actions = [a for a in verb._actions if not isinstance(a, argparse._HelpAction)]
        found[name] = {
            "places": [a.dest for a in actions if not a.option_strings],
            "options": sorted(word for a in actions for word in a.option_strings),
        }
    return found


def names() -> dict[str, list[str]]:
    """Return the public names of every module that has some."""
    found = {name: set(_public(name)) for name in MODULES}
    for module, more in BESIDE.items():
        found.setdefault(module, set()).update(more)
    return {module: sorted(words) for module, words in sorted(found.items())}


def _public(name: str) -> Iterator[str]:
    module = import_module(name)
    declared = getattr(module, "__all__", None)
    internal = INTERNAL.get(name, "").split()
    if declared is not None:
        yield from (word for word in declared if word not in internal)
        return
    for word, value in vars(module).items():
        made_here = getattr(value, "__module__", None) == name or word.isupper()
        if made_here and not word.startswith("_") and word not in internal:
            yield word


def parameters() -> dict[str, list[str]]:
    """Return the parameters of every public function and record, in order."""
    found = {}
    for module, words in names().items():
        for word in words:
            value = getattr(import_module(module), word)
            if callable(value):
                found |= {f"{module}.{word}": _parameters(value)}
                found |= {f"{module}.{word}.{name}": had for name, had in _methods(value)}
    return {name: had for name, had in sorted(found.items()) if had is not None}


def _parameters(value: Any) -> list[str] | None:
    try:
        return list(inspect.signature(value).parameters)
    except (TypeError, ValueError):
        return None  # a union of types


def _methods(value: Any) -> Iterator[tuple[str, list[str] | None]]:
    if not inspect.isclass(value) or issubclass(value, BaseException):
        return
    for name in sorted(set(dir(value)) - {*INTERNAL.get(value.__name__, "").split()}):
        member = inspect.getattr_static(value, name)
        if name.startswith("_"):
            continue
        if isinstance(member, staticmethod | classmethod) or inspect.isfunction(member):
            yield name, _parameters(getattr(value, name))
        elif isinstance(member, property) or hasattr(member, "func"):
            yield name, []


def keys(value: Any, where: str = "") -> set[str]:
    """Return the paths of all keys of a JSON value; `[]` stands for the items of a list."""
    if isinstance(value, dict):
        own = {f"{where}.{key}".lstrip(".") for key in value}
        return own.union(*(keys(v, f"{where}.{key}".lstrip(".")) for key, v in value.items()))
    if isinstance(value, list):
        return set().union(*(keys(item, f"{where}[]") for item in value))
    return set()


# ------------------------------------------------------------------ command lines

TRAINED = "train digits --hidden 8 --epochs 1 -o trained.npz"
"""What the others work on, in the folder where they run."""

CHEAP = {
    "data": "data",
    "data digits": "data digits",
    "train": TRAINED,
    "info": "info trained.npz",
    "generate": "generate trained.npz -o out",
    "weights": "weights trained.npz -o weights.h",
    "check": "check trained.npz --limit 20",
    "check --code": "check trained.npz --limit 20 --code out",
    "anytime": "anytime trained.npz -o early.npz",
    "plot": "plot trained.npz -o pictures --kind firing",
    "report": "report trained.npz --board qemu-m0 --budget flash=32K",
    "build": "build trained.npz --board qemu-m0 -o firmware",
    "run": "run trained.npz --board qemu-m0 --limit 3",
    "bench": "bench trained.npz --board qemu-m0 --limit 3",
    "boards": "boards",
    "doctor": "doctor",
}
"""Command lines that succeed, in the order in which they can run; all take --json."""


RECORDED = Path(__file__).parents[1] / "contract" / "keys.json"
"""Keys of results. Those of the dear verbs (demo, compare, verify, flash) were written by hand, and
are compared where these verbs run anyway."""


def lost_keys(name: str, result: dict[str, Any]) -> set[str]:
    """Return the recorded keys that a result does not have."""
    return set(json.loads(RECORDED.read_text())[name]) - keys(result)


def run_all(folder: Path) -> dict[str, dict[str, Any]]:
    """Run the cheap command lines in a folder; return their JSON objects."""
    results = {}
    with contextlib.chdir(folder):
        for name, line in CHEAP.items():
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                status = main([*line.split(), "--json"])
            assert status == 0, f"{line}: exit status {status}\n{out.getvalue()}"
            results[name] = json.loads(out.getvalue())
    return results


# ------------------------------------------------------------------ model files


def _codes(seed: int, bits: int, *shape: int) -> Any:
    high = {2: 1, 4: 7, 8: 127, 16: 900}[bits]
    return np.random.RandomState(seed).randint(-high, high + 1, shape)


def _layer(seed: int, bits: int, n_out: int, n_in: int, **more: Any) -> Layer:
    analog = more.pop("analog", False)
    shift = {"input_shift": 2} if analog else {"fraction_bits": 2}
    edges = {name: more.pop(name) for name in ("delay", "more") if name in more}
    return Layer(Dense(_codes(seed, bits, n_out, n_in), bits, bias=more.pop("bias", 1), **shift),
                 LIF(**{"threshold": 30, "leak": (3,)} | more), **edges)  # fmt: skip


def models() -> Iterator[Model]:
    """Yield a small model for every kind of record and every optional field."""
    ternary = _layer(2, 2, 8, 12)
    scores = Accumulate(Dense(_codes(3, 8, 3, 8), 8, bias=[1, -2, 3], fraction_bits=2))
    analog = _layer(4, 2, 8, 6, analog=True, bias=list(range(8)))
    yield Model(Analog(6, 0, 15), (analog,), scores, 5, "held", {"firing_rates": [0.25]})
    frames = _layer(5, 16, 8, 6, analog=True, reset="zero", threshold=list(range(900, 908)))
    yield Model(Frames(6, -8, 7), (frames, _layer(6, 4, 4, 8)), Count(), 5, "framed")
    free = _layer(7, 2, 33, 12, leak=(3, -5), reset_by=20, floor=-90, ceiling=120)
    yield Model(Spikes(12), (free,), name="running")
    yield Model(Rate(12, 0, 15), (ternary,), scores, 6, "rates")
    yield Model(Latency(12, 0, 15, (14, 9, 9, 3)), (ternary,), scores, 6, "times")
    yield Model(Delta(6, -128, 127, 3), (ternary,), scores, 6, "events", stop=EarlyStop(40, 2))
    yield Model(Analog(6, 0, 15, grid=Shape(2, 3, 1)), (analog,), scores, 5, "mapped")
    deep = Conv(_codes(9, 2, 16, 9).reshape(16, 3, 3, 1), Shape(8, 6, 1), input_shift=1)
    thresholds = np.sort(np.random.RandomState(10).randint(-20, 60, (3, 16)), axis=0)
    counting = Layer(deep, Burst(thresholds), pool=Pool())
    each = Conv(_codes(11, 4, 16, 9).reshape(16, 3, 3, 1), Shape(4, 3, 16), 4, stride=2, groups=16)
    several = Layer(each, LIF(8, (2,), most=3))
    last = Accumulate(Dense(_codes(12, 4, 5, 64), 4, bias=[1, -9, 4, 0, 7], fraction_bits=4))
    shown = Analog(48, 0, 15, grid=Shape(8, 6, 1))
    yield Model(shown, (counting, several), last, 2, "pictures")
    echo = Edge(Dense(_codes(13, 4, 8, 8), 4, fraction_bits=1), "self", [1, 2, 1, 5, 31, 1, 1, 3])
    past = _layer(14, 2, 8, 12, delay=[0, 7] * 6, more=(echo,))
    skip = Edge(Dense(_codes(15, 2, 8, 12), fraction_bits=2), "input")
    yield Model(Spikes(12), (past, _layer(16, 2, 8, 8, more=(skip,))), scores, 9, "echoes")
    current = Layer(Dense(_codes(19, 2, 8, 12)), CuBa(9, (2,), leak_c=(1, -3), floor=-40))
    yield Model(Spikes(12), (current,), scores, 6, "currents")
    raised = Layer(Dense(_codes(20, 2, 8, 12)), ALIF(4, (2,), leak_b=2, raise_by=range(1, 9)))
    yield Model(Spikes(12), (raised,), scores, 6, "adapting")
    classes = LeakClasses(((1,), (3, -5), (4,)), [0, 1, 2, 2, 1, 0, 0, 1])
    yield Model(Spikes(12), (_layer(21, 2, 8, 12, leak=classes),), scores, 6, "forgetting")
    first = LI(Dense(_codes(18, 4, 3, 8), 4, bias=[2, 0, -1]), (2, -5), "first", 40)
    yield Model(Rate(12, 0, 15), (ternary,), first, 6, "integrating", stop=EarlyStop(90))
    sensor = Sensor([120, -4, 39240], [70_000, 71_000, 45_000], shift=21, group=4, hop=3)
    about = {"sample_unit": 0.001, "channels": ["ax", "ay", "az"]}
    sensed = _layer(8, 8, 8, 3, analog=True, threshold=500)
    yield Model(
        Frames(3, -127, 127), (sensed,), scores, 6, "sensing", metadata=about, sensor=sensor
    )
    heard = replace(Spectrum.mel(5, 8000, 64, 40, shift=1, hop=2), mean=[210, 200, 190, 180, 170])
    hears = _layer(17, 2, 8, 5, analog=True)
    hearing = Model(Frames(5, -64, 63), (hears,), scores, 4, "hearing", sensor=heard)
    yield hearing
    yield replace(hearing, name="listening", detector=Detector(20, 2, 3, (1,)))


def results(model: Model) -> dict[str, Any]:
    """Return what a model file must always give: its digest, and what made inputs come to."""
    steps = () if model.input.held else (model.steps or 9,)
    random = np.random.RandomState(11)
    low, high = model.input.low, model.input.high
    x = random.randint(low, high + 1, (4, *steps, model.input.size))
    result = model.run(x)
    found: dict[str, Any] = {"digest": model.digest(), "name": model.name}
    found["state"] = [layer.tolist() for layer in result.state]
    found["scores"] = None if result.scores is None else result.scores.tolist()
    found["steps"] = None if result.steps is None else result.steps.tolist()
    if model.sensor is not None:
        count = max(60, model.sensor.samples_of(8))
        samples = random.randint(-30_000, 30_000, (count, model.sensor.channels))
        found["inputs"] = np.asarray(model.inputs_of(samples)).tolist()
    return found


def kinds(path: Path) -> set[str]:
    """Return the kinds of records that a model file names."""
    with zipfile.ZipFile(path) as archive:
        header = json.loads(archive.read("header.json"))
    return set(_kinds(header))


def _kinds(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from [value["kind"]] if isinstance(value.get("kind"), str) else []
        value = list(value.values())
    for item in value if isinstance(value, list) else []:
        yield from _kinds(item)


SPOILED = ("HELD_AGAIN(v4, v[4]), &leak0)", "HELD_AGAIN(v3, v[3]), &leak0)")
"""A line of the generated folder, and what makes it wrong."""

# ------------------------------------------------------------------ a run to resume

RUN_LINE = (
    "train digits --hidden 12 --bits 2 --output-bits 8 --steps 4 --epochs 4 --batch-size 64 "
    "--seed 3 --run {folder} -o {model}"
)
"""A training run; the folder beside the tests is that of one interrupted after two epochs."""
