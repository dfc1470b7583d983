"""The generated pair as a package of a build system: one description, a table of formats.

Every format holds the pair, a README, and an example that runs test vectors and compares what
the model says. A new format is a row of FORMATS and its templates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from codegen.package.examples import Recording, Vectors, recording_of, vectors_of
from codegen.package.guide import guide
from codegen.plan.program import Program
from codegen.render import environment, template_context
from codegen.render.generated import Generated, generated
from qat.model import Activity, Model, did_you_mean

KB = 1024


@dataclass(frozen=True)
class Format:
    """Where the pair lies, and what stands beside it.

    about:  what it is, for the README of a package
    header, source: folders of the two files
    files:  {path: template below package/formats}; NAME in a path is the model's name
    stream: the same, only for a model with a sensor
    zipped: whether its tool takes it as a .zip as well
    cores:  those whose costs its README tells; () for those of ARM
    """

    about: str
    header: str
    source: str
    files: Mapping[str, str]
    stream: Mapping[str, str] = field(default_factory=dict)
    zipped: bool = False
    cores: tuple[str, ...] = ()


def _streaming(folder: str, main: str = "main.c", template: str = "stream.c.j2") -> dict[str, str]:
    return {f"{folder}/{main}": template, f"{folder}/recording.h": "recording.h.j2"}


def _example(folder: str, main: str, template: str = "main.c.j2") -> dict[str, str]:
    return {f"{folder}/{main}": template, f"{folder}/vectors.h": "vectors.h.j2"}


def _application(folder: str, cmake: str, sample: str) -> dict[str, str]:
    """Return the files of an application of Zephyr; sample: what tells twister of it."""
    return {
        f"{folder}/CMakeLists.txt": cmake,
        f"{folder}/prj.conf": "zephyr/prj.conf.j2",
        f"{folder}/sample.yaml": sample,
    }


def _project(name: str) -> dict[str, str]:
    """Return the files of a project of ESP-IDF, which are named alike."""
    return {
        f"examples/{name}/CMakeLists.txt": f"esp_idf/{name}.cmake.j2",
        f"examples/{name}/main/CMakeLists.txt": f"esp_idf/{name}_main.cmake.j2",
    }


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
            "An Arduino library: copy or link this folder into `libraries`, or give the IDE the "
            ".zip of it (Sketch, Include Library, Add .ZIP Library), then open its example "
            "`classify`.",
            "src/",
            "src/",
            {
                "library.properties": "library.properties.j2",
                **_example("examples/classify", "classify.ino", "classify.ino.j2"),
            },
            _streaming("examples/stream", "stream.ino", "stream.ino.j2"),
            zipped=True,
        ),
        "platformio": Format(
            "A PlatformIO library: put this folder below `lib`, or name it in `lib_deps`.",
            "src/",
            "src/",
            {"library.json": "library.json.j2", **_example("examples/classify", "main.c")},
            _streaming("examples/stream"),
        ),
        "cmake": Format(
            "A CMake target: `add_subdirectory` this folder and link `NAME::NAME`. "
            "On its own it builds and tests the example.",
            "include/",
            "src/",
            {"CMakeLists.txt": "CMakeLists.txt.j2", **_example("example", "main.c")},
            _streaming("stream"),
        ),
        "zephyr": Format(
            "A Zephyr module: name this folder in `EXTRA_ZEPHYR_MODULES`, or in your west "
            "manifest, and set `CONFIG_SPIKEMCU_UPPER=y`. The folders of `samples` are "
            "applications, which twister finds.",
            "include/",
            "src/",
            {
                "zephyr/module.yml": "zephyr/module.yml.j2",
                "zephyr/CMakeLists.txt": "zephyr/CMakeLists.txt.j2",
                "zephyr/Kconfig": "zephyr/Kconfig.j2",
                **_application(
                    "samples/classify", "zephyr/sample.cmake.j2", "zephyr/sample.yaml.j2"
                ),
                **_example("samples/classify/src", "main.c", "zephyr/main.c.j2"),
            },
            {
                **_application("samples/stream", "zephyr/stream.cmake.j2", "zephyr/stream.yaml.j2"),
                **_streaming("samples/stream/src", "main.c", "zephyr/stream.c.j2"),
            },
        ),
        "esp-idf": Format(
            "A component of ESP-IDF: put this folder into `components` of your project, or name it "
            "in `EXTRA_COMPONENT_DIRS`, and require it by the name of the folder. The folders of "
            "`examples` are projects: `idf.py set-target esp32c3 flash monitor` in one.",
            "include/",
            "src/",
            {
                "CMakeLists.txt": "esp_idf/CMakeLists.txt.j2",
                "Kconfig": "esp_idf/Kconfig.j2",
                "idf_component.yml": "esp_idf/idf_component.yml.j2",
                **_project("classify"),
                **_example("examples/classify/main", "main.c", "esp_idf/main.c.j2"),
            },
            {
                **_project("stream"),
                **_streaming("examples/stream/main", "main.c", "esp_idf/stream.c.j2"),
            },
            cores=("rv32imc",),
        ),
    }
)
"""What a package may be made for."""


ZEPHYR_FLASH, ZEPHYR_RAM = 32, 8
"""KB that twister takes for granted of a board, enough for its kernel and console."""


def _least(program: Program, examples: Sequence[Vectors | Recording | None]) -> dict[str, int]:
    """Return the KB of memory that a board needs to run the model's samples under Zephyr."""
    tables = [table for example in examples if example for table in example.tables]
    constants = program.flash_bytes + sum(table.bytes for table in tables)
    state = max(program.ram_bytes, program.stream_bytes)
    return {"flash": ZEPHYR_FLASH + -(-constants // KB), "ram": ZEPHYR_RAM + -(-state // KB)}


CMAKE_TARGETS = frozenset(
    "all all_build clean continuous default_target depend edit_cache experimental help install "
    "list_install_components nightly nightlymemorycheck package package_source preinstall "
    "rebuild_cache run_tests test zero_check".split()
)
"""Targets that CMake or a generator of it makes, in small letters: none of a project may be one."""


def target_of(name: str) -> str:
    """Return the CMake target of a model: its name, behind a prefix where CMake has such a one."""
    return f"snn_{name}" if name.lower() in CMAKE_TARGETS else name


# --------------------------------------------------------------------- package


def package(
    given: Model | Generated,
    form: str = "c",
    *,
    core: str | None = None,
    activity: Activity | None = None,
    vectors: Vectors | None = None,
    recording: Recording | None = None,
) -> dict[str, str]:
    """Return {path: text} of the generated pair and all that stands beside it in a format.

    given: a Model, or what was generated of it
    form: a row of FORMATS
    core, activity: what the kernels are chosen for; see codegen.plan.choose.plan
    vectors: those of the example; by default one that is made
    recording: that of the streaming example of a model with a sensor; by default a made one

    Raises ValueError for an unknown format.
    """
    if form not in FORMATS:
        near = did_you_mean(form, FORMATS)
        raise ValueError(f"format {form!r}: is not known; use {', '.join(FORMATS)}{near}")
    row, made = FORMATS[form], generated(given, core, activity)
    model, program, pair = made.model, made.program, made.pair
    about = row.about.replace("NAME", model.name).replace("UPPER", program.upper)
    known = guide(made, row.cores) | {"layout": about, "form": form}
    tested = vectors or vectors_of(model)
    context = template_context(program) | {"g": known, "v": tested}
    context |= {"target": target_of(model.name), "symbol": f"SPIKEMCU_{program.upper}"}
    files = {"README.md": "README.md.j2", **row.files}
    if model.sensor is not None:
        context["s"] = recording or recording_of(model)
        files |= row.stream
    context["symbol"] = f"SPIKEMCU_{program.upper}"
    context["least"] = _least(program, [tested, context.get("s")])
    header, source = f"{model.name}.h", f"{model.name}.c"
    beside = {
        path.replace("NAME", model.name): environment()
        .get_template(f"package/formats/{template}")
        .render(context)
        for path, template in files.items()
    }
    return {row.header + header: pair[header], row.source + source: pair[source], **beside}
