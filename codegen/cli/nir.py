"""The verbs import and export: networks of other frameworks, in and out by way of NIR."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from codegen.cli.before import require_output
from codegen.cli.data import inputs_of
from codegen.cli.output import Output, percent
from codegen.cli.printable import printable
from qat.model import Model
from qat.model.checks import plain
from qat.nir.data import Recording, read_recording
from qat.nir.drift import CAUSES, Drift
from qat.nir.exported import export as write
from qat.nir.exported import round_trip
from qat.nir.finetune import Tuned, finetuned
from qat.nir.imported import Imported, imported
from qat.nir.leaks import leak_words
from qat.nir.reading import Read, UnprovedError, consequences, read
from qat.nir.settle import Options


def import_(arguments: Namespace) -> int:
    """Read a NIR file, prove the reading, write the integer model, say how far it drifts."""
    out = Output(arguments)
    require_output(arguments.output)
    out.progress(f"reading {arguments.file}")
    options = Options(arguments.dialect, arguments.dt, arguments.reset, arguments.compare,
                      arguments.gain)  # fmt: skip
    try:
        found = read(arguments.file, options, arguments.reference)
    except UnprovedError as error:
        out.result(_of_reading(error.read))
        print(printable(f"spikemcu import: {error}"), file=sys.stderr)
        return 1
    _say_reading(out, found)
    tuned = None
    try:
        made, data = _made(arguments, found, out)
        model = made.model
        if arguments.finetune is not None:
            out.progress("training on")
            model, tuned = finetuned(made, data or Recording(made.inputs.x), arguments.finetune)
    except ValueError as error:
        out.result({**_of_reading(found), "refused": str(error)})
        raise ValueError(f"{arguments.file}: {error}") from None
    model.save(Path(arguments.output))
    _say_model(out, made)
    if tuned is not None:
        _say_tuned(out, tuned)
    out.say(f"wrote {arguments.output}  (digest {model.digest()})")
    over = made.drift is not None and made.drift.worst > arguments.drift
    trained = {} if tuned is None else {"finetune": tuned.to_json()}
    out.result({**_of_model(made, arguments, over), "digest": model.digest(), **trained})
    if over:
        assert made.drift is not None
        text = f"{percent(made.drift.worst)} of a layer's spikes differ; --drift allows "
        text += f"{percent(arguments.drift)}: use more --bits, or allow more"
        print(f"spikemcu import: {text}", file=sys.stderr)
    return int(over)


def export(arguments: Namespace) -> int:
    """Write a model as a NIR file, and say what that changes."""
    out = Output(arguments)
    require_output(arguments.output)
    model = Model.load(arguments.model)
    written = write(model, arguments.output, arguments.dialect)
    inputs = inputs_of(model, arguments, out)
    shares = round_trip(model, arguments.output, inputs.x)
    out.say(f"{arguments.output}: {model.name} as {arguments.dialect} loads it")
    for note in written.notes:
        out.say(f"  {note}")
    out.say(f"\nspikes that the file changes, run as {arguments.dialect} runs it, on "
            f"{len(inputs.x):,} inputs: {inputs.origin}")  # fmt: skip
    rows = [(node, reset, _fine(share)) for (node, reset), share in
            zip(written.resets.items(), shares.values(), strict=True)]  # fmt: skip
    out.table(("node", "reset", "differ"), rows)
    out.result(
        {
            "model": model.name,
            "digest": model.digest(),
            "dialect": arguments.dialect,
            "reset": written.resets,
            "differing": shares,
            "inputs": inputs.origin,
            "notes": list(written.notes),
            "output": arguments.output,
        }
    )
    return 0


def _made(arguments: Namespace, found: Read, out: Output) -> tuple[Imported, Recording | None]:
    data = _data(arguments, found, out)
    made = imported(
        found,
        arguments.name or Path(arguments.file).stem,
        bits=arguments.bits,
        data=data,
        steps=arguments.steps,
        drift=arguments.drift,
        score=arguments.score,
        progress=out.progress,
    )
    return made, data


def _data(arguments: Namespace, found: Read, out: Output) -> Recording | None:
    if arguments.recorded is None:
        return None
    graph = found.twin.graph
    extent = graph.nodes[graph.source].extent
    try:
        data = read_recording(
            arguments.recorded, extent, found.twin.reading.dialect, arguments.steps
        )
    except OSError as error:
        raise ValueError(f"{arguments.recorded}: cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise ValueError(f"{arguments.recorded}: {error}") from None
    if data.note:
        out.say(f"{arguments.recorded}: {data.note}")
    return data


# -------------------------------------------------------------------- for people


def _say_reading(out: Output, found: Read) -> None:
    reading, graph = found.twin.reading, found.twin.graph
    known = "as it was told" if found.sign is None else f"guessed: {found.sign}"
    out.say(f"dialect {reading.dialect} ({known})")
    out.say(f"  {consequences(found)}")
    words = {k: v for k, v in reading.words().items() if k != "dialect" and v is not None}
    out.say("  " + ", ".join(f"{key} {_word(value)}" for key, value in words.items()))
    nodes = [f"{plain(n.name)} {n.kind}" for n in graph.nodes.values() if n.about.neuron]
    out.say(f"  neurons: {', '.join(nodes)}")
    if found.comparison is None:
        out.say("  nothing was compared with the framework; --reference proves the reading")
        return
    where = " in float32, as the framework computes" if found.float32 else ""
    out.say(f"  reference: {found.comparison}{where}")
    for other in found.also:
        out.say(f"  so does {other.words()}")


def _word(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{plain(node)}: {word}" for node, word in value.items())
    return f"{value:g}" if isinstance(value, float) else str(value)


def _say_tuned(out: Output, tuned: Tuned) -> None:
    before, after = (percent(share) for share in tuned.validation)
    own, rounded, trained = (percent(share) for share in tuned.test)
    verdict = "the trained one is kept" if tuned.kept else "it is no better and left out"
    out.say(f"trained on for {tuned.epochs} epochs: validation {before} -> {after}, {verdict}")
    out.say(f"  on the fifth that was set aside: {own} of the framework, {rounded} rounded, "
            f"{trained} trained")  # fmt: skip


def _say_model(out: Output, made: Imported) -> None:
    for note in made.notes:
        if not note.startswith("nothing was compared"):  # said with the reading
            out.say(f"  {note}")
    if made.drift is not None:
        _say_drift(out, made.drift)


def _say_drift(out: Output, drift: Drift) -> None:
    out.say(f"\nspikes that differ from the framework's, on {drift.samples:,} samples; then with "
            f"{', '.join(CAUSES)} switched on one after the other")  # fmt: skip
    rows = []
    for i, layer in enumerate(drift.layers):
        rate = " / ".join(percent(r) for r in layer.rate)
        causes = (_fine(layer.causes[cause]) for cause in CAUSES)
        rows.append((i, plain(layer.node), layer.bits, _fine(layer.differing), rate, *causes))
    out.table(("layer", "node", "bits", "differ", "rate float / integer", *CAUSES), rows)
    first = next((layer for layer in drift.layers if layer.first is not None), None)
    if first is not None and first.first is not None:
        f = first.first
        out.say(
            f"the first in layer {plain(first.node)}: sample {f['sample']}, step {f['step']}, "
            f"neuron {f['neuron']}: {f['float']:g} there, {f['integer']:g} here"
        )
    out.say(f"the same class: {percent(drift.agreeing)} of the samples")
    if drift.accuracy is not None:
        own, integer = (percent(a) for a in drift.accuracy)
        out.say(f"accuracy: {own} of the framework, {integer} of the integer model")


def _fine(value: float) -> str:
    return f"{100 * value:.3f} %"


# ------------------------------------------------------------------ for programs


def _of_reading(found: Read) -> dict[str, Any]:
    return {
        **found.twin.reading.words(),
        "guessed_by": found.sign,
        "reference": None if found.comparison is None else found.comparison.to_json(),
        "float32": found.float32,
        "also": [reading.words() for reading in found.also],
    }


def _of_model(made: Imported, arguments: Namespace, over: bool) -> dict[str, Any]:
    drift = None if made.drift is None else made.drift.to_json()
    return {
        **_of_reading(made.read),
        "model": made.model.name,
        "digest": made.model.digest(),
        "steps": made.model.steps,
        "bits": [part.bits for part in made.parts],
        "leak": [leak_words(part.leak) for part in made.parts],
        "exact": [sorted(part.exact) for part in made.parts],
        "drift": drift,
        "over_the_bar": over,
        "notes": list(made.notes),
        "output": arguments.output,
    }
