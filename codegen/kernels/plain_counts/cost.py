"""What dense layers that read or emit counts cost, in features."""

from __future__ import annotations

from dataclasses import dataclass

from codegen.kernels.features import AllColumns, Features, Products, expected
from codegen.kernels.load import Load, all_columns, not_zero, planes_counted, products
from codegen.kernels.neurons.cost import IntegerNeurons, of_shape
from codegen.kernels.plain.layer import PlainLayer


@dataclass(frozen=True, kw_only=True)
class CountSums(Features):
    """Columns of inputs that are not 0, added to cleared totals.

    inputs:   bytes looked at; words, words_planes: words of a signal, times its planes
    values:   counts that are not 0; values_planes: times planes
    products: what is taken times a code, by bits
    """

    columns: AllColumns = AllColumns()
    products: Products = Products()
    inputs: float = expected(4)
    words: float = expected(6)
    words_planes: float = expected(3)
    values: float = expected(5)
    values_planes: float = expected(4)


@dataclass(frozen=True, kw_only=True)
class EmittingNeurons(IntegerNeurons):
    """Steps of neurons behind dense weights.

    steps:      how many there are
    put_digits: binary digits of the counts that they emit
    """

    steps: float = expected(20)
    put_digits: float = expected(10)


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
    values = active * (planes > 1)
    return CountSums(
        columns=all_columns(active, stage.neurons, stage.bits),
        products=products(values, stage.neurons, stage.bits),
        inputs=stage.source.size * read,
        words=stage.source.words * (not read),
        words_planes=stage.source.words * planes * (planes > 1),
        values=values,
        values_planes=values * planes,
    )


def _neurons(stage: PlainLayer, load: Load) -> EmittingNeurons:
    n = stage.neurons
    spikes = n * stage.most if load.worst else max(load.emitted, load.fired)
    return EmittingNeurons(
        **of_shape(stage, "j"),
        steps=1,
        fired=load.fired,
        spikes=spikes * (stage.most > 1),
        put_digits=load.put * (stage.most > 1),
        **{name: stage.words * n for name, n in planes_counted(stage, load).items()},
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
