"""What dense layers that read or emit counts cost, in features."""

from __future__ import annotations

from dataclasses import dataclass

from codegen.kernels.features import Codes, Features
from codegen.kernels.load import Load, count_width, not_zero
from codegen.kernels.neurons.cost import IntegerNeurons, of_shape
from codegen.kernels.plain.layer import PlainLayer

FEW = 2
"""Codes up to which a compiler writes out the loop over a column."""


@dataclass(frozen=True, kw_only=True)
class CodeColumns(Features):
    """Columns of codes added to totals, which are cleared first.

    cleared:  totals; few: columns of very few codes; columns: others
    codes2, codes4, codes8, codes16: codes of all columns, by bits
    """

    cleared: float = 0.0
    few: float = 0.0
    columns: float = 0.0
    codes2: Codes = Codes()
    codes4: Codes = Codes()
    codes8: Codes = Codes()
    codes16: Codes = Codes()


def code_columns(active: float, n: int, bits: int, cleared: float) -> CodeColumns:
    """Add a column of n codes for each of so many values."""
    codes = active * n
    each = Codes(codes=codes, odd=codes * (n % 2), power_of_two=codes * (n & (n - 1) == 0))
    of_bits = {width: each if bits == width else Codes() for width in (2, 4, 8, 16)}
    return CodeColumns(
        cleared=cleared,
        few=active * (n <= FEW),
        columns=active * (n > FEW),
        codes2=of_bits[2],
        codes4=of_bits[4],
        codes8=of_bits[8],
        codes16=of_bits[16],
    )


@dataclass(frozen=True, kw_only=True)
class CountSums(Features):
    """Columns of inputs that are not 0, added to cleared totals.

    inputs:   bytes looked at; words, words_planes: words of a signal, times its planes
    values_planes: counts that are not 0, times planes
    """

    columns: CodeColumns = CodeColumns()
    inputs: float = 0.0
    words: float = 0.0
    words_planes: float = 0.0
    values_planes: float = 0.0


@dataclass(frozen=True, kw_only=True)
class EmittingNeurons(IntegerNeurons):
    """Steps of neurons behind dense weights; steps: how many there are."""

    steps: float = 0.0


@dataclass(frozen=True, kw_only=True)
class CountCurrents(Features):
    """Currents of byte vectors: sums, then the shift and the bias."""

    calls: float = 0.0
    sums: CountSums = CountSums()
    neurons: float = 0.0
    shifted: float = 0.0
    biased: float = 0.0


@dataclass(frozen=True, kw_only=True)
class CountHeld(Features):
    """Neurons on cached currents; small_currents: those narrower than int32."""

    neurons: EmittingNeurons = EmittingNeurons()
    small_currents: float = 0.0


@dataclass(frozen=True, kw_only=True)
class CountSpikes(Features):
    """Sums of a signal, then the neurons; over the steps."""

    sums: CountSums = CountSums()
    neurons: EmittingNeurons = EmittingNeurons()


def _sums(stage: PlainLayer, active: float) -> CountSums:
    planes, read = stage.source.planes, stage.source.planes == 0
    return CountSums(
        columns=code_columns(active, stage.neurons, stage.bits, stage.neurons),
        inputs=stage.source.size * read,
        words=stage.source.words * (not read),
        words_planes=stage.source.words * planes * (planes > 1),
        values_planes=active * planes * (planes > 1),
    )


def _neurons(stage: PlainLayer, load: Load) -> EmittingNeurons:
    several, n = stage.most > 1, stage.neurons
    spikes = n * stage.most if load.worst else max(load.emitted, load.fired)
    return EmittingNeurons(
        **of_shape(stage, "j"),
        steps=1,
        fired=load.fired,
        spikes=spikes * several,
        counted=stage.signal_words * count_width(stage, load),
    ).scaled(load.steps)


def counts_currents(stage: PlainLayer, load: Load) -> CountCurrents:
    """A column for every input that is not 0, then the shift."""
    active = float(stage.source.size) if load.worst else not_zero(load.values)
    return CountCurrents(
        calls=1,
        sums=_sums(stage, active),
        neurons=stage.neurons,
        shifted=stage.neurons * bool(stage.source.shift),
        biased=stage.neurons * stage.bias.endswith("[j]"),
    ).scaled(load.frames)


def counts_held(stage: PlainLayer, load: Load) -> CountHeld:
    """Neurons on cached currents."""
    small = stage.current_ctype != "int32_t"
    return CountHeld(
        neurons=_neurons(stage, load), small_currents=load.steps * stage.neurons * small
    )


def counts_spikes(stage: PlainLayer, load: Load) -> CountSpikes:
    """A column for every input that is not 0, then the neurons."""
    return CountSpikes(
        sums=_sums(stage, load.active).scaled(load.steps), neurons=_neurons(stage, load)
    )
