"""The generated pair as a package of a build system: one description, a table of formats.

Every format holds the pair, a README, and an example that runs test vectors and compares what
the model says. A new format is a row of FORMATS and its templates.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from codegen import costs
from codegen.boards import load_boards
from codegen.equivalence import FREE_STEPS, made_inputs
from codegen.errors import MissingCompilerError
from codegen.pack import pack_bits
from codegen.render import environment, render, template_context
from codegen.stack import stack_of
from codegen.stages import Program, plan
from codegen.stages.records import Table
from qat.model import Activity, Model, Spikes, check_input

MADE = 8
"""Made inputs of which the last, a random one, is the vector where there are no data."""


@dataclass(frozen=True)
class Format:
    """Where the pair lies, and what stands beside it.

    about:  what it is, for the README of a package
    header, source: folders of the two files
    files:  {path: template below templates/packages}; NAME in a path is the model's name
    """

    about: str
    header: str
    source: str
    files: Mapping[str, str]


def _example(folder: str, main: str, template: str = "main.c.j2") -> dict[str, str]:
    return {f"{folder}/{main}": template, f"{folder}/vectors.h": "vectors.h.j2"}


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "c": Format(
            "Compile `NAME.c` with your firmware. `example/main.c` runs test vectors.",
            "",
            "",
            _example("example", "main.c"),
        ),
        "arduino": Format(
            "An Arduino library: copy or link this folder into `libraries`, then open its example "
            "`classify`.",
            "src/",
            "src/",
            {
                "library.properties": "library.properties.j2",
                **_example("examples/classify", "classify.ino", "classify.ino.j2"),
            },
        ),
        "platformio": Format(
            "A PlatformIO library: put this folder below `lib`, or name it in `lib_deps`.",
            "src/",
            "src/",
            {"library.json": "library.json.j2", **_example("examples/classify", "main.c")},
        ),
        "cmake": Format(
            "A CMake target: `add_subdirectory` this folder and link `NAME`. On its own it builds "
            "and tests the example.",
            "include/",
            "src/",
            {"CMakeLists.txt": "CMakeLists.txt.j2", **_example("example", "main.c")},
        ),
        "zephyr": Format(
            "A Zephyr module: name this folder in `EXTRA_ZEPHYR_MODULES`, or in your west "
            "manifest, and set `CONFIG_UPPER=y`. `samples/classify` is an application.",
            "include/",
            "src/",
            {
                "zephyr/module.yml": "zephyr/module.yml.j2",
                "zephyr/CMakeLists.txt": "zephyr/CMakeLists.txt.j2",
                "zephyr/Kconfig": "zephyr/Kconfig.j2",
                "samples/classify/CMakeLists.txt": "zephyr/sample.cmake.j2",
                "samples/classify/prj.conf": "zephyr/prj.conf.j2",
                **_example("samples/classify/src", "main.c", "zephyr/main.c.j2"),
            },
        ),
    }
)
"""What a package may be made for."""


# --------------------------------------------------------------------- vectors


@dataclass(frozen=True, eq=False)
class Vectors:
    """Test vectors as C prints them.

    steps:  of a model that runs free
    stride: elements of one step's input
    """

    count: int
    origin: str
    held: bool
    steps: int
    stride: int
    tables: tuple[Table, ...]


def vectors_of(model: Model, x: ArrayLike | None = None, origin: str = "given") -> Vectors:
    """Return test vectors, with what the model says of them.

    x: inputs as Model.run takes them; one made input by default

    Raises ValueError for inputs that do not fit the model.
    """
    if x is None:
        x, origin = made_inputs(model, MADE)[-1:], "made at random"
    steps = FREE_STEPS if model.steps is None and model.input.held else None
    array, steps = check_input(model, x, steps)
    data = pack_bits(array) if isinstance(model.input, Spikes) else array
    rows = np.ascontiguousarray(data).reshape(len(data), -1)
    inputs = Table("vector_inputs", "all steps of each, one behind the other", rows)
    stride = rows.shape[1] // (1 if model.input.held else steps)
    tables = (inputs, *_answers(model, array, steps))
    return Vectors(len(rows), origin, model.input.held, steps, stride, tables)


def _answers(model: Model, x: NDArray[Any], steps: int) -> tuple[Table, ...]:
    """Return what the model says: classes and scores, or the spikes of every step."""
    result = model.run(x, steps=steps)
    if result.output is not None:
        spikes = pack_bits(result.output).reshape(len(x), -1)
        return (Table("vector_spikes", "of the last layer, step by step", spikes),)
    assert result.scores is not None
    assert result.predictions is not None
    classes = result.predictions.astype(np.int32)[:, None]
    return (
        Table("vector_classes", "the class of each", classes),
        Table("vector_scores", "the scores of each", result.scores),
    )


# ----------------------------------------------------------------------- guide


@dataclass(frozen=True)
class Cost:
    """Instructions on a core."""

    core: str
    typical: int
    worst: int


def _costs(model: Model, program: Program, activity: Activity) -> tuple[Cost, ...]:
    """Return what every core takes, of those that were measured."""
    rows = {}
    for board in load_boards().values():
        if board.hardware is None:
            typical = costs.works(program, model.input, activity, board.core)
            worst = costs.worst_works(program, model.input, board.core)
            rows[board.core] = Cost(
                board.core,
                round(sum(costs.evaluate(work, board.core) for work in typical)),
                round(sum(costs.evaluate(work, board.core, "worst") for work in worst)),
            )
    return tuple(rows.values())


def _stack(files: Mapping[str, str]) -> str:
    """Return the worst-case stack in words, that of the worst core; empty without a compiler."""
    boards = {costs.ISA[board.core]: board for board in load_boards().values()}.values()
    try:
        with ThreadPoolExecutor() as pool:  # each waits for a compiler
            most = list(pool.map(lambda board: max(stack_of(files, board).values()), boards))
    except MissingCompilerError:
        return ""
    return f"at most {max(most)} bytes on any core, interrupts apart (from the machine code)"


def _sentence(model: Model) -> str:
    sizes = "-".join(str(n) for n in (model.input.size, *(y.size for y in model.layers)))
    kind = "classes" if model.readout else "spiking outputs"
    return f"A spiking neural network {sizes} with {model.outputs} {kind}."


def _guide(
    model: Model, program: Program, activity: Activity, form: Format, files: Mapping[str, str]
) -> dict[str, Any]:
    """Return what the texts of a package say beside the program."""
    about = form.about.replace("NAME", model.name).replace("UPPER", program.upper)
    each = "held for all steps" if model.input.held else "for each step"
    values = f"{program.input_ctype} from {program.input_low} to {program.input_high}"
    if isinstance(model.input, Spikes):
        values = "spikes, bit i % 32 of word i / 32"
    count = model.steps or 1
    scores = f"the class, and {model.outputs} int32_t scores after {count} steps"
    return {
        "version": program.version,
        "sentence": _sentence(model),
        "layout": about,
        "held": model.input.held,
        "input": f"{model.input.size} {values}, {each}",
        "output": scores if model.readout else f"{model.outputs} spikes a step, packed in words",
        "source": activity.source,
        "costs": _costs(model, program, activity),
        "stack": _stack(files),
    }


# --------------------------------------------------------------------- package


def package(
    model: Model,
    form: str = "c",
    *,
    core: str | None = None,
    activity: Activity | None = None,
    vectors: Vectors | None = None,
) -> dict[str, str]:
    """Return {path: text} of the generated pair and all that stands beside it in a format.

    form: a row of FORMATS
    core, activity: what the kernels are chosen for; see codegen.stages.plan
    vectors: those of the example; by default one that is made

    Raises ValueError for an unknown format.
    """
    if form not in FORMATS:
        raise ValueError(f"format {form!r}: is not known; use {', '.join(FORMATS)}")
    row, program = FORMATS[form], plan(model, core, activity)
    pair = {n: text for n, text in render(model, core, activity).items() if n != "binding.h"}
    guide = _guide(model, program, activity or Activity.of(model), row, pair)
    context = template_context(program) | {"g": guide, "v": vectors or vectors_of(model)}
    header, source = f"{model.name}.h", f"{model.name}.c"
    beside = {
        path.replace("NAME", model.name): environment()
        .get_template(f"packages/{template}")
        .render(context)
        for path, template in {"README.md": "README.md.j2", **row.files}.items()
    }
    return {row.header + header: pair[header], row.source + source: pair[source], **beside}
