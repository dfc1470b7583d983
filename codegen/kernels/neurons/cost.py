"""What neurons on plain integers cost that may emit several spikes, in features."""

from __future__ import annotations

from dataclasses import dataclass

from codegen.kernels.features import Features
from codegen.kernels.neurons.integer import IntegerLayer


@dataclass(frozen=True, kw_only=True)
class IntegerNeurons(Features):
    """Steps of neurons in integers.

    words:     of the planes of the signal, which are cleared
    membranes, small: neurons that have one; whose membrane is narrower than int32
    leak, own, saturation: neurons times terms of the leak, constants of their own, limits
    fraction:  neurons whose current has fraction bits
    counts:    neurons that emit by thresholds; multiples: by multiples of one
    fired:     neurons that fire; spikes: what they emit together, of several
    counted:   words times planes of the signal times those of the counts
    """

    words: float = 0.0
    neurons: float = 0.0
    membranes: float = 0.0
    small: float = 0.0
    leak: float = 0.0
    own: float = 0.0
    saturation: float = 0.0
    fraction: float = 0.0
    counts: float = 0.0
    multiples: float = 0.0
    fired: float = 0.0
    spikes: float = 0.0
    counted: float = 0.0


def of_shape(stage: IntegerLayer, lane: str) -> dict[str, float]:
    """Return the features that follow from a layer alone; lane: C text of a channel's number."""
    n, several = stage.neurons, stage.most > 1
    texts = (stage.bias, stage.threshold, stage.reset_by, stage.reset_to, stage.raise_by,
             stage.counting)  # fmt: skip
    return {
        "words": stage.signal_words,
        "neurons": n,
        "membranes": n * stage.memory,
        "small": n * (stage.memory and stage.v_ctype != "int32_t"),
        "leak": n * stage.leaks,
        "own": n * sum(text.endswith(f"[{lane}]") for text in texts),
        "saturation": n * sum(x is not None for x in (stage.floor, stage.ceiling)),
        "fraction": n * (stage.fraction_bits > 0),
        "counts": n * bool(stage.counting),
        "multiples": n * (several and not stage.counting),
    }
