"""What plain convolutions cost, in features."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from codegen.kernels.conv_plain.layer import ConvLayer
from codegen.kernels.features import AllColumns, Features, Products, expected
from codegen.kernels.load import Load, all_columns, not_zero, planes_counted, products
from codegen.kernels.neurons.cost import IntegerNeurons, of_shape

FEW_CHANNELS = 2
"""Channels of bytes up to which a compiler writes out the loop over them."""


@dataclass(frozen=True, kw_only=True)
class ConvSums(Features):
    """Sums at every position.

    positions: of the map of neurons; rows, taps: rows and taps of the kernel, at all positions;
               those of kernels of one row or column, which are no loops, left out
    places:    taps that lie on the map
    inputs:    bytes that lie there, looked at; alone: the only ones at their position
    words, words_planes: words of a signal that lie under a tap; times its planes
    pairs:     inputs of two channels, over which the loop is written out
    crossing:  these times planes, where the channels of a position may lie in two words of it
    columns:   of the values among them that are not 0
    single, single_packed: such values, depthwise; of codes of 2 and 4 bits; single_planes: counts
               among them, times their planes
    values:    of a signal of counts, that are not 0; values_planes: times its planes
    products:  of such values and codes
    called:    columns that a function of their own adds
    """

    positions: float = expected(15)
    rows: float = expected(6)
    taps: float = expected(5)
    places: float = expected(6)
    inputs: float = expected(5)
    alone: float = expected(4)
    words: float = expected(12)
    words_planes: float = expected(4)
    crossing: float = expected(6)
    pairs: float = 0.0
    columns: AllColumns = AllColumns()
    products: Products = Products()
    called: float = expected(8)
    single: float = expected(10)
    single_packed: float = expected(5)
    single_planes: float = expected(6)
    values: float = expected(8)
    values_planes: float = expected(3)


@dataclass(frozen=True, kw_only=True)
class ConvNeurons(IntegerNeurons):
    """Steps of neurons at every position.

    calls:      steps
    rows, positions: of the map, over the steps
    shifted:    neurons whose current is rounded
    pooled:     neurons whose spikes a pool takes; pools: values of it
    put:        values that are not 0; put_digits: their binary digits
    """

    calls: float = expected(20)
    rows: float = expected(5)
    positions: float = expected(15)
    shifted: float = expected(2)
    pooled: float = expected(5)
    pools: float = expected(12)
    put: float = expected(4)
    put_digits: float = expected(10)


@dataclass(frozen=True, kw_only=True)
class ConvCurrents(Features):
    """What becomes of byte vectors: a copy of bytes, or the sums and currents of a held one."""

    calls: float = 0.0
    copied: float = 0.0
    sums: ConvSums = ConvSums()
    rows: float = 0.0
    positions: float = 0.0
    neurons: float = 0.0
    shifted: float = 0.0
    own: float = 0.0


@dataclass(frozen=True, kw_only=True)
class ConvHeld(Features):
    """Neurons on cached currents, or on those of a map that was copied."""

    sums: ConvSums = ConvSums()
    neurons: ConvNeurons = ConvNeurons()
    cached: float = 0.0
    small_currents: float = 0.0


@dataclass(frozen=True, kw_only=True)
class ConvSpikes(Features):
    """Sums of a signal, then the neurons; over the steps."""

    sums: ConvSums = ConvSums()
    neurons: ConvNeurons = ConvNeurons()


def _sums(stage: ConvLayer, active: float, planes: int) -> ConvSums:
    """The sums at all positions, of inputs of which so many are not 0."""
    places = stage.rows.lying(stage.stride) * stage.columns.lying(stage.stride)
    down, across, channels = stage.rows.kernel, stage.columns.kernel, stage.grid.channels
    met = active * places / stage.grid.positions
    read = bool(stage.source.bits)
    words = 0 if read else places * -(-channels // 32)
    deep, packed = stage.depthwise, stage.bits < 8
    positions, added = stage.map.positions, 0.0 if deep else met
    values = met * (planes > 1)
    return ConvSums(
        positions=positions,
        rows=positions * down * (down > 1),
        taps=positions * down * across * (across > 1),
        places=places,
        inputs=places * channels * (read and channels > FEW_CHANNELS),
        pairs=places * channels * (read and 1 < channels <= FEW_CHANNELS),
        alone=places * (read and channels == 1),
        words=words,
        words_planes=words * planes * (planes > 1),
        crossing=words * planes * (32 % min(channels, 32) > 0),
        columns=all_columns(added, stage.channels, stage.bits, positions),
        products=products(0.0 if deep else values, stage.channels, stage.bits),
        called=added * stage.own_column,
        single=met * deep,
        single_packed=met * (deep and packed),
        single_planes=values * planes * deep,
        values=values * (not deep),
        values_planes=values * planes * (not deep),
    )


def _neurons(stage: ConvLayer, load: Load) -> ConvNeurons:
    """The neurons at all positions, in one step."""
    n, fired = stage.neurons, _fired(stage, load)
    return ConvNeurons(
        **of_shape(stage, "c"),
        calls=1,
        rows=stage.rows.left,
        positions=stage.map.positions,
        shifted=n * bool(stage.source.shift and not stage.cached),
        fired=fired,
        spikes=_emitted(stage, load, fired) * (stage.most > 1),
        pooled=n * (stage.pool is not None),
        pools=stage.sends * (stage.pool is not None),
        put=load.fired * (not stage.simple),
        put_digits=load.put * (not stage.simple),
        **{name: stage.words * n for name, n in planes_counted(stage, load).items()},
    )


def _fired(stage: ConvLayer, load: Load) -> float:
    """Return how many neurons fire, before a pool.

    A pool of k values keeps one that is not 0 where any is. Neighbours read much of the same: they
    are taken to be as alike as the square root of k that have nothing in common.
    """
    if stage.pool is None or load.worst:
        return float(stage.neurons) if load.worst else load.fired
    share = min(load.fired / stage.sends, 1.0)
    return stage.neurons * (1 - (1 - share) ** sqrt(stage.sends / stage.neurons))


def _emitted(stage: ConvLayer, load: Load, fired: float) -> float:
    """Return how many spikes the neurons emit together, before a pool.

    A pool that takes the maximum hides those of smaller counts: each that fires is taken for as
    large as what is left.
    """
    if load.worst:
        return float(stage.neurons * stage.most)
    each = load.emitted / load.fired if load.fired else 1.0
    return fired * min(each, stage.most)


def conv_currents(stage: ConvLayer, load: Load) -> ConvCurrents:
    """The copy of a map, or the sums and currents of a held one."""
    if not stage.cached:
        return ConvCurrents(calls=1, copied=stage.source.size).scaled(load.frames)
    active = float(stage.source.size) if load.worst else not_zero(load.values)
    return ConvCurrents(
        calls=1,
        sums=_sums(stage, active, 1),
        rows=stage.map.height,
        positions=stage.map.positions,
        neurons=stage.neurons,
        shifted=stage.neurons * bool(stage.source.shift),
        own=stage.neurons * stage.bias.endswith("[c]"),
    ).scaled(load.frames)


def conv_held(stage: ConvLayer, load: Load) -> ConvHeld:
    """Neurons on cached currents, or on those of a map that was copied."""
    if stage.cached:
        small = stage.current_ctype != "int32_t"
        return ConvHeld(
            neurons=_neurons(stage, load),
            cached=stage.neurons,
            small_currents=stage.neurons * small,
        ).scaled(load.steps)
    active = float(stage.source.size) if load.worst else not_zero(load.values)
    return ConvHeld(sums=_sums(stage, active, 1), neurons=_neurons(stage, load)).scaled(load.steps)


def conv_spikes(stage: ConvLayer, load: Load) -> ConvSpikes:
    """Sums of a signal, then the neurons."""
    return ConvSpikes(
        sums=_sums(stage, load.active, stage.source.planes), neurons=_neurons(stage, load)
    ).scaled(load.steps)
