"""The verb train: a data set or a file becomes a trained model."""

from __future__ import annotations

import dataclasses
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

from codegen.cli import INTERRUPTED
from codegen.cli.before import require_output
from codegen.cli.data import load_data, say_notes, source_of
from codegen.cli.datasets import sensor_text
from codegen.cli.ending import (
    Costs,
    Trained,
    as_json,
    costs_of_bits,
    judged_on_test,
    next_commands,
    say_best,
    say_bits,
    say_test,
)
from codegen.cli.output import Output, percent
from codegen.cli.teaching import teacher_of
from codegen.measure.spend import spike_costs
from qat import Epoch, History, Network, evaluate, export, fit
from qat.data.dataset import Dataset
from qat.data.pictures import PICTURES
from qat.data.shift import changed_by, moved_by
from qat.data.speech import speech_of
from qat.model import Model, c_name, check_c_name
from qat.model.notation import LayerNote, dense, in_time, on_maps, parse, written
from qat.train.fit import check_task
from qat.train.inflow import INPUTS
from qat.train.recipes import Recipe, for_recurrent, recipe_for, recipe_named
from qat.train.surrogate import RECURRENT

DEFAULT_HIDDEN = {"digits": [64]}


def progress_line(epoch: Epoch, epochs: int, seconds: float) -> str:
    """Return one line about an epoch; `seconds` is what one takes."""
    left = seconds * (epochs - epoch.number)
    firing = ", ".join(percent(rate) for rate in epoch.firing_rates)
    return (
        f"epoch {epoch.number}/{epochs}  loss {epoch.loss:.3f}  training "
        f"{percent(epoch.train_accuracy)}  validation {percent(epoch.validation_accuracy)}  "
        f"firing {firing}  {left:.0f} s left"
    )


def show_progress(out: Output, epochs: int, label: str = "") -> Callable[[Epoch], None]:
    """Return a callback for `fit` that shows every epoch in place."""
    spent: list[float] = []

    def show(epoch: Epoch) -> None:
        spent.append(epoch.seconds)
        line = label + progress_line(epoch, epochs, sum(spent) / len(spent))
        out.progress(line, last=epoch.number == epochs)

    return show


def _input_kind(arguments: Namespace, data: Dataset) -> str:
    """Return how the data reach the network; ValueError for a way that does not fit them."""
    framed = data.x_train.ndim > 2
    kind = arguments.input or ("frames" if framed else "analog")
    fitting = [name for name, record in INPUTS.items() if record.held != framed]
    if data.input_range != (0, 1):
        fitting = [name for name in fitting if name != "spikes"]
    if kind not in fitting:
        what = "a vector per step" if framed else "one vector per sample"
        low, high = data.input_range
        raise ValueError(
            f"--input {kind}: {data.name} has {what}, of values {low} to {high}; "
            f"use {' or '.join(fitting)}"
        )
    if arguments.event_threshold is not None and kind != "delta":
        raise ValueError("--event-threshold: goes with --input delta")
    return kind


def hidden_layers(arguments: Namespace, data: Dataset) -> tuple[LayerNote, ...]:
    """Return the hidden layers that are asked for, or those by default."""
    if arguments.layers is None:
        return dense(tuple(arguments.hidden or DEFAULT_HIDDEN.get(data.name, [128])))
    if arguments.hidden:
        raise ValueError("--hidden: --layers says the hidden layers; give one of both")
    return parse(arguments.layers)


def neuron_of(arguments: Namespace, layers: tuple[LayerNote, ...], data: Dataset) -> str:
    """Return the kind of the neurons: by default those that count where layers look at one map."""
    counts = on_maps(layers) and not _maps_in_time(data)
    return arguments.neuron or ("burst" if counts else "lif")


def _maps_in_time(data: Dataset) -> bool:
    """Return True where every step of a sample is a picture, as bins of events are."""
    return data.grid is not None and data.x_train.ndim > 2


def as_wanted(data: Dataset, layers: tuple[LayerNote, ...], neuron: str) -> Dataset:
    """Return the data with windows as maps, where layers look at maps in one step.

    Raises ValueError for data without a map that layers look at, and for pictures in time where
    neurons take one step.
    """
    if on_maps(layers) and _maps_in_time(data):
        if neuron == "burst":
            raise ValueError(
                f"--neuron burst: takes one picture; {data.name} has {data.vectors} a sample: use "
                "another neuron, or of events one picture of all (--bins 1)"
            )
        return data
    if (on_maps(layers) or neuron == "burst") and data.x_train.ndim > 2:
        return data.as_maps()
    if on_maps(layers) and data.grid is None:
        raise ValueError(
            f"--layers {written(layers)}: {data.name} has {data.inputs} inputs without a map; use "
            f"windows of a recording, {PICTURES}, or dense layers alone, such as --layers 64"
        )
    return data


def network_of(arguments: Namespace, data: Dataset) -> Network:
    """Return the network that is asked for, untrained; the data are as_wanted."""
    layers = hidden_layers(arguments, data)
    output_bits = arguments.output_bits or arguments.bits
    return Network(
        [data.inputs, data.classes],
        bits=[arguments.bits] * len(layers) + [output_bits],
        steps=arguments.steps or (None if data.x_train.ndim == 2 else data.x_train.shape[1]),
        layers=written(layers),
        grid=data.grid if on_maps(layers) else None,
        neuron=neuron_of(arguments, layers, data),  # type: ignore[arg-type]  # one of NEURONS
        leak_c=None if arguments.leak_c is None else tuple(arguments.leak_c),
        leak_b=arguments.leak_b,
        raise_by=arguments.raise_by,
        levels=arguments.levels,
        leak=tuple(arguments.leak),
        leaks=arguments.leaks,
        reset=arguments.reset,
        reset_to=arguments.reset_to,
        readout=arguments.readout,
        score=arguments.score,
        readout_leak=tuple(arguments.readout_leak),
        readout_threshold=arguments.readout_threshold,
        input=_input_kind(arguments, data),  # type: ignore[arg-type]  # one of INPUTS
        event_threshold=arguments.event_threshold,
        input_range=data.input_range,
        threshold=arguments.threshold,
        resolution=arguments.resolution,
        norm=arguments.norm,
        recurrent=arguments.recurrent,
        delays=arguments.delays or 0,
        truncate=arguments.truncate,
        seed=arguments.seed,
    )


def settings_of(arguments: Namespace) -> dict[str, Any]:
    """Return the settings of the training that are given, None for those that are not."""
    names = (
        "epochs",
        "batch_size",
        "learning_rate",
        "weight_decay",
        "averaging",
        "keep",
        "rate_penalty",
        "cost_target",
        "cost_penalty",
    )
    return {name: getattr(arguments, name) for name in names}


def _spike_cost(arguments: Namespace, net: Network, out: Output) -> tuple[float, ...] | None:
    """Return the instructions per spike of each layer, None unless --cost-target asks for them."""
    if arguments.cost_target is None:
        return None
    cost = tuple(spike_costs(export(net), arguments.cost_board))
    known = ", ".join(f"layer {i} {value:.1f}" for i, value in enumerate(cost))
    out.say(f"instructions per spike on {arguments.cost_board}: {known}")
    return cost


def accuracies(model: Model, data: Dataset) -> dict[str, float]:
    """Return the accuracy of the integer model on every part of the data."""
    parts = ("train", "validation", "test")
    return {
        part: evaluate(model, getattr(data, f"x_{part}"), getattr(data, f"y_{part}"))
        for part in parts
        if len(getattr(data, f"y_{part}"))
    }


def run_folder(arguments: Namespace) -> Path:
    """Return the folder of the run: --run, or the model's name with .run."""
    return Path(arguments.run_folder or Path(arguments.output).with_suffix(".run"))


def _check_before_the_work(arguments: Namespace) -> None:
    """Refuse now what would only fail after the training."""
    require_output(arguments.output)
    if arguments.name is not None:
        check_c_name(arguments.name)


def train(arguments: Namespace) -> int:
    """Train a network and write its model."""
    out = Output(arguments)
    _check_before_the_work(arguments)
    out.progress(f"reading {arguments.data}")
    data = load_data(arguments.data, arguments, arguments.seed)
    if arguments.input_bits:
        data = data.with_input_bits(arguments.input_bits)
    layers = hidden_layers(arguments, data)
    data = as_wanted(data, layers, neuron_of(arguments, layers, data))
    net = network_of(arguments, data)
    recipe = recipe_of(arguments, data, net)
    check_task(net, data, recipe)
    name = arguments.name or c_name(data.name)
    out.say(
        f"{data.name}: {len(data.y_train):,} training, {len(data.y_validation):,} validation, "
        f"{len(data.y_test):,} test samples ({source_of(data)})"
    )
    say_notes(out, data)
    if data.raw is not None:
        out.say(sensor_text(data.raw, data.channel_names))
    out.say(f"the model is called {name}; its C has this prefix (--name gives another)")
    _say_edges(out, net, _as_given(recipe, arguments))
    cost = _spike_cost(arguments, net, out)
    teacher = teacher_of(arguments, out)
    progress = show_progress(out, arguments.epochs or recipe.epochs)
    settings = {
        **settings_of(arguments),
        "spike_cost": cost,
        "recipe": recipe,
        "teacher": teacher,
        "progress": progress,
    }
    run = {"run": run_folder(arguments), "resume": arguments.resume}
    history = fit(net, data, arguments.seed, **settings, **run)
    if history.best is None:
        raise KeyboardInterrupt  # before the first epoch was finished: there is nothing to keep
    return _finish(out, Trained(arguments, net, export(net, name), data, history))


def _as_given(recipe: Recipe, arguments: Namespace) -> Recipe:
    """Return a recipe with the settings of the command line in place."""
    given = {name: value for name, value in settings_of(arguments).items() if value is not None}
    return dataclasses.replace(recipe, **given)


def recipe_of(arguments: Namespace, data: Dataset, net: Network) -> Recipe:
    """Return the recipe by name, or the one that belongs to data and network."""
    if arguments.recipe is None:
        kind = net.normalised, net.grid is not None, net.recurrent
        found = recipe_for(data.name, len(data.y_train), *kind)
    else:
        named = recipe_named(arguments.recipe, net.normalised)
        found = for_recurrent(named) if net.recurrent else named
    if arguments.speech:
        if (arguments.shift, arguments.changes) != (None, None):
            raise ValueError("--speech: moves recordings as well; leave --shift and --changes out")
        return dataclasses.replace(found, augment=speech_of(data))
    if arguments.changes is not None:
        changes = changed_by(data, arguments.changes, found.augment)
        found = dataclasses.replace(found, augment=changes)
    if arguments.shift is None:
        return found
    return dataclasses.replace(found, augment=moved_by(data, arguments.shift, found.augment))


def _say_edges(out: Output, net: Network, recipe: Recipe) -> None:
    """Print the layers with delays and further edges, and what training does otherwise there."""
    if not in_time(net.notes):
        return
    out.say(
        f"layers {written(net.notes)} (r: recurrent, tN: delays of 0 to N steps, rN: of 1 to N)"
    )
    if net.truncate:
        out.say(f"memory passes gradients on over at most {net.truncate} steps (--truncate)")
    if net.recurrent:
        amplitude, slope = net.damping or RECURRENT
        out.say(
            f"recurrent layers: surrogate {net.surrogate} of amplitude {amplitude:g} and slope "
            f"{slope:.3g}; learning rate {recipe.learning_rate:g}, rate penalty "
            f"{recipe.rate_penalty:g} on mean rates above {recipe.rate_target:g}"
        )


def _finish(out: Output, trained: Trained) -> int:
    """Write the model, then say what there is to know; return the exit status."""
    out.progress("judging the model")
    arguments, history = trained.arguments, trained.history
    accuracy = accuracies(trained.model, trained.data)
    metadata = {**trained.model.metadata, "accuracy": accuracy}
    model = dataclasses.replace(trained.model, metadata=metadata)
    model.save(arguments.output)
    _say_troubles(out, history)
    more = _say_result(out, dataclasses.replace(trained, model=model))
    out.result(
        {
            "model": str(arguments.output),
            "run": str(run_folder(arguments)),
            "digest": model.digest(),
            "accuracy": accuracy,
            "firing_rates": model.metadata.get("firing_rates"),
            "best_epoch": history.best.number if history.best else 0,
            "interrupted": history.interrupted,
            "diverged": history.diverged,
            "loops": history.loops,
            "warnings": list(history.warnings),
            "seconds": history.seconds,
            "settings": dict(history.settings),
            **more,
        }
    )
    if history.interrupted:
        return INTERRUPTED
    return 0 if history.diverged is None else 1


def _say_troubles(out: Output, history: History) -> None:
    """Print why the training ended early, and what is wrong with the network."""
    if history.interrupted:
        out.warn(
            f"interrupted after {len(history.epochs)} epochs; the best so far is kept; the same "
            "command with --resume goes on"
        )
    if history.diverged is not None and history.best is not None:
        out.warn(f"{history.diverged}; epoch {history.best.number} was the best before and is kept")
    for line in history.warnings:
        out.warn(f"warning: {line}")


def _costs(out: Output, trained: Trained) -> list[Costs]:
    """Return what other bits would cost; none, with a line that says why, where no one knows."""
    try:
        return costs_of_bits(out, trained)
    except ValueError as error:
        out.warn(f"what other bits would cost is not known: {error}")
        return []


def _say_result(out: Output, trained: Trained) -> dict[str, Any]:
    """Print what one wants to know of a model; return what of it is new, as JSON values."""
    arguments, model = trained.arguments, trained.model
    judged = judged_on_test(trained)
    if judged is not None:
        say_test(out, trained, judged)
    known = ", ".join(f"{part} {percent(v)}" for part, v in model.metadata["accuracy"].items())
    out.say(f"accuracy of the integer model: {known}")
    last = say_best(out, trained)
    costs = _costs(out, trained) if trained.whole else []
    if costs:
        say_bits(out, costs, arguments)
    digest, run = model.digest(), run_folder(arguments)
    loops = f"trained with {trained.history.loops} loops"
    out.say(f"\nwrote {arguments.output}  (digest {digest}), the run in {run}; {loops}")
    out.say("next:\n" + "\n".join(f"  {line}" for line in next_commands(arguments)))
    return {"last_was_best": last, **as_json(trained, judged, costs)}
