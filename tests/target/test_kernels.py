"""Every inner loop made for a core equals its portable twin and Model.run, in every bit."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.crossed import covering, crossed
from support.recorded import at_odd_addresses, emulated, telling_u, told_u
from support.results import assert_same
from support.zoo import counting, sized
from support.zoo import neurons as kinds
from support.zoo.sized import SILENT, inputs_of, spikes

from codegen import isa
from codegen.checks.comparison import compare
from codegen.checks.equivalence import FREE_STEPS, made_inputs
from codegen.checks.host import WARNINGS
from codegen.plan.choose import plan
from codegen.plan.program import Program
from codegen.render import render
from qat.model import LIF, Layer, Model

pytestmark = pytest.mark.target

MODELS = sized.MODELS | counting.MODELS | kinds.MODELS

CORES = ("qemu-m0", "qemu-m3", "qemu-m4", "qemu-m55")
"""One board for each set of inner loops: ARMv6-M, ARMv7-M without and with DSP, Helium."""

PORTABLE = ("-DMODEL_PORTABLE=1",)

MANY, THOUSANDS = 64, 10_000
"""Samples of each model in the proof; input vectors of all of them on a core, at least."""


def check(
    model: Model,
    board: str,
    flags: tuple[str, ...] = (),
    **options: Any,
) -> None:
    """Compare every spike and membrane."""
    x, steps = inputs_of(model)
    expected = replace(model.run(x, trace=True, steps=steps), u=None)
    with emulated(model, board, flags=flags, **options) as running:
        assert_same(expected, running.run(x, trace=True, steps=steps))


def loops_of(program: Program) -> set[str]:
    """Return what of a model's C an instruction set may have its own for, and where it stands."""
    encoder = () if program.encoder is None else (program.encoder.kernel,)
    return {*encoder, *(stage.kernel for stage in program.stages), *program.helpers}


def parts_of(program: Program) -> set[str]:
    """Return what a model's C is made of: kernels, encoders, inner loops, kinds of neurons."""
    return loops_of(program) | set(map(neurons, program.layers, program.model.layers))


def neurons(stage: Any, layer: Layer) -> str:
    """Return the kind of a layer's neurons, and the kernel that they lie behind."""
    neuron = layer.neuron
    thresholds = "own thresholds" if neuron.least.size > 1 else "one threshold"
    counts = f"{neuron.most} spikes"
    if not isinstance(neuron, LIF):
        return f"{stage.kernel}, {type(neuron).__name__}, {thresholds}, {counts}"
    limits = neuron.floor is not None, neuron.ceiling is not None
    shifts = " or ".join(str(len(terms)) for terms in neuron.leaks)
    return f"{stage.kernel}, {neuron.reset}, {thresholds}, {limits}, {shifts} shifts, {counts}"


PROGRAMS = {name: plan(model) for name, model in MODELS.items()}
LOOPS = {name: loops_of(program) for name, program in PROGRAMS.items()}
PARTS = {name: parts_of(program) for name, program in PROGRAMS.items()}
OWN = set(isa.find("cortex-m3").loops)
MADE_OF = {
    "qemu-m4": PARTS,
    "qemu-m55": PARTS,
    "qemu-m0": LOOPS,
    "qemu-m3": {name: loops & OWN for name, loops in LOOPS.items()},
}
"""What of each model is looked at on a core: neurons of qemu-m0 and qemu-m3 have the portable C of
those of qemu-m4, and so has what else of qemu-m3 is none of its loops."""


@pytest.mark.parametrize("name", MODELS)
def test_the_cases_spike(name: str) -> None:
    x, steps = inputs_of(MODELS[name])
    fired = MODELS[name].run(x, trace=True, steps=steps).spikes
    assert fired is not None
    assert sum(s.any() for s in fired) >= len(fired) - (name in SILENT), "silence proves nothing"


@pytest.mark.parametrize(("name", "board"), covering(MADE_OF))
def test_a_core_gives_the_model(name: str, board: str) -> None:
    check(MODELS[name], board)


@pytest.mark.parametrize(
    ("name", "board"),
    [
        ("analog", "qemu-m0"),
        ("frames", "qemu-m0"),
        ("rate", "qemu-m0"),
        ("signed bytes", "qemu-m4"),
        ("signed bytes", "qemu-m55"),
    ],
)
def test_bytes_may_lie_at_odd_addresses(name: str, board: str) -> None:
    """ARMv6-M faults on a word at an odd address, ARMv7-M on a pair of them."""
    files = at_odd_addresses(render(MODELS[name]))
    assert "model_odd(x)" in files["binding.h"]
    check(MODELS[name], board, files=files)


@pytest.mark.parametrize(
    "name", ["analog", "to zero", "to a value", "a step later", "several spikes"]
)
def test_a_vector_core_gives_u_as_well(name: str) -> None:
    """Helium keeps u for the probe in a way of its own; here it takes the membranes' place."""
    model = MODELS[name]
    x, steps = inputs_of(model)
    expected = model.run(x, trace=True, steps=steps)
    files = telling_u(model.name, render(model))
    with emulated(model, "qemu-m55", files=files) as running:
        found = running.run(x, trace=True, steps=steps)
    assert_same(told_u(expected), found)


PORTABLE_MODELS = (
    "sizes", "4 bits", "8 bits", "8 bits, beyond int16", "rate, signed", "latency", "delta",
    "bursts", "several spikes",
)  # fmt: skip


@pytest.mark.parametrize(("name", "board"), crossed(PORTABLE_MODELS, CORES))
def test_the_portable_twin_gives_the_same(name: str, board: str) -> None:
    check(MODELS[name], board, PORTABLE)


@pytest.mark.proof
@pytest.mark.parametrize("flags", [(), PORTABLE], ids=["own", "portable"])
@pytest.mark.parametrize("board", CORES)
def test_thousands_of_inputs_and_the_extremes(board: str, flags: tuple[str, ...]) -> None:
    vectors = total = 0
    for name, model in MODELS.items():
        x = made_inputs(model, MANY, seed=1)  # the extremes first, then of every density
        steps = FREE_STEPS if model.input.held and model.steps is None else None
        expected = replace(model.run(x, trace=True, steps=steps), u=None)
        with emulated(model, board, flags=flags) as running:
            found = compare(expected, running.run(x, trace=True, steps=steps))
        assert found.differing == 0, f"{name}: {found.first}"
        vectors += x.size // model.input.size
        total += found.spikes + found.membranes + found.scores
    print(f"kernels: {board} {' '.join(flags)}: {vectors:,} inputs, {total:,} values compared")
    assert vectors > THOUSANDS


@pytest.mark.parametrize("board", CORES)
def test_a_core_has_its_own_loop(board: str) -> None:
    model = MODELS["wide"]
    x = spikes(784)[:1, 20:24]
    with emulated(model, board) as made, emulated(model, board, flags=PORTABLE) as portable:
        faster = made.benchmark(x).step.sum() / portable.benchmark(x).step.sum()
    assert faster < (0.6 if board == "qemu-m55" else 0.9)


BROKEN = {
    "qemu-m0": ('"bics r4, r2\\n"', '"ands r4, r2\\n"'),
    "qemu-m4": ('"bic " z "," z ", r4\\n"', '"and " z "," z ", r4\\n"'),
    "qemu-m55": ('"vbic q3, q3, q0\\n\\t"', '"vand q3, q3, q0\\n\\t"'),
}


@pytest.mark.parametrize("board", BROKEN)
def test_a_planted_bug_shows(board: str) -> None:
    model, (old, new) = MODELS["wide"], BROKEN[board]
    files, name = render(model), f"{MODELS['wide'].name}.c"
    assert files[name].count(old) == 1
    with pytest.raises(AssertionError):
        check(model, board, files=files | {name: files[name].replace(old, new)})


COMPILED = (
    "vectors alone",
    "sparse",
    "sizes",
    "small",
    "own constants",
    "4 bits",
    "8 bits, beyond int16",
    "analog",
    "pixels",
    "signed bytes",
    "ten scores",
    "rate, signed",
    "rate of few",
    "latency",
    "latency of few",
    "delta of few",
)
FAMILIES = (
    "thumbv6m",
    "thumbv7m",
    "thumbv7em",
    "thumbv8m.base",
    "thumbv8m.main",
    "thumbv8.1m.main",
)
GCC = {
    "cortex-m0plus": "", "cortex-m23": "", "cortex-m3": "", "cortex-m4": "", "cortex-m7": "",
    "cortex-m33": "", "cortex-m55": "-mfloat-abi=hard", "cortex-m55+nomve": "",
}  # fmt: skip


def written(model: Model, folder: Path) -> Path:
    for name, text in render(model).items():
        (folder / name).write_text(text)
    return folder / f"{model.name}.c"


OPTIONS = (("-Os",), ("-O0",), ("-O2", *PORTABLE), ("-O2", "-DMODEL_PROBE=2"))


@pytest.mark.parametrize(("name", "cpu"), crossed(COMPILED, GCC))
def test_gcc_accepts_every_core_without_a_warning(name: str, cpu: str, tmp_path: Path) -> None:
    source = written(MODELS[name], tmp_path)
    turn = COMPILED.index(name) + list(GCC).index(cpu)  # in the proof all have all
    for extra in (("-O2",), OPTIONS[turn % len(OPTIONS)]):
        command = ["arm-none-eabi-gcc", "-mthumb", f"-mcpu={cpu}", *GCC[cpu].split(), *WARNINGS]
        subprocess.run([*command, *extra, "-c", source, "-o", tmp_path / "model.o"], check=True)


@pytest.mark.parametrize(
    ("name", "family"), crossed(COMPILED, [*FAMILIES, "thumbv8.1m.main -mcpu=cortex-m55"])
)
def test_clang_assembles_every_family(name: str, family: str, tmp_path: Path) -> None:
    source, (target, *cpu) = written(MODELS[name], tmp_path), family.split()
    command = ["clang", f"--target={target}-none-eabi", *cpu, *WARNINGS]
    command += ["-O2", "-isystem", "/usr/lib/arm-none-eabi/include"]
    subprocess.run([*command, "-c", source, "-o", tmp_path / "model.o"], check=True)
