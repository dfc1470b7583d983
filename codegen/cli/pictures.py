"""The verb plot: pictures of a model at work."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from codegen.cli.before import require_folder
from codegen.cli.data import Inputs, inputs_of
from codegen.cli.output import Output
from qat.model import Model, did_you_mean, write_file
from qat.study.plots import FORMATS, PLOTS, Scene, drawable, new_figure, to_bytes


def plot(arguments: Namespace) -> int:
    """Draw the pictures that were asked for."""
    out = Output(arguments)
    formats, files = check_formats(arguments.format), []
    new_figure(1, 1)
    require_folder(arguments.output)
    model = Model.load(arguments.model)
    out.progress("reading the inputs")
    inputs = inputs_of(model, arguments, out)
    names = _chosen(arguments.kind, model, inputs)
    scene = Scene(
        model,
        inputs.x,
        inputs.labels,
        inputs.class_names,
        arguments.sample,
        inputs.steps,
        inputs.origin,
    )
    out.say(f"{model.name} on {inputs.origin}")
    for name in names:
        out.progress(f"drawing {name}")
        figure = PLOTS[name](scene)
        for form in formats:
            path = Path(arguments.output) / f"{model.name}-{name}.{form}"
            write_file(path, to_bytes(figure, form))
            files.append(str(path))
            out.say(f"wrote {path}")
    out.result({"model": model.name, "digest": model.digest(), "files": files})
    return 0


def check_formats(text: str) -> list[str]:
    """Return the formats of `png,svg`, or raise ValueError for another one."""
    names = text.split(",")
    for name in names:
        if name not in FORMATS:
            near = did_you_mean(name, FORMATS)
            raise ValueError(f"format {name!r}: is not known; use {', '.join(FORMATS)}{near}")
    return names


def _chosen(kinds: str | None, model: Model, inputs: Inputs) -> list[str]:
    """Return the names of the pictures: those given, or all that can be drawn."""
    if kinds is None:
        return drawable(model, inputs.labels is not None)
    names = kinds.split(",")
    for name in names:
        if name not in PLOTS:
            near = did_you_mean(name, PLOTS)
            raise ValueError(f"kind {name!r}: is not known; use {', '.join(PLOTS)}{near}")
    return names
