"""Write the generated pair of files and its manifest to a folder."""

from __future__ import annotations

import dataclasses
import json
from os import PathLike
from pathlib import Path

from codegen.render import render
from codegen.summary import summarize
from qat.model import Activity, Model, write_atomically


def renamed(model: Model, name: str | None) -> Model:
    """Return the model under another name, the prefix of its C; the digest stays.

    Raises ValueError if the name is no C identifier.
    """
    return model if name is None else dataclasses.replace(model, name=name)


def generate(
    model: Model,
    folder: str | PathLike[str],
    name: str | None = None,
    core: str | None = None,
    activity: Activity | None = None,
) -> dict[str, Path]:
    """Write `<name>.h`, `<name>.c` and `manifest.json` to `folder`; return {file name: path}.

    The folder is made if it is missing. Everything is rendered before the first file is
    written, and each file is replaced whole, so that a failure leaves no half of one behind.

    core, activity: what the kernels are chosen for; see codegen.stages.plan

    Raises ValueError if the name is no C identifier or the folder cannot be written.
    """
    model, folder = renamed(model, name), Path(folder)
    pair = {
        file: text for file, text in render(model, core, activity).items() if file != "binding.h"
    }
    manifest = json.dumps(summarize(model, core, activity), indent=2) + "\n"
    paths = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in {**pair, "manifest.json": manifest}.items():
            paths[file] = folder / file
            write_atomically(paths[file], text.encode())
    except OSError as error:
        raise ValueError(f"{folder}: cannot be written ({error.strerror})") from None
    return paths
