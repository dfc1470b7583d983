"""The suite's vectors, replayed by a program of its own under the sanitizers that need a runtime.

Address sanitizer surrounds state, inputs and outputs by red zones. Memory sanitizer tells what is
read before it is written: the state begins as anything, and scratch is forgotten before each call.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.models import inputs_for
from support.sanitized import ADDRESS, MEMORY, run
from support.zoo.sized import MODELS, inputs_of
from support.zoo.small import small_model

from codegen.render import render

BUILDS = {
    "gcc": ("gcc", ADDRESS),
    "clang": ("clang", ADDRESS),
    "clang, memory": ("clang", MEMORY),
}

PACKAGES = {"gcc": "gcc", "clang": "clang libclang-rt-14-dev"}

SAMPLE = ("analog, own constants", "4 bits, own constants", "rate, signed")
"""Models of the ordinary run; the proof has all of the kernels' models."""

FEW = 3
"""Samples of the inputs of a kernel's model."""


def compiler_of(build: str) -> tuple[str, tuple[str, ...]]:
    compiler, flags = BUILDS[build]
    assert shutil.which(compiler), f"no {compiler}: apt-get install {PACKAGES[compiler]}"
    return compiler, flags


def replay(name: str, build: str, folder: Path) -> None:
    model = MODELS[name]
    x, steps = inputs_of(model)
    done = run(folder, model, (x[:FEW], steps), compiler_of(build))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == f"{min(len(x), FEW)} vectors\n"


@pytest.mark.parametrize("build", BUILDS)
def test_vectors_under_sanitizers(build: str, tmp_path: Path) -> None:
    model = small_model()
    x = inputs_for(model, 4, 0)
    done = run(tmp_path, model, (x, None), compiler_of(build))
    assert (done.returncode, done.stdout) == (0, "4 vectors\n"), done.stdout + done.stderr
    replay(SAMPLE[list(BUILDS).index(build)], build, tmp_path / "kernel")


@pytest.mark.proof
@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("name", MODELS)
def test_every_kernel_under_sanitizers(name: str, build: str, tmp_path: Path) -> None:
    replay(name, build, tmp_path)


PLANTED = {
    "a write beyond the spikes": (
        "gcc",
        "(void)memcpy(out, state->spikes1, sizeof state->spikes1);",
        "(void)memcpy(out, state->spikes1, sizeof state->spikes1 + 4u);",
        "global-buffer-overflow",
    ),
    "a read beyond the input": (
        "clang",
        "from = memcpy(aligned, from, 20u);",
        "from = memcpy(aligned, from, 21u);",
        "global-buffer-overflow",
    ),
    "a list that is too short": (
        "clang, memory",
        "return (uint32_t)(end - list);",
        "return (uint32_t)(end - list) + 1u;",
        "use-of-uninitialized-value",
    ),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_seen(fault: str, tmp_path: Path) -> None:
    build, before, after, kind = PLANTED[fault]
    model = small_model()
    code = render(model)[f"{model.name}.c"]
    assert before in code
    x = inputs_for(model, 4, 0)
    done = run(tmp_path, model, (x, None), compiler_of(build), code.replace(before, after))
    assert done.returncode != 0
    assert kind in done.stderr
