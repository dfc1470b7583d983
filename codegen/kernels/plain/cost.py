"""What plain layers and readouts cost, in features; and neurons in integers, of any kernel."""

from __future__ import annotations

from dataclasses import dataclass

from codegen.kernels.features import Columns, Features, expected
from codegen.kernels.load import Load, columns, count_width, looped, not_zero
from codegen.kernels.plain.layer import PlainLayer
from codegen.kernels.stage import Readout


@dataclass(frozen=True, kw_only=True)
class IntegerNeurons(Features):
    """Steps of neurons in integers.

    steps, words, neurons: steps; words of the spikes and neurons, over the steps
    small:      neurons whose membrane is narrower than int32
    remembered: neurons whose membrane is read: a leak of all of it leaves nothing
    leak:       neurons times terms of the leak
    own:        neurons times constants that each has for itself
    saturation: neurons times floor and ceiling
    fraction:   neurons whose current is shifted left
    fired:      neurons that fire; fired_subtract: those that reset by subtraction
    counted:    words times planes of the counts
    """

    steps: float = 0.0
    words: float = 0.0
    neurons: float = 0.0
    small: float = 0.0
    remembered: float = 0.0
    leak: float = 0.0
    own: float = 0.0
    saturation: float = 0.0
    fraction: float = 0.0
    fired: float = 0.0
    fired_subtract: float = 0.0
    counted: float = 0.0


@dataclass(frozen=True, kw_only=True)
class SingleCurrent(Features):
    """Currents of one neuron, whose loops over neurons are no loops.

    active4, active8, active16: inputs that are not 0, by the bits of the weights
    """

    calls: float = 0.0
    inputs: float = 0.0
    active4: float = 0.0
    active8: float = 0.0
    active16: float = 0.0
    shifted: float = 0.0


@dataclass(frozen=True, kw_only=True)
class SingleNeuron(Features):
    """Steps of one neuron, written out: terms of its leak, floor and ceiling, spikes of it."""

    steps: float = 0.0
    leak: float = 0.0
    saturation: float = 0.0
    fired: float = 0.0
    counted: float = 0.0


@dataclass(frozen=True, kw_only=True)
class PlainCurrents(Features):
    """Currents of byte vectors: columns of inputs that are not 0, then the shift and the bias."""

    single: SingleCurrent = SingleCurrent()
    columns: Columns = Columns()
    calls: float = 0.0
    inputs: float = 0.0
    neurons: float = 0.0
    shifted: float = 0.0
    biased: float = 0.0


@dataclass(frozen=True, kw_only=True)
class PlainHeld(Features):
    """Neurons on cached currents; small_currents: those narrower than int32."""

    single: SingleNeuron = SingleNeuron()
    neurons: IntegerNeurons = IntegerNeurons()
    held: float = 0.0
    held_neurons: float = 0.0
    small_currents: float = 0.0


@dataclass(frozen=True, kw_only=True)
class PlainSpikes(Features):
    """Columns of inputs that spike, then the neurons; over the steps."""

    neurons: IntegerNeurons = IntegerNeurons()
    columns: Columns = Columns()
    words_of_inputs: float = 0.0
    spikes: float = 0.0
    plain_neurons: float = 0.0


@dataclass(frozen=True, kw_only=True)
class PlainReadout(Features):
    """Columns of neurons that spiked at all; planes of the counts, by words and by neurons.

    words_looped, columns_looped: the same, where there is a loop over the planes
    """

    columns: Columns = Columns()
    calls: float = 0.0
    outputs: float = 0.0
    words: float = 0.0
    words_planes: float = 0.0
    columns_planes: float = 0.0
    words_looped: float = expected(4)
    columns_looped: float = expected(6)


def integers(stage: PlainLayer, load: Load) -> IntegerNeurons:
    """Neurons in integers over the steps: what each takes, and what it takes to fire."""
    n = stage.neurons
    own = sum(text.endswith("[j]") for text in _constants(stage)) + len(stage.switched)
    return IntegerNeurons(
        steps=1,
        words=stage.words,
        neurons=n,
        small=n * (stage.v_ctype != "int32_t"),
        remembered=n * (not stage.forgets),
        leak=n * stage.leaks,
        own=n * own,
        saturation=n * sum(x is not None for x in (stage.floor, stage.ceiling)),
        fraction=n * (stage.fraction_bits > 0),
        fired=load.fired,
        fired_subtract=load.fired * (stage.reset == "subtract"),
        counted=stage.words * count_width(stage, load),
    ).scaled(load.steps)


def _constants(stage: PlainLayer) -> tuple[str, ...]:
    """Return the C text of the constants of a neuron."""
    return stage.bias, stage.threshold, stage.reset_by, stage.reset_to, stage.own_leak


def plain_currents(stage: PlainLayer, load: Load) -> PlainCurrents:
    """A column for every input that is not 0, then the shift."""
    active = float(stage.source.size) if load.worst else not_zero(load.values)
    if stage.neurons == 1:
        return PlainCurrents(single=_single_current(stage, active)).scaled(load.frames)
    return PlainCurrents(
        columns=columns(active, stage.neurons, stage.bits),
        calls=1,
        inputs=stage.source.size,
        neurons=stage.neurons,
        shifted=stage.neurons * bool(stage.source.shift),
        biased=stage.neurons * stage.bias.endswith("[j]"),
    ).scaled(load.frames)


def _single_current(stage: PlainLayer, active: float) -> SingleCurrent:
    """The current of a layer of one neuron."""
    return SingleCurrent(
        calls=1,
        inputs=stage.source.size,
        active4=active * (stage.bits == 4),
        active8=active * (stage.bits == 8),
        active16=active * (stage.bits == 16),
        shifted=bool(stage.source.shift),
    )


def plain_held(stage: PlainLayer, load: Load) -> PlainHeld:
    """Neurons on cached currents."""
    if stage.neurons == 1:
        return PlainHeld(single=_single_neuron(stage, load))
    small = stage.current_ctype != "int32_t"
    return PlainHeld(
        neurons=integers(stage, load),
        held=load.steps,
        held_neurons=load.steps * stage.neurons,
        small_currents=load.steps * stage.neurons * small,
    )


def _single_neuron(stage: PlainLayer, load: Load) -> SingleNeuron:
    """The steps of a layer of one neuron."""
    return SingleNeuron(
        steps=1,
        leak=stage.leaks,
        saturation=sum(x is not None for x in (stage.floor, stage.ceiling)),
        fired=load.fired,
        counted=count_width(stage, load),
    ).scaled(load.steps)


def plain_spikes(stage: PlainLayer, load: Load) -> PlainSpikes:
    """A column for every input that spikes, then the neurons."""
    return PlainSpikes(
        neurons=integers(stage, load),
        columns=columns(load.active, stage.neurons, stage.bits).scaled(load.steps),
        words_of_inputs=load.steps * stage.source.words,
        spikes=load.steps,
        plain_neurons=load.steps * stage.neurons,
    )


def plain_readout(stage: Readout, load: Load) -> PlainReadout:
    """A column for every neuron that spiked at all."""
    active = float(stage.inputs) if load.worst else not_zero(load.counts)
    return PlainReadout(
        columns=columns(active, stage.outputs, stage.bits),
        calls=1,
        outputs=stage.outputs,
        words=stage.words,
        words_planes=stage.words * stage.count_width,
        columns_planes=active * stage.count_width,
        words_looped=stage.words * stage.count_width * looped(stage.count_width),
        columns_looped=active * stage.count_width * looped(stage.count_width),
    )
