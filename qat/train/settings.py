"""What a network may be made with: each setting is checked before a layer is made of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from qat.model import MAX_DELAY, Shape
from qat.model.checks import finite, integer
from qat.model.integrator import SCORES
from qat.model.leak import MAX_CLASSES, Terms, leak_terms
from qat.model.notation import LayerNote, dense, on_maps, parse, recurring, written
from qat.train.quantize import QUANTIZERS

LEAK_B, RAISE_BY = 4, 0.25
"""Of adaptive thresholds by default: what raises them halves in 11 steps; a spike raises them by a
quarter."""

MOST_LEAK_B, MOST_RAISE = 10, 16


def layout_of(
    sizes: Sequence[int], layers: str | None
) -> tuple[tuple[int, int], tuple[LayerNote, ...]]:
    """Return (inputs, outputs) and the hidden layers."""
    checked = tuple(integer("Network.sizes", n, 1, 2**24) for n in sizes)
    if len(checked) < 2:
        raise ValueError(f"Network.sizes: found {list(sizes)}; needs inputs and outputs")
    ends = checked[0], checked[-1]
    if layers is None:
        return ends, dense(checked[1:-1])
    if len(checked) > 2:
        raise ValueError(
            f"Network.sizes: found {list(sizes)} besides layers {layers!r}; give inputs and "
            "outputs alone"
        )
    return ends, parse(layers)


def grid_of(
    grid: Shape | Sequence[int] | None, inputs: int, notes: tuple[LayerNote, ...]
) -> Shape | None:
    """Return the map of the inputs, None where no layer looks at it."""
    if not on_maps(notes):
        return None
    if grid is None:
        raise ValueError(
            f"Network.grid: layers {written(notes)!r} need a map; give (height, width, channels) "
            f"of the {inputs} inputs"
        )
    shape = grid if isinstance(grid, Shape) else Shape(*grid)
    if shape.size != inputs:
        raise ValueError(
            f"Network.grid: a map of {shape} has {shape.size} values; there are {inputs} inputs"
        )
    return shape


def require_known(**settings: tuple[str, Iterable[str]]) -> None:
    """Raise ValueError for a setting, given as (value, those that there are), that there is not."""
    for what, (value, allowed) in settings.items():
        if value not in allowed:
            raise ValueError(f"Network.{what}: found {value!r}; one of {', '.join(allowed)}")


def leak_classes(neuron: str, leaks: Iterable[Iterable[int]] | None) -> tuple[Terms, ...]:
    """Return the leaks that neurons have by their classes; none where all share one."""
    if leaks is None:
        return ()
    if neuron == "burst":
        raise ValueError("Network.leaks: goes with neurons that leak; found neuron 'burst'")
    found = tuple(leak_terms(leak, "Network.leaks") for leak in leaks)
    if not 2 <= len(found) <= MAX_CLASSES or () in found or len(set(found)) < len(found):
        raise ValueError(
            f"Network.leaks: found {found}; must be 2 to {MAX_CLASSES} leaks, no two the same: "
            "((2,), (4,)); one that all neurons share is `leak`"
        )
    return found


def synaptic_leak(neuron: str, leak: tuple[int, ...] | None) -> tuple[int, ...] | None:
    """Return the leak of synaptic currents; None for neurons without them."""
    if neuron != "cuba":
        if leak is not None:
            raise ValueError(f"Network.leak_c: goes with neuron 'cuba'; found neuron {neuron!r}")
        return None
    return leak_terms((2,) if leak is None else leak, "Network.leak_c")


def adaptation(
    neuron: str, leak: int | None, raise_by: float | None, levels: int
) -> dict[str, Any]:
    """Return the settings of thresholds that adapt; none for neurons whose thresholds stay."""
    if neuron != "alif":
        for name, value in (("leak_b", leak), ("raise_by", raise_by)):
            if value is not None:
                raise ValueError(
                    f"Network.{name}: goes with neuron 'alif'; found neuron {neuron!r}"
                )
        return {}
    if levels > 1:
        raise ValueError(f"Network.levels: found {levels}; 'alif' emits one spike a step")
    found = float(finite("Network.raise_by", RAISE_BY if raise_by is None else raise_by))
    if not 0 < found <= MOST_RAISE:
        raise ValueError(
            f"Network.raise_by: found {found:g}; must be above 0 and at most {MOST_RAISE}, as a "
            "part of the threshold"
        )
    shift = integer("Network.leak_b", LEAK_B if leak is None else leak, 1, MOST_LEAK_B)
    return {"leak_b": shift, "raise_by": found}


def reset_value(reset: str, value: float | None) -> float:
    """Return what a spike leaves in place of a membrane; 0 where the reset says it itself."""
    if (reset == "value") != (value is not None):
        raise ValueError(
            f"Network.reset_to: found {value} with reset {reset!r}; reset 'value' needs it, and no "
            "other has it"
        )
    return 0.0 if value is None else float(finite("Network.reset_to", value))


def integrator_of(
    readout: str, score: str, leak: tuple[int, ...], threshold: float | None
) -> dict[str, Any] | None:
    """Return the settings of a readout of leaky integrators; None for another readout.

    Raises ValueError for what the record LI refuses, and for settings of no readout.
    """
    if readout != "li":
        if (score, tuple(leak), threshold) != ("last", (3,), None):
            raise ValueError(
                "Network.score: score, readout_leak and readout_threshold go with readout 'li'; "
                f"found readout {readout!r}"
            )
        return None
    require_known(score=(score, SCORES))
    if score != "first" and threshold is not None:
        raise ValueError(f"Network.readout_threshold: goes with score 'first'; found {score!r}")
    value = float(finite("Network.readout_threshold", 1.0 if threshold is None else threshold))
    if value <= 0:
        raise ValueError(f"Network.readout_threshold: found {value}; must be above 0")
    terms = leak_terms(leak, "Network.readout_leak")
    return {"leak": terms, "score": score, "threshold": value}


def bits_per_layer(bits: int | Sequence[int | None] | None, layers: int) -> tuple[int | None, ...]:
    """Return the bits of every layer with weights, None for real ones."""
    each = (bits,) * layers if bits is None or isinstance(bits, int) else tuple(bits)
    if len(each) != layers:
        raise ValueError(f"Network.bits: found {len(each)} values; the network has {layers} layers")
    for value in each:
        if value not in QUANTIZERS:
            raise ValueError(f"Network.bits: found {value!r}; allowed are 2, 4, 8, 16 and None")
    return each


def edged(
    notes: tuple[LayerNote, ...], recurrent: bool, delays: int, spiking: bool
) -> tuple[LayerNote, ...]:
    """Return layers with what a network has on all of them: recurrent edges, delays.

    recurrent: every dense layer reads itself, with delays of 1 step, or 1 to `delays`
    delays:    the longest of what layers read; 0 for none
    spiking:   the input is spikes; the first layer delays no values

    A layer of the notation with marks of its own keeps these.
    """
    longest, found = integer("Network.delays", delays, 0, MAX_DELAY), []
    for index, note in enumerate(notes):
        own: dict[str, Any] = {}
        if longest and not note.delay and (index or spiking):
            own["delay"] = longest
        if recurrent and not note.recurrent and note.extent is None and note.pool is None:
            own["recurrent"] = max(longest, 1)
        found.append(replace(note, **own))
    return tuple(found)


def check_edges(notes: tuple[LayerNote, ...], neuron: str, held: bool, spiking: bool) -> None:
    """Refuse edges of layers that cannot be trained, or that the input does not allow.

    held, spiking: the input is one vector for all steps; it is spikes
    """
    if recurring(notes) and neuron == "burst":
        raise ValueError(
            "Network.recurrent: burst neurons keep nothing from step to step; use neuron 'lif'"
        )
    if notes and notes[0].delay and held and not spiking:
        raise ValueError(
            f"Network.layers: layer 0 ({notes[0]}) delays a held input, whose values are the same "
            "in all steps; use frames, or an encoder that makes spikes"
        )


def truncated(steps: int | None) -> int:
    """Return after how many steps memory passes no gradient on, 0 for never."""
    return 0 if steps is None else integer("Network.truncate", steps, 1, 2**24)


def damping_of(damping: Sequence[float] | None) -> tuple[float, float] | None:
    """Return amplitude and slope of the surrogate, None for those that suit the layers."""
    if damping is None:
        return None
    found = tuple(float(value) for value in damping)
    if len(found) != 2 or not all(0 < value < float("inf") for value in found):
        raise ValueError(
            f"Network.damping: found {damping}; must be (amplitude, slope) of the surrogate, both "
            "above 0"
        )
    return found[0], found[1]
