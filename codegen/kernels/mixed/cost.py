"""What layers cost that read bytes and a signal, in features."""

from __future__ import annotations

from dataclasses import dataclass, replace

from codegen.kernels.features import Features
from codegen.kernels.load import Load
from codegen.kernels.mixed.plan import MixedLayer
from codegen.kernels.plain_counts.cost import (
    CountCurrents,
    CountSpikes,
    counts_currents,
    counts_spikes,
)


@dataclass(frozen=True, kw_only=True)
class MixedHeld(Features):
    """Sums of a signal, then the neurons on these and on cached currents."""

    spikes: CountSpikes = CountSpikes()
    small_currents: float = 0.0


def mixed_currents(stage: MixedLayer, load: Load) -> CountCurrents:
    """A column for every input that is not 0, then the shift."""
    return counts_currents(stage, load)


def mixed_held(stage: MixedLayer, load: Load) -> MixedHeld:
    """A column for every value of the signal that is not 0, then the neurons."""
    small = stage.current_ctype != "int32_t"
    read = replace(stage, source=stage.signal_source, bits=stage.signal_bits)
    return MixedHeld(
        spikes=counts_spikes(read, load),
        small_currents=load.steps * stage.neurons * small,
    )
