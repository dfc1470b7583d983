"""Membranes in planes: leak, integration, comparison, reset, counts."""

from __future__ import annotations

from dataclasses import dataclass, replace

from codegen.kernels.bitsliced.cost.blocks import split
from codegen.kernels.bitsliced.layer import BitslicedLayer
from codegen.kernels.features import Features, expected
from codegen.kernels.load import Load, planes_counted
from codegen.kernels.neurons.integration import Integration


@dataclass(frozen=True, kw_only=True)
class Membranes(Features):
    """Steps of blocks of neurons: mostly planes that an operation works on.

    An adder takes five instructions and a load; what is expected follows from the C.

    blocks:            steps times blocks
    u, v:              planes before and after the reset
    leak, more_leak:   planes of all terms, and of all but the first
    negative_leak:     planes of terms that add
    picked:            planes that a term of the leak is picked from, where neurons do not share it
    far_leak:          planes where a term shifts by more than four; far_leaks: times the terms
    reset_ones:        ones of a reset for all; reset_zeros: zeros above the lowest of these
    reset_own:         planes of a reset for each neuron; reset_beside_own: of all digits then
    threshold:         digits; own_threshold: planes of a threshold for each neuron
    compared, compared_own: digits of several thresholds, shared and own ones; lowered: planes that
                       an own first threshold is taken from; counts: thresholds that a bit of a
                       count depends on, over all bits
    further:           planes of a synaptic current, or of what raises a threshold, beside what
                       they are integrated by
    saturation:        digits of floor and ceiling; of the threshold once more, for a late reset
    not_lowered:       planes where the threshold is not part of the state
    counted, levels:   planes of the counts, as in load.planes_counted
    copied:            planes that are not computed in place
    """

    blocks: float = 0.0
    u: float = expected(2)
    v: float = expected(2)
    leak: float = expected(5)
    more_leak: float = 0.0
    negative_leak: float = 0.0
    picked: float = expected(5)
    far_leak: float = 0.0
    far_leaks: float = 0.0
    current: float = expected(6)
    bias: float = expected(6)
    reset_ones: float = expected(4)
    reset_zeros: float = expected(2)
    reset_own: float = expected(5)
    reset_beside_own: float = 0.0
    reset_to_zero: float = expected(3)
    threshold: float = expected(1)
    own_threshold: float = expected(4)
    compared: float = expected(2)
    compared_own: float = expected(6)
    lowered: float = expected(7)
    counts: float = expected(2)
    further: float = expected(4)
    saturation: float = expected(2)
    not_lowered: float = 0.0
    counted: float = expected(4)
    levels: float = expected(8)
    copied: float = expected(2)


def _reset(stage: BitslicedLayer) -> Membranes:
    """Subtract, or with a lowered threshold add again, what the reset takes."""
    digits = stage.reset_by[: stage.v_width]
    bits = [digit.bit for digit in digits if digit.word is None]
    lowest = bits.index(1) if 1 in bits else len(bits)
    own = sum(digit.word is not None for digit in digits)
    found = Membranes(
        reset_ones=bits.count(1),
        reset_zeros=bits[lowest:].count(0),
        reset_own=own,
        reset_beside_own=len(digits) * (own > 0),
    )
    if stage.counting is not None:  # once for each bit of a count
        found = found.scaled(stage.counting.planes)
    replaced = sum(digit.word is not None for digit in stage.reset_to)
    return found + Membranes(reset_to_zero=len(stage.reset_to), reset_own=replaced)


def _compared(stage: BitslicedLayer) -> Membranes:
    """Compare with the thresholds of counts: digits that all share, and own ones."""
    found = stage.counting
    if found is None:
        return Membranes()
    return Membranes(
        u=(found.width - found.first) * (not stage.memory),
        compared=found.shared_digits,
        compared_own=found.own_digits,
        lowered=len(found.less),
        counts=sum(len(some) for some in found.bits),
    )


def _integrated(found: Integration | None) -> Membranes:
    """Add to a number in planes what flows into it, less its leak."""
    if found is None:
        return Membranes()
    terms, width = found.terms, found.width
    far = any(abs(k) > 4 for k in terms) or bool(found.picks)
    taken = 0 if 0 in terms else len(terms)  # x - (x >> 0) is no operation at all
    taken += len(found.picks)
    adding = sum(k < 0 for k in terms) + sum(pick.negative for pick in found.picks)
    return Membranes(
        u=width,
        leak=taken * width,
        more_leak=max(taken - 1, 0) * width,
        negative_leak=adding * width,
        picked=sum(len(pick.choices) for pick in found.picks) * width,
        far_leak=far * width,
        far_leaks=far * len(terms) * width,
        current=sum(p.current is not None for p in found.planes),
        bias=sum(p.bias is not None for p in found.planes),
    )


def _adapted(stage: BitslicedLayer) -> Membranes:
    """Compare with what raises the threshold, and let it follow the spikes."""
    found = stage.adapts
    if found is None:
        return Membranes()
    bits = [digit.bit for digit in found.digits if digit.word is None]
    lowest = bits.index(1) if 1 in bits else len(bits)
    own = len(found.digits) - len(bits)
    return Membranes(
        u=2 * found.width,
        v=found.width,
        further=found.width,
        leak=found.width if found.borrows else 0,
        reset_ones=bits.count(1),
        reset_zeros=bits[lowest:].count(0),
        reset_own=own,
        threshold=max(stage.u_width - 1, found.width),
        own_threshold=min(stage.u_width - 1, found.width),
    )


def of_block(stage: BitslicedLayer, load: Load) -> Membranes:
    """Leak, integration, comparison, reset, counting of one block in one step."""
    planes = planes_counted(stage, load)
    if not stage.memory:
        return _compared(stage) + Membranes(blocks=1, **planes)
    forgets, late = 0 in stage.terms, len(stage.threshold) * stage.late
    return (
        _reset(stage)
        + _compared(stage)
        + _integrated(stage.into_v)
        + _integrated(stage.into_c)
        + _adapted(stage)
        + Membranes(further=stage.into_c.width if stage.into_c is not None else 0)
        + Membranes(
            blocks=1,
            v=stage.v_width * (stage.late or not forgets),
            threshold=len(stage.threshold),
            own_threshold=sum(d.word is not None for d in stage.threshold),
            saturation=len(stage.floor) + len(stage.ceiling) + late,
            not_lowered=stage.u_width * (not stage.lowered),
            **planes,
        )
    )


def membranes(stage: BitslicedLayer, load: Load) -> tuple[Membranes, Membranes]:
    """The membranes of all blocks in all steps: single ones, and four at once.

    On Helium there is also what is not computed in place.
    """
    singles, quads = split(stage, load)
    found = of_block(stage, load)
    wide = replace(found, copied=stage.u_width * (not stage.in_place))
    return found.scaled(load.steps * singles), wide.scaled(load.steps * quads)
