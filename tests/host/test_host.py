"""The compiled C on this machine: flags, foreign code, planted bugs, sizes."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.models import inputs_for
from support.results import assert_same
from support.zoo.golden import GOLDEN
from support.zoo.small import small_model

import codegen
from codegen.base.errors import InconsistentError
from codegen.checks.equivalence import compare_host, made_inputs
from codegen.checks.host import WARNINGS, CompilerError, HostModel, find_compiler
from codegen.measure.benchmark import spikes_of
from codegen.measure.shapes import random_layer
from codegen.plan.choose import plan
from codegen.render import render
from qat.model import LIF, Accumulate, Analog, Count, Dense, Frames, Layer, Model, Spikes


def plain_model(bits: int = 8, **neuron: Any) -> Model:
    rng = np.random.default_rng(2)
    high = 2 ** (bits - 1) - 1
    codes = rng.integers(-high - 1, high, (35, 12), endpoint=True)
    layer = Layer(Dense(codes, bits), LIF(**({"threshold": 4 * high, "leak": (3,)} | neuron)))
    return Model(Spikes(12), (layer,), Count(), 7, name="plain")


@pytest.fixture(scope="module")
def generate(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Model, Path], Path]:
    """Return what puts a model's generated files into a folder, and returns the C among them.

    Every model is generated once.
    """
    made = tmp_path_factory.mktemp("generated")

    def copied(model: Model, folder: Path) -> Path:
        source = made / model.digest()
        if not source.exists():
            codegen.generate(model, source)
        shutil.copytree(source, folder, dirs_exist_ok=True)
        return folder / f"{model.name}.c"

    return copied


@pytest.mark.parametrize("bits", [4, 8, 16])
@pytest.mark.parametrize("input_", [Analog(12, -8, 7), Frames(12, 0, 31), Spikes(12)], ids=repr)
def test_wider_weights(bits: int, input_: Any) -> None:
    model = dataclasses.replace(plain_model(bits), input=input_)
    assert codegen.check(model) is None


def test_batches_are_cut_into_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    model = small_model()
    x = inputs_for(model, 50, 1)
    monkeypatch.setattr("codegen.checks.host.PIECE_BYTES", 40_000)
    assert_same(model.run(x, trace=True), HostModel(model).run(x, trace=True))


@pytest.mark.parametrize("model", [*GOLDEN, small_model()], ids=lambda model: model.name)
def test_check_finds_nothing_in_honest_code(
    model: Model, tmp_path: Path, generate: Callable[[Model, Path], Path]
) -> None:
    generate(model, tmp_path)
    assert codegen.check(model, made_inputs(model, 8), code=tmp_path) is None


PLANTED = [
    ("bitsliced", "return ~silent;", "return silent;"),  # another comparison
    ("bitsliced", "AGAIN(v4, ", "AGAIN(v0, "),  # another leak
    ("bitsliced", "carry |= u[", "carry &= u["),  # a wrong reset
    ("bitsliced", "fours ^= a;", "fours |= a;"),  # a dropped carry
    ("bitsliced", "return (x & ~differ)", "return (x & differ)"),
    ("bitsliced", "(n & 2u)", "(n & 6u)"),
    ("plain", "if (u >= ", "if (u > "),
    ("plain", "plain_asr(v, 3u)", "plain_asr(v, 4u)"),
    ("plain", "u -= 508", "u -= 507"),
    ("plain", "carry &= ~counts[", "carry |= ~counts["),
    ("plain", "(column[0] >> 8) & 0x00ff00ffu", "(column[0] >> 8) & 0x00ff007fu"),
    ("plain", "n * 0x00800080u", "n * 0x00800081u"),
    ("plain", "start + (start << 8)}", "start}"),
    ("plain", "all[word] - (odd[word] << 8)", "all[word]"),
]


@pytest.mark.parametrize(("kernel", "old", "new"), PLANTED)
def test_planted_bugs_are_found(
    kernel: str, old: str, new: str, tmp_path: Path, generate: Callable[[Model, Path], Path]
) -> None:
    model = small_model() if kernel == "bitsliced" else plain_model()
    source = generate(model, tmp_path)
    text = source.read_text()
    assert old in text
    source.write_text(text.replace(old, new, 1))
    difference = codegen.check(model, made_inputs(model, 400), code=tmp_path)
    assert difference is not None
    expected = model.run(made_inputs(model, 400), trace=True)
    if difference.quantity in ("u", "spike", "v"):
        name = {"u": "u", "spike": "spikes", "v": "v"}[difference.quantity]
        trace = getattr(expected, name)[difference.layer]
        place = (difference.sample, difference.step, difference.neuron)
        assert trace[place] == difference.expected != difference.found
    assert str(difference).startswith(f"sample {difference.sample}, ")


COMPLEMENT = [
    ("inverted[k] = ~words[k]", "inverted[k] = words[k]"),
    ("inverted[count - 1u] &= last", "inverted[count - 1u] &= last >> 1"),
    ("broadcast(0u - start - n", "broadcast(0u - start + n"),
    ("b < digits ? b : digits - 1u]", "b < digits ? b : 0u]"),
    ("sum[b] = ~sum[b]", "sum[b] = sum[b]"),
    ("minus += digits", "minus += 0u"),
    ("bench_all0[j] - state->totals[j]", "bench_all0[j]"),
]


@pytest.mark.parametrize(("old", "new"), COMPLEMENT)
def test_planted_bugs_of_the_complement_are_found(old: str, new: str) -> None:
    model = random_layer(300, 70, bits=4 if "_all0" in old else 2)
    files = render(model)
    assert old in files["bench.c"]
    honest, broken = (
        HostModel(model, files=files | {"bench.c": text})
        for text in (files["bench.c"], files["bench.c"].replace(old, new))
    )
    few, many = spikes_of(300, 0.3), spikes_of(300, 0.8)
    assert_same(model.run(many, trace=True), honest.run(many, trace=True))
    assert_same(model.run(few, trace=True), broken.run(few, trace=True))
    with pytest.raises(AssertionError):
        assert_same(model.run(many, trace=True), broken.run(many, trace=True))


LISTS = [
    ("bench_weights0 + end[1]", "bench_weights0 + end[0]"),
    ("- state->totals[", "+ state->totals["),
    ("+ 32u * k", "+ k"),
]


@pytest.mark.parametrize(("old", "new"), LISTS)
def test_planted_bugs_of_the_lists_are_found(old: str, new: str) -> None:
    model = random_layer(300, 70, zeros=0.98)
    files, x = render(model, kernels={0: "sparse"}), spikes_of(300, 0.5)
    assert files["bench.c"].count(old) == 1
    broken = files | {"bench.c": files["bench.c"].replace(old, new)}
    assert_same(model.run(x, trace=True), HostModel(model, files=files).run(x, trace=True))
    with pytest.raises(AssertionError):
        assert_same(model.run(x, trace=True), HostModel(model, files=broken).run(x, trace=True))


def test_small_layers_pay_nothing_for_the_complement() -> None:
    assert "sum_inactive" in render(random_layer(300, 70))["bench.c"]
    for bits in (2, 4, 8):
        assert "list_inactive" in render(random_layer(300, 70, bits=bits))["bench.c"]
        assert "list_inactive" not in render(random_layer(64, 32, bits=bits))["bench.c"]


def test_the_first_difference_is_the_first(tmp_path: Path) -> None:
    model = plain_model(threshold=100)
    source = codegen.generate(model, tmp_path)["plain.c"]
    source.write_text(source.read_text().replace("u -= 100", "u -= (j == 30u) ? 99 : 100"))
    x = np.random.default_rng(5).random((60, 7, 12)) < 0.5
    spikes = model.run(x, trace=True).spikes
    assert spikes is not None
    sample, step = np.argwhere(spikes[0][:, :, 30])[0]
    difference = codegen.check(model, x, code=tmp_path)
    assert difference is not None
    assert (difference.sample, difference.step) == (sample, step)
    assert (difference.layer, difference.neuron, difference.quantity) == (0, 30, "v")
    assert difference.found - difference.expected == 1


WHOLE = [
    ("plain_step(state, x + step * PLAIN_INPUTS, out)", "plain_step(state, x, out)"),
    ("step < PLAIN_STEPS; step++", "step < PLAIN_STEPS - 1u; step++"),
]


@pytest.mark.parametrize(("old", "new"), WHOLE)
def test_planted_bugs_of_a_whole_inference_are_found(old: str, new: str) -> None:
    model = dataclasses.replace(plain_model(), input=Frames(12, 0, 1))
    files, x = render(model), inputs_for(model, 9, 1)
    assert files["plain.c"].count(old) == 1
    broken = files | {"plain.c": files["plain.c"].replace(old, new)}
    assert_same(model.run(x), HostModel(model, files=files).run(x))
    with pytest.raises(InconsistentError, match="plain_classify gives other scores"):
        HostModel(model, files=broken).run(x)


def test_code_of_another_model_is_refused(
    tmp_path: Path, generate: Callable[[Model, Path], Path]
) -> None:
    generate(small_model(threshold=41), tmp_path)
    with pytest.raises(ValueError, match="the C belongs to the model with digest"):
        codegen.check(small_model(), code=tmp_path)
    with pytest.raises(
        ValueError, match=r"found no pair of files; must hold small\.h and small\.c"
    ):
        codegen.check(small_model(), code=tmp_path / "none")


def test_code_under_another_name_is_found(tmp_path: Path) -> None:
    codegen.generate(small_model(), tmp_path, name="renamed")
    assert codegen.check(small_model(), code=tmp_path) is None
    codegen.generate(small_model(), tmp_path, name="twice")
    with pytest.raises(ValueError, match="found renamed, twice; must hold"):
        codegen.check(small_model(), code=tmp_path)


def test_files_of_two_models_do_not_compile_together(tmp_path: Path) -> None:
    model, other = small_model(), small_model(threshold=41)
    files = render(model) | {"small.h": render(other)["small.h"]}
    with pytest.raises(CompilerError, match="were generated from different models"):
        HostModel(model, files=files)


def test_undefined_behaviour_traps(tmp_path: Path) -> None:
    model = plain_model()
    code = render(model)["plain.c"].replace("int32_t u = v", "int32_t u = v + 2147483647 + (v | 1)")
    script = (
        "import sys; from codegen.checks.host import HostModel; from qat.model import Model\n"
        "model = Model.load(sys.argv[1])\n"
        "host = HostModel(model, files={'plain.c': open(sys.argv[2]).read()})\n"
        "import numpy as np; host.run(np.ones((1, 7, 12)))\n"
    )
    model.save(tmp_path / "m.npz")
    (tmp_path / "bad.c").write_text(code)
    arguments = [sys.executable, "-c", script, tmp_path / "m.npz", tmp_path / "bad.c"]
    done = subprocess.run(arguments, capture_output=True, check=False)
    assert done.returncode < 0, done.stderr  # killed by the trap


def test_no_compiler_is_one_clear_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    with pytest.raises(CompilerError, match=r"no C compiler: looked for cc, gcc, clang; install"):
        HostModel(small_model())


@pytest.mark.parametrize(
    "model", [small_model(), plain_model(), plain_model(4)], ids=["s", "p", "4"]
)
def test_ram_is_what_was_planned(
    model: Model, tmp_path: Path, generate: Callable[[Model, Path], Path]
) -> None:
    generate(model, tmp_path)
    planned = plan(model).ram_bytes
    source = f'#include "{model.name}.h"\ntypedef char same[sizeof({model.name}_state) == '
    (tmp_path / "size.c").write_text(source + f"{planned} ? 1 : -1];\n")
    command = [find_compiler(), *WARNINGS, "-fsyntax-only", "size.c"]
    subprocess.run(command, cwd=tmp_path, check=True)


def test_two_models_and_two_instances_live_in_one_program(tmp_path: Path) -> None:
    first, second = small_model(), dataclasses.replace(small_model(threshold=60), name="other")
    for name, text in {**render(first), **render(second)}.items():
        (tmp_path / name).write_text(text)
    x = inputs_for(first, 2, 3)
    numbers = ", ".join(str(int(value)) for value in x.ravel())
    (tmp_path / "both.cpp").write_text(
        '#include "small.h"\n#include "other.h"\n#include <cstdio>\n'
        f"static const uint8_t x[2][20] = {{{numbers}}};\n"
        "int main() {\n"
        "    static small_state a, b;\n    static other_state c;\n"
        "    uint32_t out[2];\n    int32_t scores[3][5];\n"
        "    small_reset(&a); small_input(&a, x[0]);\n"
        "    small_reset(&b); small_input(&b, x[1]);\n"
        "    for (int t = 0; t < 6; t++) { small_step(&a, out); small_step(&b, out); }\n"
        "    small_scores(&a, scores[0]); small_scores(&b, scores[1]);\n"
        "    other_classify(&c, x[0], scores[2]);\n"
        '    for (int i = 0; i < 15; i++) std::printf("%d ", (int)scores[i / 5][i % 5]);\n'
        "}\n"
    )
    compiler = find_compiler()
    for name in ("small.c", "other.c"):
        subprocess.run([compiler, *WARNINGS, "-c", name], cwd=tmp_path, check=True)
    link = ["g++", "-Wall", "-Wextra", "-Werror", "-Wno-missing-field-initializers"]
    subprocess.run(
        [*link, "both.cpp", "small.o", "other.o", "-o", "both"], cwd=tmp_path, check=True
    )
    done = subprocess.run([tmp_path / "both"], capture_output=True, text=True, check=True)
    found = np.array(done.stdout.split(), int).reshape(3, 5)
    one, two = first.run(x).scores, second.run(x).scores
    assert one is not None
    assert two is not None
    np.testing.assert_array_equal(found, [one[0], one[1], two[0]])


def test_comparison_counts_what_it_compared() -> None:
    model = small_model()
    comparison = compare_host(model, inputs_for(model, 10, 0))
    spikes = 10 * 6 * (40 + 33)
    assert (comparison.samples, comparison.spikes, comparison.differing) == (10, spikes, 0)
    assert comparison.membranes == 2 * spikes + 10 * (40 + 33)
    assert comparison.scores == 10 * 5 + 10
    assert comparison.line.startswith("0 of 4,380 spikes differ (0 of ")


def test_a_name_can_be_chosen_and_is_checked(tmp_path: Path) -> None:
    paths = codegen.generate(small_model(), tmp_path, name="keyword_spotter")
    assert {"keyword_spotter.c", "keyword_spotter.h", "manifest.json"} < set(paths)
    with pytest.raises(ValueError, match="must be a C identifier"):
        codegen.generate(small_model(), tmp_path, name="../escape")


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="cannot be written"):
        codegen.generate(small_model(), tmp_path / "file" / "out")


def test_readouts_without_bias_with_bias_and_wide() -> None:
    rng = np.random.default_rng(0)
    for bits, bias in ((2, 0), (2, 7), (2, rng.integers(-9, 9, 40)), (4, -3), (16, 5)):
        synapse = Dense(rng.integers(-1, 2, (40, 33)), bits, bias, fraction_bits=2)
        model = dataclasses.replace(small_model(), readout=Accumulate(synapse))
        assert codegen.check(model) is None
