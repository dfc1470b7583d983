"""What a layer in strips costs, in features."""

from __future__ import annotations

from dataclasses import dataclass, replace

from codegen.kernels.features import Features, Listed
from codegen.kernels.load import Load, digits_listed, over_steps
from codegen.kernels.plain.cost import IntegerNeurons, integers
from codegen.kernels.plain.layer import PlainLayer


@dataclass(frozen=True, kw_only=True)
class Strips(Features):
    """Strips of one width: calls that add, strips, and inputs added to strips."""

    calls: float = 0.0
    strips: float = 0.0
    calls_strips: float = 0.0
    active_strips: float = 0.0


@dataclass(frozen=True, kw_only=True)
class StripsSpikes(Features):
    """Lists of inputs that spike, sums in packed fields, then the neurons; over the steps.

    steps_in_strips:   steps
    pieces:            calls where inputs are added in pieces
    piece_neurons:     neurons of such a layer; pieces_neurons: the same times calls
    could_be_inactive: steps that could add the inactive inputs instead
    inactive, inactive_words, inactive_neurons: steps that do; words and neurons of these
    """

    neurons: IntegerNeurons = IntegerNeurons()
    listed: Listed = Listed()
    steps_in_strips: float = 0.0
    strips4: Strips = Strips()
    strips8: Strips = Strips()
    pieces: float = 0.0
    piece_neurons: float = 0.0
    pieces_neurons: float = 0.0
    could_be_inactive: float = 0.0
    inactive: float = 0.0
    inactive_words: float = 0.0
    inactive_neurons: float = 0.0


def strips_spikes(stage: PlainLayer, load: Load) -> StripsSpikes:
    """Active list, sums of 8 or 16 neurons in packed fields, then the neurons."""
    summed = over_steps(lambda step: _strips(stage, step), load, stage.source.size)
    return replace(summed.scaled(load.steps), neurons=integers(stage, load))


def _strips(stage: PlainLayer, load: Load) -> StripsSpikes:
    """Active list and sums of a step."""
    strips, size, words = stage.strips, stage.source.size, stage.source.words
    many = bool(stage.complement) and load.active > stage.complement
    active = size - load.active if many else load.active
    calls = _pieces(stage, active, load) if stage.piece else load.busy
    lengths = [load.active, active] if many else [active]
    each = Strips(
        calls=calls, strips=strips, calls_strips=calls * strips, active_strips=active * strips
    )
    return StripsSpikes(
        strips4=each if stage.bits == 4 else Strips(),
        strips8=each if stage.bits == 8 else Strips(),
        listed=digits_listed(lengths, words, size, load),
        steps_in_strips=1,
        pieces=calls * (stage.piece > 0),
        piece_neurons=stage.neurons * (stage.piece > 0),
        pieces_neurons=calls * stage.neurons * (stage.piece > 0),
        could_be_inactive=stage.complement > 0,
        inactive=many,
        inactive_words=many * words,
        inactive_neurons=many * stage.neurons,
    )


def _pieces(stage: PlainLayer, active: float, load: Load) -> float:
    """Return in how many pieces the active inputs are added."""
    if load.worst:
        return active / stage.piece + 1
    return load.busy if active <= stage.piece else active / stage.piece + 0.5
