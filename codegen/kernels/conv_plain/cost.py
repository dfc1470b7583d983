"""What plain convolutions cost, in features."""

from __future__ import annotations

from dataclasses import dataclass

from codegen.kernels.conv_plain.layer import ConvLayer
from codegen.kernels.features import Features
from codegen.kernels.load import Load, count_width, not_zero
from codegen.kernels.neurons.cost import IntegerNeurons, of_shape
from codegen.kernels.plain_counts.cost import CodeColumns, code_columns


@dataclass(frozen=True, kw_only=True)
class ConvSums(Features):
    """Sums at every position.

    positions: of the map of neurons; rows, taps: rows and taps of the kernel, at all positions
    inputs:    bytes that lie under a tap, looked at
    words, words_planes: words of a signal that lie under a tap; times its planes
    columns:   of the values among them that are not 0
    single, single_packed: such values, depthwise; of codes of 2 and 4 bits
    values_planes: values of a signal of counts, times its planes
    """

    positions: float = 0.0
    rows: float = 0.0
    taps: float = 0.0
    inputs: float = 0.0
    words: float = 0.0
    words_planes: float = 0.0
    columns: CodeColumns = CodeColumns()
    single: float = 0.0
    single_packed: float = 0.0
    values_planes: float = 0.0


@dataclass(frozen=True, kw_only=True)
class ConvNeurons(IntegerNeurons):
    """Steps of neurons at every position.

    calls:      steps
    rows, positions: of the map, over the steps
    shifted:    neurons whose current is rounded
    pooled:     neurons whose spikes a pool takes; pools, put: values of it; bits that are set
    """

    calls: float = 0.0
    rows: float = 0.0
    positions: float = 0.0
    shifted: float = 0.0
    pooled: float = 0.0
    pools: float = 0.0
    put: float = 0.0


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
    rows, across = stage.rows.lying(stage.stride), stage.columns.lying(stage.stride)
    places, channels = rows * across, stage.grid.channels
    met = active * places / stage.grid.positions
    read = bool(stage.source.bits)
    words = 0 if read else places * -(-channels // 32)
    deep, packed = stage.depthwise, stage.bits < 8
    cleared, added = stage.map.positions * stage.channels, 0.0 if deep else met
    return ConvSums(
        positions=stage.map.positions,
        rows=stage.rows.kernel * stage.map.positions,
        taps=stage.rows.kernel * stage.columns.kernel * stage.map.positions,
        inputs=places * channels * read,
        words=words,
        words_planes=words * planes * (planes > 1),
        columns=code_columns(added, stage.channels, stage.bits, cleared),
        single=met * deep,
        single_packed=met * (deep and packed),
        values_planes=met * planes * (planes > 1),
    )


def _neurons(stage: ConvLayer, load: Load) -> ConvNeurons:
    """The neurons at all positions, in one step."""
    n, several = stage.neurons, stage.most > 1
    shrinks = stage.rows.pool * stage.columns.pool
    fired = min(load.fired * (shrinks if stage.pool else 1), n)
    return ConvNeurons(
        **of_shape(stage, "c"),
        calls=1,
        rows=stage.rows.left,
        positions=stage.map.positions,
        shifted=n * bool(stage.source.shift and not stage.cached),
        fired=fired * (not several),
        spikes=_emitted(stage, load, fired) * several,
        pooled=n * (stage.pool is not None),
        pools=stage.sends * (stage.pool is not None),
        put=0.0 if stage.simple else load.fired * (stage.signal_planes if load.worst else 1),
        counted=stage.words * count_width(stage, load) * stage.signal_planes,
    )


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
