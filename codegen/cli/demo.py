"""The verb demo: the whole pipeline on real data, in under a minute."""

from __future__ import annotations

import dataclasses
import shlex
from argparse import Namespace
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from codegen.checks.comparison import Comparison
from codegen.checks.equivalence import compare_host
from codegen.cli.before import missing_compiler, missing_tool, require_folder
from codegen.cli.data import Inputs
from codegen.cli.output import Output, percent
from codegen.cli.targets import compare_target, prepare
from codegen.cli.train import accuracies, show_progress
from codegen.measure.count import cost_of
from codegen.package.write import generate
from codegen.render.generated import Generated, generated
from codegen.report.summary import summarize
from codegen.target.boards import Board, load_boards
from qat import Network, evaluate, export, fit
from qat.data.dataset import Dataset
from qat.data.named import load
from qat.model import Model
from qat.train.fit import require_whole
from qat.train.recipes import recipe_for

HIDDEN, STEPS = 64, 8
SHORT_EPOCHS = 8
COUNTED = 20
"""Test samples over which the instructions of an inference are averaged."""


@dataclass
class _Report:
    """What the demo found out, filled on the way."""

    accuracy: dict[str, float] = field(default_factory=dict)
    float_accuracy: float = 0.0
    cores: list[dict[str, Any]] = field(default_factory=list)
    differing: int = 0


def demo(arguments: Namespace) -> int:
    """Run the pipeline and end in a short table."""
    out = Output(arguments)
    folder = Path(arguments.output)
    require_folder(folder)
    _say_what_is_missing(out)
    data = load("digits")
    report = _Report()
    out.say(
        f"1  data     digits: {len(data.y_train):,} training, {len(data.y_validation)} "
        f"validation, {len(data.y_test)} test images of 8x8 pixels"
    )
    model = _train(data, arguments, report, out)
    out.progress("3  C        generating")
    made = generated(model)
    path = _write(made, folder, out)
    test = data.x_test[: COUNTED if arguments.short else None]
    inputs = Inputs(test, "the test images", None)
    out.progress("4  check    this machine")
    host, missing = None, missing_tool()
    if missing_compiler() is None:
        host = compare_host(made, test)
        report.differing += host.differing
        out.say(f"4  check    this machine  {host.line}")
    if missing is None:
        _run_on_cores(made, inputs, report, out)
    numbers = summarize(made)
    _print_accuracy(numbers, report, out)
    _print_cores(host, report, out)
    out.say(
        f"\nThe model is {path}, its C {folder / model.name}.h and .c. Next:\n"
        f"  spikemcu info {shlex.quote(str(path))}\n"
        f"  spikemcu bench --layer 784x128 --density 0.01,0.1,0.5 --board qemu-m4"
    )
    out.result(_json(numbers, path, None if host is None else host.to_json(), report, missing))
    return 0 if report.differing == 0 else 1


def _say_what_is_missing(out: Output) -> None:
    """Say what will be left out, before the training."""
    for part, reason in (("4  check", missing_compiler()), ("5  run  ", missing_tool())):
        if reason is not None:
            out.say(f"{part}    left out: {reason}")


def _train(data: Dataset, arguments: Namespace, report: _Report, out: Output) -> Model:
    """Train the float and the ternary network; return the ternary one as a model."""
    sizes = [data.inputs, HIDDEN, data.classes]
    epochs = SHORT_EPOCHS if arguments.short else recipe_for("digits", 0).epochs
    networks = []
    for label, bits in (("float", None), ("ternary", 2)):
        net = Network(sizes, bits=bits, steps=STEPS, seed=arguments.seed)
        show = show_progress(out, epochs, f"2  {label:8} ")
        require_whole(fit(net, data, arguments.seed, epochs=epochs, progress=show))
        networks.append(net)
    report.float_accuracy = evaluate(networks[0], data.x_test, data.y_test)
    model = export(networks[1], "digits")
    report.accuracy = accuracies(model, data)
    out.say(
        f"2  train    test accuracy: float {percent(report.float_accuracy)}, ternary "
        f"{percent(report.accuracy['test'])} (settings chosen on validation data)"
    )
    return dataclasses.replace(model, metadata={**model.metadata, "accuracy": report.accuracy})


def _write(made: Generated, folder: Path, out: Output) -> Path:
    """Write the C and the model; return the path of the model."""
    generate(made, folder)
    model = made.model
    path = folder / f"{model.name}.npz"
    model.save(path)
    out.say(f"3  C        {folder / model.name}.h and .c, digest {model.digest()[:8]}")
    return path


def _run_on_cores(made: Generated, inputs: Inputs, report: _Report, out: Output) -> None:
    boards = tuple(load_boards().values())
    prepare(made, boards, out)
    for board in boards:
        comparison = compare_target(made, board, inputs, out)
        report.differing += comparison.differing
        report.cores.append(_core(made, board, inputs) | comparison.to_json())
        out.say(f"5  run      {_title(board.core):12}  {comparison.line}")


def _title(core: str) -> str:
    """Return a core as its makers write it: Cortex-M4."""
    return core.replace("cortex-m", "Cortex-M")


def _core(made: Generated, board: Board, inputs: Inputs) -> dict[str, Any]:
    cost = cost_of(made, board, inputs.x[:COUNTED])
    return {
        "board": board.name,
        "core": board.core,
        "flash": cost.flash,
        "ram": made.program.ram_bytes,
        "instructions": cost.instructions,
    }


def _print_accuracy(numbers: dict[str, Any], report: _Report, out: Output) -> None:
    smaller = numbers["float32_bytes"] / numbers["weight_bytes"]
    accuracy = percent(report.float_accuracy), percent(report.accuracy["test"])
    weights = f"{numbers['weight_bytes']:,}  ({smaller:.1f} times less, padding included)"
    rows = (
        ("accuracy on held-out test data", *accuracy),
        ("bytes of weights", f"{numbers['float32_bytes']:,}", weights),
    )
    out.say()
    out.table(("", "float", "ternary"), rows)


def _print_cores(host: Comparison | None, report: _Report, out: Output) -> None:
    rows: list[tuple[Any, ...]] = []
    if host is not None:
        differ = f"{host.differing_spikes} of {host.spikes:,} spikes differ"
        rows.append(("this machine", "", "", "", differ))
    for core in report.cores:
        differ = f"{core['differing_spikes']} of {core['compared']['spikes']:,} spikes differ"
        figures = core["flash"], core["ram"], core["instructions"]
        rows.append((_title(core["core"]), *figures, differ))
    if not rows:
        return
    out.say()
    out.table(("", "flash, bytes", "RAM, bytes", "instructions per inference", ""), rows)
    if report.cores:
        out.say(
            "flash: code, weights and constants of the model; RAM: its state; instructions: mean "
            f"over {COUNTED} test images"
        )


def _json(
    numbers: dict[str, Any],
    path: Path,
    host: dict[str, Any] | None,
    report: _Report,
    missing: str | None,
) -> dict[str, Any]:
    return {
        "model": str(path),
        "digest": numbers["digest"],
        "accuracy": report.accuracy,
        "float_accuracy": {"test": report.float_accuracy},
        "weight_bytes": numbers["weight_bytes"],
        "float32_bytes": numbers["float32_bytes"],
        "host": host,
        "results": report.cores,
        "differing": report.differing,
        "missing": missing,
    }
