"""What neurons on plain integers cost that may emit several spikes, in features."""

from __future__ import annotations

from dataclasses import dataclass

from codegen.kernels.features import Features, expected
from codegen.kernels.neurons.integer import IntegerLayer

WRITTEN_OUT = 3
"""Spikes of a neuron up to which a compiler writes out the loop over them."""


@dataclass(frozen=True, kw_only=True)
class IntegerNeurons(Features):
    """Steps of neurons in integers; what is expected follows from the C.

    words:     of the planes of the signal, which are cleared
    membranes, small: neurons that have one; whose membrane is narrower than int32
    remembered: neurons whose membrane is read: a leak of all of it leaves nothing
    leak, own, saturation: neurons times terms of the leak, constants of their own, limits; a late
               reset is one, for it compares and chooses as these do
    fraction:  neurons whose current has fraction bits
    counts:    neurons that emit by thresholds; own_counts: by their own, own_rows: so many that
               a compiler makes a loop; multiples: by multiples of one; looped: those of shared
               thresholds and of multiples, so many that it is a loop
    fired:     neurons that fire; spikes: what they emit together, of several
    counted, levels: words times planes of the counts, as in load.planes_counted
    """

    words: float = expected(2)
    neurons: float = expected(8)
    membranes: float = expected(3)
    small: float = 0.0
    remembered: float = expected(2)
    leak: float = expected(2)
    own: float = expected(3)
    saturation: float = expected(3)
    fraction: float = expected(1)
    counts: float = expected(4)
    own_counts: float = expected(3)
    own_rows: float = expected(4)
    multiples: float = expected(4)
    looped: float = expected(4)
    fired: float = expected(4)
    spikes: float = expected(8)
    counted: float = expected(6)
    levels: float = expected(8)


def of_shape(stage: IntegerLayer, lane: str) -> dict[str, float]:
    """Return the features that follow from a layer alone; lane: C text of a channel's number."""
    n, several = stage.neurons, stage.most > 1
    rows = n * stage.counting.endswith(f"[{lane}]")
    texts = (stage.bias, stage.threshold, stage.reset_by, stage.reset_to, stage.raise_by,
             stage.own_leak)  # fmt: skip
    return {
        "words": stage.signal_words,
        "neurons": n,
        "membranes": n * stage.memory,
        "small": n * (stage.memory and stage.v_ctype != "int32_t"),
        "remembered": n * (stage.memory and (stage.late or not stage.forgets)),
        "leak": n * stage.leaks,
        "own": n * (sum(text.endswith(f"[{lane}]") for text in texts) + len(stage.switched)),
        "saturation": n * (sum(x is not None for x in (stage.floor, stage.ceiling)) + stage.late),
        "fraction": n * (stage.fraction_bits > 0),
        "counts": n * bool(stage.counting),
        "own_counts": rows,
        "own_rows": rows * (stage.most > WRITTEN_OUT),
        "multiples": n * (several and not stage.counting),
        "looped": (n - rows) * (stage.most > WRITTEN_OUT),
    }
