"""The generated pair as a package of a build system: one description, a table of formats.

Every format holds the pair, a README, and an example that runs test vectors and compares what
the model says. A new format is a row of FORMATS and its templates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from codegen.examples import Recording, Vectors, recording_of, vectors_of
from codegen.guide import guide
from codegen.render import environment, render, template_context
from codegen.stages import plan
from qat.model import Activity, Model, did_you_mean


@dataclass(frozen=True)
class Format:
    """Where the pair lies, and what stands beside it.

    about:  what it is, for the README of a package
    header, source: folders of the two files
    files:  {path: template below templates/packages}; NAME in a path is the model's name
    stream: the same, only for a model with a sensor
    """

    about: str
    header: str
    source: str
    files: Mapping[str, str]
    stream: Mapping[str, str] = field(default_factory=dict)


def _streaming(folder: str, main: str = "main.c", template: str = "stream.c.j2") -> dict[str, str]:
    return {f"{folder}/{main}": template, f"{folder}/recording.h": "recording.h.j2"}


def _example(folder: str, main: str, template: str = "main.c.j2") -> dict[str, str]:
    return {f"{folder}/{main}": template, f"{folder}/vectors.h": "vectors.h.j2"}


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "c": Format(
            "Compile `NAME.c` with your firmware. `example/main.c` runs test vectors.",
            "",
            "",
            _example("example", "main.c"),
            _streaming("stream"),
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
            _streaming("examples/stream", "stream.ino", "stream.ino.j2"),
        ),
        "platformio": Format(
            "A PlatformIO library: put this folder below `lib`, or name it in `lib_deps`.",
            "src/",
            "src/",
            {"library.json": "library.json.j2", **_example("examples/classify", "main.c")},
            _streaming("examples/stream"),
        ),
        "cmake": Format(
            "A CMake target: `add_subdirectory` this folder and link `NAME`. On its own it builds "
            "and tests the example.",
            "include/",
            "src/",
            {"CMakeLists.txt": "CMakeLists.txt.j2", **_example("example", "main.c")},
            _streaming("stream"),
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


# --------------------------------------------------------------------- package


def package(
    model: Model,
    form: str = "c",
    *,
    core: str | None = None,
    activity: Activity | None = None,
    vectors: Vectors | None = None,
    recording: Recording | None = None,
) -> dict[str, str]:
    """Return {path: text} of the generated pair and all that stands beside it in a format.

    form: a row of FORMATS
    core, activity: what the kernels are chosen for; see codegen.stages.plan
    vectors: those of the example; by default one that is made
    recording: that of the streaming example of a model with a sensor; by default a made one

    Raises ValueError for an unknown format.
    """
    if form not in FORMATS:
        near = did_you_mean(form, FORMATS)
        raise ValueError(f"format {form!r}: is not known; use {', '.join(FORMATS)}{near}")
    row, program = FORMATS[form], plan(model, core, activity)
    pair = {n: text for n, text in render(model, core, activity).items() if n != "binding.h"}
    about = row.about.replace("NAME", model.name).replace("UPPER", program.upper)
    known = guide(model, program, activity or Activity.of(model), pair) | {"layout": about}
    context = template_context(program) | {"g": known, "v": vectors or vectors_of(model)}
    files = {"README.md": "README.md.j2", **row.files}
    if model.sensor is not None:
        context["s"] = recording or recording_of(model)
        files |= row.stream
    header, source = f"{model.name}.h", f"{model.name}.c"
    beside = {
        path.replace("NAME", model.name): environment()
        .get_template(f"packages/{template}")
        .render(context)
        for path, template in files.items()
    }
    return {row.header + header: pair[header], row.source + source: pair[source], **beside}
