"""One test per bug that the generated C once had."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from support.zoo.heard import spectrum

import codegen
from codegen.checks.host import HostModel
from codegen.render import render
from codegen.target.boards import find_board
from codegen.target.compiler import find_cross_compiler, model_flags
from qat.model import (
    LIF,
    Accumulate,
    Analog,
    Burst,
    Conv,
    Count,
    Dense,
    Frames,
    Layer,
    Model,
    Rate,
    Shape,
    Spikes,
)

COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]


@pytest.mark.parametrize("compiler", COMPILERS)
def test_functions_only_for_probes_are_not_left_unused(compiler: str) -> None:
    """Clang warned of `lane` and `signed` in a free-running model without probes."""
    model = Model(Spikes(3), (Layer(Dense(np.eye(3, dtype=int)), LIF(4, (2,))),))
    HostModel(model, compiler=compiler)
    assert codegen.check(model, compiler=compiler) is None


@pytest.mark.parametrize("compiler", COMPILERS)
def test_a_current_whose_bits_lie_above_the_membrane_is_no_unused_parameter(compiler: str) -> None:
    """All weights zero and many fraction bits: no plane of u takes the current."""
    layer = Layer(Dense(np.zeros((1, 3), int), bias=[-13], fraction_bits=6), LIF([3], (0,)))
    model = Model(Spikes(3), (layer,))
    assert codegen.check(model, compiler=compiler) is None


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("low", [-1, 0])
def test_rates_of_one_bit_have_nothing_to_add(low: int, compiler: str) -> None:
    """Clang warned of an unused `add` where inputs are bits and all weights are zero."""
    input_ = Rate(31, low, low + 1)
    layer = Layer(Dense(np.zeros((1, input_.lines), int), bias=-39), LIF(3, (0,)))
    assert codegen.check(Model(input_, (layer,)), compiler=compiler) is None


def test_sums_of_signed_bytes_convert_without_a_warning() -> None:
    """Gcc warned of `sum += (uint32_t)x` for an int8_t x."""
    layer = Layer(Dense(np.eye(3, dtype=int), input_shift=1), LIF(9, (2,)))
    assert codegen.check(Model(Frames(3, -8, 7), (layer,), Count(), 4)) is None


def test_clearing_is_not_mistaken_for_a_wrong_size() -> None:
    """Gcc took memset(x, 0, 6 * sizeof x[0]) for a mistake where x had 24 elements."""
    rng = np.random.default_rng(0)
    for outputs in range(1, 8):
        readout = Accumulate(Dense(rng.integers(-1, 2, (outputs, 40))))
        layer = Layer(Dense(rng.integers(-1, 2, (40, 6)), 4), LIF(3, (2,)))
        assert codegen.check(Model(Spikes(6), (layer,), readout, 4)) is None


@pytest.mark.target
def test_probes_of_eight_planes_build_for_helium(tmp_path: Path) -> None:
    """GCC 12 made vectors of the loop over planes, too long for the branch over them."""
    codes = np.random.default_rng(0).integers(-1, 2, (40, 33))
    model = Model(Spikes(33), (Layer(Dense(codes), LIF(20, (3,), floor=-127, ceiling=127)),))
    assert model.bounds().layers[0].v.width == 8
    for name, text in render(model).items():
        (tmp_path / name).write_text(text)
    flags = [*find_board("qemu-m55").core_flags, *model_flags(), "-DMODEL_PROBE=1", "-c", "snn.c"]
    subprocess.run([find_cross_compiler(), *flags], cwd=tmp_path, check=True)


def nothing_taken(neurons: int) -> Model:
    """Return a model whose spikes take nothing from the membrane, which a ceiling holds."""
    codes = np.random.default_rng(0).integers(-1, 2, (neurons, 3))
    return Model(Spikes(3), (Layer(Dense(codes), LIF(3, reset_by=0, floor=-20, ceiling=90)),))


@pytest.mark.parametrize("compiler", COMPILERS)
def test_a_reset_that_takes_nothing_is_no_function(compiler: str) -> None:
    """Gcc warned of an unused parameter: the spikes, which change no plane."""
    assert codegen.check(nothing_taken(33), compiler=compiler) is None


@pytest.mark.target
@pytest.mark.parametrize("name", ["qemu-m0", "qemu-m4", "qemu-m55"])
def test_a_reset_that_takes_nothing_compiles_for_the_cores(name: str, tmp_path: Path) -> None:
    board = find_board(name)
    for file, text in render(nothing_taken(160)).items():
        (tmp_path / file).write_text(text)
    command = [find_cross_compiler(board.architecture), *board.core_flags, *model_flags(), "-Wall"]
    for probe in (0, 2):
        flags = [
            "-Wextra",
            "-Werror",
            "-O2",
            f"-DMODEL_PROBE={probe}",
            "-c",
            "snn.c",
            "-o",
            "snn.o",
        ]
        subprocess.run([*command, *flags], cwd=tmp_path, check=True)


def test_the_means_of_bands_are_not_those_of_bytes() -> None:
    """A table of a spectrum and a function of a first layer on maps had one name."""
    rng, shape = np.random.default_rng(0), Shape(6, 5, 1)
    conv = Conv(rng.integers(-1, 2, (16, 4, 4, 1)), shape, stride=2)
    burst = Burst(np.repeat([[-70], [0], [70]], 16, axis=1))
    readout = Accumulate(Dense(rng.integers(-1, 2, (3, conv.shape.size))))
    sensor = spectrum(64, 40, 5, shift=4, vectors=6)
    model = Model(Analog(30, 0, 15, grid=shape), (Layer(conv, burst),), readout, 1, sensor=sensor)
    assert "_mean_bytes(" in render(model)["snn.c"]
    x = rng.integers(0, 16, (20, 30)).astype(np.uint8)
    assert codegen.check(model, x) is None
