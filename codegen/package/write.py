"""Write the generated pair of files and its manifest to a folder."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from codegen.package.archive import write_zip
from codegen.package.examples import Recording, Vectors
from codegen.package.packages import FORMATS, package
from codegen.render.generated import Generated, generated
from codegen.report.summary import summarize
from qat.model import Activity, Model, meets, safe_name, write_atomically, writing
from qat.model.atomic import require_no_file

MANIFEST = "manifest.json"


def renamed(model: Model, name: str | None) -> Model:
    """Return the model under another name, the prefix of its C; the digest stays.

    Raises ValueError if the name is no C identifier, or would meet another in a build: also for
    the name of an older model file, which may have been given before that was known.
    """
    if name is None and (met := meets(model.name)) is not None:
        raise ValueError(
            f"name: the model is called {str(model.name)!r}, {met}; give its C another, such as "
            f"--name {safe_name(model.name)}"
        )
    return model if name is None else dataclasses.replace(model, name=name)


def generate(
    model: Model | Generated,
    folder: str | PathLike[str],
    name: str | None = None,
    *,
    core: str | None = None,
    only: str | None = None,
    activity: Activity | None = None,
    form: str = "c",
    vectors: Vectors | None = None,
    recording: Recording | None = None,
) -> dict[str, Path]:
    """Write a model's C to `folder`, as a package of a build system; return {file: path}.

    With form "arduino" the folder may be a name that ends in .zip: a library as the Arduino IDE
    takes it, in one file.

    Beside `<name>.h` and `<name>.c` stand README.md, manifest.json, an example that runs test
    vectors, and what the format wants.

    The folder is made if it is missing. Everything is rendered before the first file is
    written, and each file is replaced whole, so that a failure leaves no half of one behind. The
    manifest comes last: `spikemcu check --code` notices a folder of which only a part is new.

    model:   a Model, or what was generated of it: then without name, core and activity
    core, activity: what the kernels are chosen for; see codegen.plan.choose.plan
    only:    the core that the C is for alone, such as "cortex-m4": what others need is left out
    form:    a row of packages.FORMATS: "c", "arduino", "platformio", "cmake",
        "zephyr" or "esp-idf"
    vectors: those of the example, by examples.vectors_of; by default one that is made
    recording: that of the streaming example, by examples.recording_of; by default made

    Raises ValueError if the name is no C identifier, the format is not known, only another is
    a .zip or the folder cannot be written.
    """
    path, made = Path(folder), _made(model, name, core, activity, only)
    archive = _is_archive(path, form)
    files = files_of(made, form, vectors=vectors, recording=recording)
    return write_zip(path, files, made.program.name) if archive else write_files(path, files)


def _made(
    model: Model | Generated,
    name: str | None,
    core: str | None,
    activity: Activity | None,
    only: str | None,
) -> Generated:
    """Return what is generated under a name; what was generated already keeps its own."""
    if not isinstance(model, Generated):
        return generated(renamed(model, name), core, activity, only=only)
    if name is not None:
        raise ValueError(f"name: {model.program.name} is generated already; rename the Model")
    renamed(model.model, None)
    return generated(model, core, activity, only=only)


def _is_archive(path: Path, form: str) -> bool:
    """Return True for a .zip, which only some formats are; a folder of such a name is a folder."""
    if path.suffix.lower() != ".zip" or path.is_dir():
        return False
    if form in FORMATS and not FORMATS[form].zipped:
        forms = ", ".join(name for name, row in FORMATS.items() if row.zipped)
        raise ValueError(f"{path}: format {form} is a folder, none is taken as a .zip but {forms}")
    return True


def files_of(
    given: Model | Generated,
    form: str = "c",
    core: str | None = None,
    activity: Activity | None = None,
    **examples: Any,
) -> dict[str, str]:
    """Return {file: text} of what `generate` writes, in this order: the manifest last.

    The manifest repeats the line that the header begins with: it says which files belong together.
    Of C for one instruction set alone it names that, as "only".
    """
    made = generated(given, core, activity)
    files = package(made, form, **examples)
    stamp = made.files[f"{made.program.name}.h"].partition("\n")[0]
    only = made.program.only
    alone = {"only": only.name} if only else {}
    manifest = {"generated": stamp, **alone, **summarize(made)}
    return {**files, MANIFEST: json.dumps(manifest, indent=2) + "\n"}


def write_files(folder: Path, files: Mapping[str, str]) -> dict[str, Path]:
    """Write {file: text} to a folder, each file whole or not at all; return {file: path}.

    A manifest that is there vouches for the files beside it. It goes before the first of them
    changes, so that no kill, nor a second one, leaves it beside files of two sets.
    """
    paths = {}
    require_no_file(folder)
    with writing(folder):
        if any(_differs(folder / file, text) for file, text in files.items()):
            manifest = Path(os.path.realpath(folder / MANIFEST))
            if manifest.is_file():
                manifest.unlink()
        for file, text in files.items():
            paths[file] = folder / file
            paths[file].parent.mkdir(parents=True, exist_ok=True)
            write_atomically(paths[file], text.encode())
    return paths


def _differs(path: Path, text: str) -> bool:
    """Return True unless a file holds this text."""
    data = text.encode()
    return not (path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data)
