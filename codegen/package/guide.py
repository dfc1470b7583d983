"""The README of a package: how a model is called, and what it costs on each core."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from codegen import isa
from codegen.plan import cost
from codegen.render.generated import Generated
from codegen.report.report import cycles_per_instruction, traced
from codegen.report.summary import shape_text
from codegen.target.boards import load_boards
from qat.model import Model, Spectrum, Spikes


@dataclass(frozen=True)
class Cost:
    """What a call takes on a core: predicted, and at most for any input.

    cycles, worst_cycles: estimates at zero wait states
    checked: how far such estimates were off what was measured on a board; "" where nobody did
    """

    core: str
    typical: int
    worst: int
    cycles: int
    worst_cycles: int
    checked: str


def _cost(made: Generated, core: str) -> Cost | None:
    """Return what a call takes on a core; None where a part of it was never counted there."""
    typical = cost.works(made.program, made.model.input, made.activity, core)
    worst = cost.worst_works(made.program, made.model.input, core)
    typical += cost.around(made.program, core)
    worst += cost.around(made.program, core, worst=True)
    if not cost.priced([*typical, *worst], core) or not all(traced(w.kind, core) for w in typical):
        return None
    each = [cycles_per_instruction(work.kind, core) for work in typical]
    counts = [cost.evaluate(work, core) for work in typical]
    most = [cost.evaluate(work, core, "worst") for work in worst]
    return Cost(
        core,
        round(sum(counts)),
        round(sum(most)),
        round(sum(n * cycles for n, cycles in zip(counts, each, strict=True))),
        round(sum(n * cycles for n, cycles in zip(most, each, strict=True))),
        str(isa.timing(core).checked or ""),
    )


def costs_of(made: Generated, cores: Sequence[str] = ()) -> dict[str, Cost | None]:
    """Return {core: what a call takes}: for the core that the C is for, else for these.

    cores: () for those of ARM
    """
    only = made.program.only
    known = cores or [board.core for board in load_boards().values()]
    return {core: _cost(made, core) for core in (known if only is None else only.cores)}


MOST_RATE = 1e6
DEFAULT_RATE = 100
"""Samples a second of the streaming example where the data do not tell theirs."""


@dataclass(frozen=True)
class SampleRate:
    """How fast the streaming example takes samples.

    hz:     samples a second, a whole number of at least 1
    period: microseconds from one to the next, to the nearest
    text:   where that is from, for a comment
    """

    hz: int
    period: int
    text: str
    known: bool


def rate_of(model: Model) -> SampleRate:
    """Return the sample rate of the training data, as the metadata tell it, or 100 Hz.

    Sound has the one that its bands were made for.
    """
    if isinstance(model.sensor, Spectrum):
        hz = model.sensor.rate
        return SampleRate(hz, round(1e6 / hz), "the rate of the training data", True)
    data = model.metadata.get("data")
    rate = data.get("rate") if isinstance(data, Mapping) else None
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 < rate <= MOST_RATE:
        text = "assumed, as the model does not tell the rate of its data"
        return SampleRate(DEFAULT_RATE, 1_000_000 // DEFAULT_RATE, text, False)
    if rate < 1:
        text = f"the training data have {rate:g}: less than this example takes"
        return SampleRate(1, 1_000_000, text, False)
    near = "" if rate == round(rate) else f", {rate:g}"
    return SampleRate(round(rate), round(1e6 / rate), f"the rate of the training data{near}", True)


def _sentence(model: Model) -> str:
    sizes = shape_text(model, readout=False)
    counts = model.layers[-1].levels > 1
    kind = "classes" if model.readout else f"{'counting' if counts else 'spiking'} outputs"
    return f"A spiking neural network {sizes} with {model.outputs} {kind}."


def guide(made: Generated, cores: Sequence[str] = ()) -> dict[str, Any]:
    """Return what the texts of a package say beside the program.

    cores: those whose costs they tell, () for those of ARM
    """
    model, program = made.model, made.program
    each = "held for all steps" if model.input.held else "for each step"
    values = f"{program.input_ctype} from {program.input_low} to {program.input_high}"
    if isinstance(model.input, Spikes):
        values = "spikes, bit i % 32 of word i / 32 of uint32_t"
    count = model.steps or 1
    costs = costs_of(made, cores)
    scores = f"the class, and {model.outputs} int32_t scores after {count} steps"
    return {
        "version": program.version,
        "sentence": _sentence(model),
        "held": model.input.held,
        "input": f"{model.input.size} {values}, {each}",
        "output": scores if model.readout else f"{model.outputs} {_emitted(model)}",
        "source": made.activity.source,
        "rate": rate_of(model),
        "avr_ram": program.flash_bytes + (program.stream_bytes or program.ram_bytes),
        "costs": [one for one in costs.values() if one is not None],
        "unpriced": " and ".join(core for core, one in costs.items() if one is None),
        "measured": " and ".join(dict.fromkeys(_measured_with(core) for core in costs)),
    }


def _measured_with(core: str) -> str:
    return isa.find(core).architecture.tools.measured


def _emitted(model: Model) -> str:
    """Return what a step of a model that runs free gives."""
    levels = model.layers[-1].levels
    if levels == 1:
        return "spikes a step, packed in words"
    return f"counts of 0 to {levels} a step, in {levels.bit_length()} planes of bits"
