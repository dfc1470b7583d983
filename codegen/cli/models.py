"""The verbs that need no target: info, generate, weights, check."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from codegen.checks.equivalence import compare_host, made_for, read_code
from codegen.cli.data import inputs_of
from codegen.cli.origins import origin_lines, rate_of
from codegen.cli.output import Output, percent
from codegen.package.examples import Recording, Vectors, recording_of, vectors_of
from codegen.package.weights import weights_header
from codegen.package.write import generate as write_pair
from codegen.render.generated import generated
from codegen.report.summary import summarize
from codegen.target.boards import find_board
from qat.machine.bounded import read_regular
from qat.model import Activity, Model, write_file
from qat.model.archive import array_of
from qat.model.checks import plain, shares
from qat.train import health

MOST_CODES = 2**28
"""Bytes of a .npy file of codes, as of a model file."""


def info(arguments: Namespace) -> int:
    """Print what a model is made of."""
    out = Output(arguments)
    model = Model.load(arguments.model)
    numbers = summarize(model)
    warnings = list(health.of_model(model))
    _say_model(model, numbers, warnings, out)
    _say_sizes(numbers, out)
    out.result({**numbers, "warnings": warnings})
    return 0


def _say_model(model: Model, numbers: dict[str, Any], warnings: list[str], out: Output) -> None:
    """Print what a model is, what it was trained on, and what seems wrong with it."""
    steps = "free-running" if model.steps is None else f"{model.steps} steps"
    source = numbers["input"]
    out.say(
        f"{model.name}: {source['size']} inputs ({source['kind']}, {source['low']} to "
        f"{source['high']}), {steps}, {numbers['readout'] or 'no'} readout"
    )
    if numbers["encoder"]:
        out.say(f"encoder {numbers['encoder']['kernel']}: {numbers['encoder']['lines']} lines")
    out.say(f"digest {numbers['digest']}")
    for line in (*_sensor(model, numbers), *origin_lines(model)):
        out.say(line)
    for line in _measured(model):
        out.say(line)
    for line in warnings:
        out.say(f"warning: {line}")


def _say_sizes(numbers: dict[str, Any], out: Output) -> None:
    """Print its stages, the ranges of its values, and its bytes, as tables."""
    out.say()
    out.table(
        ("", "inputs", "outputs", "bits", "kernel", "zero", "weights, bytes", "float32, bytes"),
        [
            (
                s["where"],
                s["inputs"],
                s["outputs"],
                s["weight_bits"],
                s["kernel"],
                percent(s["zero_weights"]),
                s["weight_bytes"],
                s["float32_bytes"],
            )
            for s in numbers["stages"]
        ],
    )
    out.say("\nProved ranges, for every possible input (bits of the two's complement number)")
    out.table(("", "accumulator", "current", "u", "membrane v"), _ranges(numbers))
    out.say("\nFlash: weights and constants, bytes (code comes on top)")
    out.table(("item", "bytes"), _flash(numbers))
    out.say("\nRAM: the state struct, bytes")
    out.table(("item", "bytes"), _ram(numbers))


def _sensor(model: Model, numbers: dict[str, Any]) -> list[str]:
    """Return what is known of the raw samples, as lines."""
    sensor = numbers["sensor"]
    if sensor is None:
        return []
    named = f": {', '.join(sensor['names'])}" if sensor["names"] else ""
    unit = f"; 1 stands for {sensor['unit']}" if sensor["unit"] else ""
    lines = [f"raw samples: {sensor['channels']} int16{named}{unit}"]
    if "sound" in sensor:
        lines = [heard_text(sensor["sound"], sensor["group"])]
    every = sensor["every"]
    if sensor["mode"] == "free":
        return [*lines, f"a step every {every} samples"]
    if sensor["mode"] == "held":
        return [*lines, f"a class every {every} samples"]
    each = "a frame to a step" if "sound" in sensor else f"{sensor['group']} to a step"
    lines.append(
        f"windows of {sensor['window']} samples, {each}; a class every "
        f"{every} samples, {_a_second(model, every)}"
    )
    return lines


def heard_text(sound: Mapping[str, Any], group: int) -> str:
    """Return what a model hears, as a line."""
    steps = sound["eighths_of_an_octave"]
    return (
        f"sound: int16, {sound['rate']:,} samples a second; frames of {sound['frame']} samples, "
        f"one every {group}: {sound['bands']} bands from {sound['low_hz']:.0f} to "
        f"{sound['high_hz']:.0f} Hz in steps of {steps}/8 octave"
    )


def _a_second(model: Model, every: int) -> str:
    """Return how many classes a second are given."""
    rate = rate_of(model)
    if rate is None:
        return f"R / {every} a second at R samples a second"
    return f"{rate / every:g} a second at {rate:g} samples a second"


def _measured(model: Model) -> list[str]:
    """Return what training left in the metadata, as lines."""
    lines = []
    accuracy, rates = model.metadata.get("accuracy"), shares(model.metadata.get("firing_rates"))
    if isinstance(accuracy, dict) and shares(list(accuracy.values())):
        known = ", ".join(f"{plain(part)} {percent(value)}" for part, value in accuracy.items())
        lines.append(f"accuracy: {known}")
    if rates:
        known = ", ".join(percent(rate) for rate in rates)
        lines.append(f"firing rate of each layer, per neuron and step: {known}")
    training = model.metadata.get("training")
    if isinstance(training, dict) and isinstance(training.get("loops"), str):
        lines.append(f"trained with {plain(training['loops'])} loops")
    return lines


RANGES = ("accumulator", "current", "u", "v")
"""What has a range in a layer; v only where the neurons have a memory."""


def _ranges(numbers: dict[str, Any]) -> list[tuple[str, ...]]:
    rows = []
    for stage in numbers["stages"]:
        if "bounds" in stage:
            found = stage["bounds"]
            known = (found.get(name) for name in RANGES)
            rows.append((stage["where"], *(_range(one) if one else "" for one in known)))
    if numbers["scores"]:
        rows.append(("scores", _range(numbers["scores"]), "", "", ""))
    return rows


def _range(values: dict[str, int]) -> str:
    return f"{values['low']:,} to {values['high']:,} ({values['bits']})"


def _flash(numbers: dict[str, Any]) -> list[tuple[str, int]]:
    rows = [
        (f"{stage['where']}: {item['name']} ({item['what']})", item["bytes"])
        for stage in numbers["stages"]
        for item in stage["flash"]
    ]
    encoder = numbers["encoder"] or {"flash": []}
    rows += [(f"encoder: {i['name']} ({i['what']})", i["bytes"]) for i in encoder["flash"]]
    return [*rows, ("total", numbers["flash_bytes"])]


def _ram(numbers: dict[str, Any]) -> list[tuple[str, int]]:
    layers = [item for s in numbers["stages"] if "bounds" in s for item in s["ram"]]
    rows = [(item["what"], item["bytes"]) for item in [*layers, *numbers["shared_ram"]]]
    rows.append(("total, with alignment", numbers["ram_bytes"]))
    sensor = numbers["sensor"]
    return rows if sensor is None else [*rows, ("as a stream of samples", sensor["ram_bytes"])]


def generate(arguments: Namespace) -> int:
    """Write the pair and the manifest."""
    out = Output(arguments)
    model = Model.load(arguments.model)
    core = None if arguments.board is None else find_board(arguments.board).family
    activity = Activity.of(model, arguments.assume_density)
    out.progress("reading the inputs of the example")
    vectors, recording = _examples(model, arguments, out)
    out.progress("generating the C, and counting its bytes for every core")
    paths = write_pair(
        model,
        arguments.output,
        arguments.name,
        core=core,
        only=arguments.core,
        activity=activity,
        form=arguments.format,
        vectors=vectors,
        recording=recording,
    )
    for path in paths.values():
        out.say(f"wrote {path}")
    files = {name: str(path) for name, path in paths.items()}
    out.result({"digest": model.digest(), "files": files})
    return 0


def _examples(model: Model, arguments: Namespace, out: Output) -> tuple[Vectors, Recording | None]:
    """Return test vectors and a recording, as asked for: of the data, else made ones.

    Unless it is asked for data or for a number, one is made: the same on every machine, whatever
    data it has, and without reading them.
    """
    if arguments.vectors is None and arguments.data is None:
        return vectors_of(model), None
    arguments.limit = arguments.vectors or 1
    inputs = inputs_of(model, arguments, out, stream=None)
    vectors = vectors_of(model, inputs.x, inputs.origin)
    if inputs.samples is None:
        return vectors, None
    return vectors, recording_of(model, inputs.samples, inputs.origin)


def weights(arguments: Namespace) -> int:
    """Write packed weight arrays."""
    out = Output(arguments)
    source, target = Path(arguments.source), Path(arguments.output)
    if source.suffix == ".npy":
        text = weights_header(_codes(source), arguments.bits, arguments.layout, arguments.name)
    else:
        model = Model.load(source)
        text = weights_header(model, arguments.bits, arguments.layout, arguments.name)
    write_file(target, text.encode())
    out.say(f"wrote {target}")
    out.result({"file": str(target)})
    return 0


def _codes(path: Path) -> Any:
    try:
        return array_of(read_regular(path, MOST_CODES), "it")
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror or error})") from None
    except ValueError as error:
        raise ValueError(f"{path}: is no .npy file of plain numbers ({plain(error)})") from None


def check(arguments: Namespace) -> int:
    """Compare the C with the model on this machine."""
    out = Output(arguments)
    model = Model.load(arguments.model)
    code, only = None, None
    if arguments.code is not None:
        model, code = read_code(model, arguments.code)
        only = made_for(arguments.code)
    out.progress("reading the inputs")
    inputs = inputs_of(model, arguments, out)
    out.progress("generating and compiling the C")
    comparison = compare_host(
        generated(model, only=only),
        inputs.x,
        samples=inputs.samples,
        code=code,
        compiler=arguments.compiler,
        progress=lambda done: out.progress(f"checked {done:,} of {len(inputs.x):,} samples"),
    )
    out.say(f"{model.name} on {inputs.text}, compiled for this machine")
    if only is not None:
        out.say(f"the C is for {only} alone; here its portable loops are checked")
    out.say(f"host  {comparison.line}")
    if comparison.first:
        out.say(f"first difference: {comparison.first}")
    alone = {"only": only} if only else {}
    out.result({"model": model.name, "digest": model.digest(), **alone, **comparison.to_json()})
    return 0 if comparison.differing == 0 else 1
