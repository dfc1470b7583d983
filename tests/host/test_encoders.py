"""The encoders in C: in every way they can be computed, at edges, with planted bugs."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from calibration import samples
from support.compiler import QUICK
from support.crossed import crossed
from support.results import assert_same

from codegen.checks.host import WARNINGS, HostModel
from codegen.kernels import KERNELS, SPIKES, encoders
from codegen.kernels.encoders import ENCODERS, PLACE
from codegen.kernels.encoders.plan import SLICED_FROM
from codegen.plan import kinds
from codegen.plan.choose import plan
from codegen.render import render
from codegen.report.summary import summarize
from qat.model import (
    INPUTS,
    LIF,
    Analog,
    Count,
    Delta,
    Dense,
    Input,
    Latency,
    Layer,
    Model,
    Rate,
    Spikes,
)

COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]
TEMPLATES = Path(encoders.__file__).parent


def model_of(
    input_: Input, bits: int = 2, steps: int | None = 8, neurons: int = 21, zeros: float = 0.3
) -> Model:
    """Return a layer behind an encoder."""
    rng = np.random.default_rng(input_.lines)
    high = {2: 1, 4: 7, 8: 127, 16: 900}[bits]
    codes = samples.codes(rng, bits, (neurons, input_.lines), zeros)
    threshold = 2 * high if zeros < 0.9 else 1
    layer = Layer(Dense(codes, bits, bias=1), LIF(threshold, (2,)))
    return Model(input_, (layer,), None if steps is None else Count(), steps, name="net")


def all_values(input_: Input, steps: int) -> Any:
    """Return inputs in which every value meets every lane, and then random ones."""
    values = np.arange(input_.low, input_.high + 1)
    shape = (input_.size,) if input_.held else (steps, input_.size)
    lanes = np.arange(np.prod(shape)).reshape(shape)
    turned = np.stack([values[(lanes * 7 + start) % len(values)] for start in range(len(values))])
    rng = np.random.default_rng(0)
    drawn = rng.integers(input_.low, input_.high, (20, *shape), endpoint=True)
    if input_.held:
        return np.concatenate([turned, drawn])
    return np.concatenate([turned, drawn, np.sort(drawn, axis=1), np.sort(drawn, axis=1)[:, ::-1]])


def check(
    model: Model,
    way: str,
    compiler: str | None = None,
    flags: tuple[str, ...] = (),
    kernel: str | None = None,
) -> None:
    steps = model.steps or 11
    kernels = {PLACE: way} | ({} if kernel is None else {0: kernel})
    x = all_values(model.input, steps)
    free = 11 if model.steps is None and model.input.held else None
    files = render(model, kernels=kernels)
    found = HostModel(model, compiler, flags=flags or QUICK, files=files)
    expected = model.run(x, trace=True, steps=free)
    assert expected.spikes is not None
    assert expected.spikes[0].any(), "silence proves nothing"
    assert_same(expected, found.run(x, trace=True, steps=free))


# ------------------------------------------------------------------------ the table


def test_every_input_that_becomes_spikes_is_a_row_with_all_that_belongs_to_it() -> None:
    bytes_to_spikes = {kind for kind in INPUTS if kind.spiking} - {Spikes}
    assert set(ENCODERS) == bytes_to_spikes
    names = {kind.__name__.lower() for kind in ENCODERS}
    assert {path.name for path in TEMPLATES.glob("*.j2")} == {
        "planes.c.j2", *(f"{name}.c.j2" for name in names)
    }  # fmt: skip
    drawn = {(row.input, row.plain) for row in samples.PLANS}
    for kind, row in ENCODERS.items():
        text = (TEMPLATES / f"{kind.__name__.lower()}.c.j2").read_text()
        assert "{% macro manual() %}" in text
        assert "{% macro code() %}" in text
        for way in row.ways:
            assert f"{way} {kind.__name__.lower()} encoder" in kinds.kinds()
            assert (kind, way == row.ways[-1] != row.ways[0] or len(row.ways) == 1) in drawn


def test_a_way_that_an_encoder_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="found 'sliced'; this one is plain"):
        plan(model_of(Delta(9)), kernels={PLACE: "sliced"})


def test_few_values_are_encoded_one_by_one() -> None:
    for size, way in ((SLICED_FROM - 1, "plain"), (SLICED_FROM, "sliced")):
        encoder = plan(model_of(Rate(size))).encoder
        assert encoder is not None
        assert encoder.kernel == f"{way} rate"
    assert plan(model_of(Analog(9))).encoder is None


# ------------------------------------------------------------------------- equality

RATES = (
    (0, 255), (0, 128), (0, 127), (0, 16), (0, 15), (0, 8), (0, 1), (7, 200), (-128, 127),
    (-128, 0), (-8, 7), (-7, 7), (-16, 3), (-3, 16), (-1, 1), (-1, 0), (-5, 90), (-90, 5),
)  # fmt: skip


FEW = ((0, 255), (0, 16), (7, 200), (-128, 127), (-7, 7), (-1, 0))
HALF = (*FEW, (0, 128), (0, 1), (-8, 7), (-16, 3), (-5, 90))


def ranges(way: str, ordinary: tuple[tuple[int, int], ...]) -> list[Any]:
    """Return every range with a way, for parametrize; but for `ordinary` they are in the proof."""
    return [
        pytest.param(*range_, way, marks=() if range_ in ordinary else pytest.mark.proof)
        for range_ in RATES
    ]


@pytest.mark.parametrize(("low", "high", "way"), [*ranges("sliced", HALF), *ranges("plain", FEW)])
def test_rates_of_every_range(low: int, high: int, way: str) -> None:
    check(model_of(Rate(37, low, high)), way)


LEVELS = {
    "one": (1,),
    "equal": (9, 9, 5, 5),
    "above all": (16, 16, 12, 3),
    "above all, always": (16, 16),
    "down to the lowest": (15, 8, 0, 0),
    "below the lowest": (9, -3, -100),
}


@pytest.mark.parametrize("way", ["sliced", "plain"])
@pytest.mark.parametrize("levels", LEVELS.values(), ids=LEVELS)
def test_levels_of_every_kind(levels: tuple[int, ...], way: str) -> None:
    check(model_of(Latency(37, 0, 15, levels)), way)


@pytest.mark.parametrize(("low", "high", "way"), [*ranges("sliced", FEW), *ranges("plain", FEW)])
def test_latencies_of_every_range(low: int, high: int, way: str) -> None:
    """The planes of bits are those that rates of every range are made of."""
    check(model_of(Latency.linear(37, low, high, 5)), way)


THRESHOLDS = ("1", "2", "7", "200", "255")
EVENT_RANGES = {"0 to 255": (0, 255), "int8": (-128, 127), "0 to 15": (0, 15), "sign": (-1, 1)}


@pytest.mark.parametrize(("range_", "threshold"), crossed(EVENT_RANGES, THRESHOLDS))
def test_events_of_every_range(range_: str, threshold: str) -> None:
    check(model_of(Delta(37, *EVENT_RANGES[range_], int(threshold))), "plain")


SIZES = (1, 3, 4, 12, 13, 16, 17, 28, 29, 31, 32, 33, 61, 64, 127, 157)


SIZED = {
    "rate, signed, sliced": (lambda size: Rate(size, -8, 7), "sliced"),
    "latency, sliced": (lambda size: Latency.linear(size, -128, 127, 6), "sliced"),
    "rate, sliced": (Rate, "sliced"),
    "rate, signed, plain": (lambda size: Rate(size, -8, 7), "plain"),
    "latency, plain": (lambda size: Latency.linear(size, -128, 127, 6), "plain"),
    "delta, plain": (Delta, "plain"),
    "rate, plain": (Rate, "plain"),
}


@pytest.mark.parametrize(("size", "kind"), crossed(map(str, SIZES), SIZED))
def test_sizes_around_words(size: str, kind: str) -> None:
    make, way = SIZED[kind]
    check(model_of(make(int(size))), way)


@pytest.mark.parametrize(
    ("kernel", "bits"),
    [
        (k.name, k.bits[0])
        for k in KERNELS
        if SPIKES in k.reads and k.computes(0, model_of(Spikes(70), k.bits[0], zeros=0.98))
    ],
)
def test_every_kernel_reads_the_spikes(kernel: str, bits: int) -> None:
    for input_ in (Rate(70, -100, 100), Latency.linear(70, 0, 255, 6), Delta(45, 0, 15, 3)):
        model = model_of(input_, bits, zeros=0.98 if kernel == "sparse" else 0.3)
        check(model, ENCODERS[type(input_)].ways[0], kernel=kernel)


@pytest.mark.parametrize("input_", [Rate(40, 0, 15), Latency.linear(40, 0, 15, 4), Delta(40)],
                         ids=lambda i: type(i).__name__)  # fmt: skip
def test_a_free_running_model(input_: Any) -> None:
    for way in ENCODERS[type(input_)].ways:
        check(model_of(input_, steps=None), way)


LEVELS_OF = [f"{compiler} {level}" for level in ("-O2", "-O3", "-Os") for compiler in COMPILERS]
COMPILED = {
    "rate, sliced": (Rate(45, -9, 16), "sliced"),
    "latency, sliced": (Latency.linear(45, -8, 7, 5), "sliced"),
    "delta": (Delta(45, 0, 255, 16), "plain"),
    "rate, plain": (Rate(45, -9, 16), "plain"),
    "latency, plain": (Latency.linear(45, -8, 7, 5), "plain"),
}


@pytest.mark.parametrize(("kind", "compiled"), crossed(COMPILED, LEVELS_OF))
def test_every_compiler_and_flag_gives_the_same(kind: str, compiled: str) -> None:
    """The other tests here compile at -O0."""
    compiler, level = compiled.split()
    input_, way = COMPILED[kind]
    check(model_of(input_), way, compiler, (level,))


# ------------------------------------------------------------------ what else must hold

PLANTED = [
    (Rate(45), "sliced", "(x & y) | (differ & *carry)", "x & y"),
    (Rate(45, 0, 16), "sliced", "spikes = carry |", "spikes = carry &"),
    (Rate(45, -8, 7), "sliced", "uint32_t carry = sign;", "uint32_t carry = 0u;"),
    (Rate(45, 0, 15), "sliced", "= 0xffffffffu;", "= 0u;"),
    (Rate(9, 0, 15), "plain", "if (sum >= 16u)", "if (sum > 16u)"),
    (Rate(9, 0, 15), "plain", "(void)memset(state->input_error, 8,",
     "(void)memset(state->input_error, 7,"),
    (Latency.linear(45, 0, 15, 4), "sliced", "= done | reached;", "= done;"),
    (Latency.linear(45, 0, 15, 4), "sliced", "((level >> b) & 1u) - 1u",
     "0u - ((level >> b) & 1u)"),
    (Latency.linear(9, 0, 15, 4), "plain", "- level) < span", "- level) <= span"),
    (Delta(9, 0, 15, 3), "plain", "> 4u)", "> 5u)"),
    (Delta(9, 0, 15, 3), "plain", "(change > 0 ? 3 : -3)", "(change > 0 ? 3 : -2)"),
    (Delta(9, 0, 15, 3), "plain", "input_known[0] = 1u", "input_known[0] = 0u"),
]  # fmt: skip


@pytest.mark.parametrize(("input_", "way", "old", "new"), PLANTED)
def test_planted_bugs_are_found(input_: Input, way: str, old: str, new: str) -> None:
    model = model_of(input_)
    files, x = render(model, kernels={PLACE: way}), all_values(input_, 8)
    assert files["net.c"].count(old) >= 1
    files["net.c"] = files["net.c"].replace(old, new)
    broken = HostModel(model, flags=("-O0",), files=files)
    with pytest.raises(AssertionError):
        assert_same(model.run(x, trace=True), broken.run(x, trace=True))


MAIN = """
#include "net.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void)
{
    net_state *state = malloc(sizeof *state);
    unsigned total = 0u;

    if (state == NULL) {
        return 1;
    }
    (void)memset(state, 0xA5, sizeof *state);
    net_reset(state);
    for (unsigned round = 0u; round < 400u; round++) {
        unsigned char *x = malloc(NET_INPUTS); /* exactly: a read beyond it is seen */
        uint32_t out[NET_SPIKE_WORDS];

        for (unsigned i = 0u; (x != NULL) && (i < NET_INPUTS); i++) {
            x[i] = (unsigned char)(rand() >> 7);
        }
        CALLS
        total += out[0];
        free(x);
    }
    free(state);
    return (int)(total & 0u);
}
"""
HELD = "net_input(state, (const void *)x); net_step(state, out); net_step(state, out);"
STEPPED = "net_step(state, (const void *)x, out);"


SIZES_AND_RANGES = ("3, 0 to 15", "61, -3 to 16", "30, 0 to 15", "16, -3 to 16", "3, -3 to 16",
                    "61, 0 to 15", "30, -3 to 16", "16, 0 to 15")  # fmt: skip
KINDS = {kind.__name__: kind for kind in (Rate, Latency, Delta)}


@pytest.mark.parametrize(("name", "sized"), crossed(KINDS, SIZES_AND_RANGES, each=2))
def test_bytes_beyond_the_range_do_no_harm(name: str, sized: str, tmp_path: Path) -> None:
    """No access beyond an array, by gcc's address sanitizer, and nothing undefined."""
    kind, (size, low, high) = KINDS[name], map(int, re.findall(r"-?\d+", sized))
    model = model_of(kind(size, low, high), 4, steps=None)
    for way in ENCODERS[kind].ways:
        files = render(model, kernels={PLACE: way})
        files["main.c"] = MAIN.replace("CALLS", HELD if model.input.held else STEPPED)
        for path, text in files.items():
            (tmp_path / path).write_text(text)
        command = ["gcc", *WARNINGS, "-O0", "-g", "-fsanitize=address,undefined",
                   "-fno-sanitize-recover=all", "net.c", "main.c", "-o", "main"]  # fmt: skip
        subprocess.run(command, cwd=tmp_path, check=True)
        done = subprocess.run([tmp_path / "main"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[:2000]


def test_sizes_count_the_encoder() -> None:
    for input_ in (Rate(784, 0, 15), Latency.linear(784, 0, 255, 8), Delta(784)):
        model = model_of(input_)
        plain = model_of(Spikes(input_.lines))
        encoder = plan(model).encoder
        assert encoder is not None
        own = sum(field.bytes for field in encoder.fields)
        assert plan(model).ram_bytes >= plan(plain).ram_bytes + own
        kept = summarize(model)["shared_ram"]
        assert {field.name for field in encoder.fields} <= {item["name"] for item in kept}
        more = sum(table.bytes for table in encoder.tables)
        assert plan(model).flash_bytes == plan(plain).flash_bytes + more


def test_the_header_says_what_the_encoder_does() -> None:
    rate = render(model_of(Rate(40, -8, 7)))["net.h"]
    assert "e += |x|, a spike where e >= 8, e -= 8 where it spikes" in rate
    assert "Layer 0  80 inputs" in rate
    assert "Line i are the spikes of input i where it is positive, line 40 + i" in rate
    latency = render(model_of(Latency.linear(40, 0, 15, 5)))["net.h"]
    assert "with x[i] >= levels[t], for 5 levels" in latency
    delta = render(model_of(Delta(40, 0, 15, 3)))["net.h"]
    assert "spikes where x - r >= 3, and r += 3; line 40 + i where r - x >= 3" in delta
