"""A model and its vectors as a stand-alone program, for the sanitizers that need a runtime."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np

from codegen.kernels.pack import c_numbers, ctype, pack_bits
from codegen.plan.choose import plan
from codegen.render import render_program
from qat.model import Model, Spikes, check_input

SCRATCH = ("digits", "sums", "carries", "totals", "list")
"""Members of a state that no call finds as another one left them."""

MAIN = Path(__file__).with_name("main.c")

FLAGS = "-std=c99 -g -O1 -fno-omit-frame-pointer -DMODEL_PROBE=1 -Wall -Wextra".split()
ADDRESS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
MEMORY = ("-fsanitize=memory", "-fno-sanitize-recover=all")
"""Of clang alone: what was not written must not be read."""


def table(name: str, values: Any) -> str:
    """Return a two-dimensional constant; one element of 0 where there is none."""
    rows = np.ascontiguousarray(values).reshape(len(values), -1)
    text = ",\n".join("{" + c_numbers(row) + "}" for row in rows)
    return f"static const {ctype(rows)} {name}[{len(rows)}][{rows.shape[1]}] = {{\n{text}\n}};\n"


def vectors(model: Model, x: Any, steps: int | None) -> str:
    """Return `vectors.h`: inputs, and what Model.run says of them at every step."""
    array, steps = check_input(model, x, steps)
    n, program = len(array), plan(model)
    inputs = pack_bits(array) if isinstance(model.input, Spikes) else array
    inputs = np.ascontiguousarray(inputs).reshape(n, -1)
    values = inputs.shape[1] // (1 if model.input.held else steps)
    result = model.run(array, trace=True, steps=steps)
    assert result.spikes is not None
    assert result.v is not None
    membranes = np.concatenate([v.reshape(n * steps, -1) for v in result.v], axis=1)
    scored = result.scores is not None
    scores = result.scores if scored else np.zeros((n, 1), np.int32)
    classes = result.predictions if scored else np.zeros(n)
    scratch = [field.name for field in program.fields if field.name in SCRATCH]
    defines = {
        "VECTORS": f"{n}u",
        "STEPS": f"{steps}u",
        "INPUT_TYPE": ctype(inputs),
        "INPUT_VALUES": f"{values}u",
        "SCORES": f"{model.outputs if scored else 1}u",
        "FORGET_SCRATCH": " ".join(f"FORGET(state.{name});" for name in scratch),
    }
    tables = {
        "vector_inputs": inputs,
        "vector_spikes": pack_bits(result.spikes[-1]).reshape(n * steps, -1),
        "vector_membranes": membranes.astype(np.int32),
        "vector_classes": np.asarray(classes).astype(np.int32),
        "vector_scores": scores,
    }
    lines = [f"#define {name} {value}\n" for name, value in defines.items()]
    return "".join(lines + [table(name, values) for name, values in tables.items()])


def run(
    folder: Path,
    model: Model,
    inputs: tuple[Any, int | None],
    build: tuple[str, tuple[str, ...]],
    code: str | None = None,
) -> subprocess.CompletedProcess[str]:
    """Compile and run the program.

    inputs: x and steps as Model.run takes them
    build:  compiler and flags
    code:   instead of the model's .c
    """
    compiler, flags = build
    files = render_program(plan(model)) | {"vectors.h": vectors(model, *inputs)}
    if code is not None:
        files[f"{model.name}.c"] = code
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    command = [compiler, *FLAGS, *flags, "-I.", f"{model.name}.c", str(MAIN), "-o", "replay"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert code is not None or "warning" not in done.stderr, done.stderr
    return subprocess.run([folder / "replay"], capture_output=True, text=True, check=False)
