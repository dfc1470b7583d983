"""The zoo of made models has one of every kind, and no model twice."""

from __future__ import annotations

from collections import Counter

import pytest
from support.zoo import ZOO, having, tags_of
from support.zoo.small import small_model

from codegen.kernels import KERNELS
from codegen.kernels.encoders import ENCODERS

ASKED = [
    *(("analog",), ("frames",), ("spikes",)),
    *((kind.__name__.lower(),) for kind in ENCODERS),
    *(("signed", kind.__name__.lower()) for kind in ENCODERS),
    *(("analog", f"{bits} bits") for bits in (2, 4, 8, 16)),
    *(("spikes", f"{bits} bits") for bits in (2, 4, 8)),
    *((f"{bits} bits", "accumulate") for bits in (2, 4, 8, 16)),
    *(("reset subtract",), ("reset zero",), ("reset late",), ("saturates",), ("own thresholds",)),
    *(("li", "steps"), ("li", "early stop")),
    *(("1 leaks",), ("2 leaks",), ("equal levels",)),
    *(("conv", "analog"), ("conv", "spikes"), ("depthwise",), ("burst",), ("counts", "steps")),
    *(("max pool", "one step"), ("sum pool", "steps")),
    *(("count", "steps"), ("accumulate", "steps"), ("free", "endless")),
    *(("early stop", "count"), ("early stop", "accumulate"), ("early stop", "sensor")),
    *(("sensor", tag) for tag in ("analog", "frames", "every sample", "overlap", "gaps", "free")),
    *(("sound", tag) for tag in ("frames", "analog", "free", "overlap", "early stop")),
    *(("one neuron",), ("whole words",), ("beyond a word",), ("short of a word",)),
]


@pytest.mark.parametrize("tags", ASKED, ids=", ".join)
def test_there_is_one_of_every_kind(tags: tuple[str, ...]) -> None:
    assert all(set(tags) <= set(tags_of(model)) for model in having(*tags).values())


def test_what_is_not_there_is_told() -> None:
    with pytest.raises(AssertionError, match="no model that is analog, spikes"):
        having("analog", "spikes")


def test_every_number_of_bits_of_a_kernel_is_met() -> None:
    for kernel in KERNELS:
        for bits in kernel.bits:
            having(f"{bits} bits")


def test_no_model_is_kept_twice() -> None:
    """But for plans of other kernels: they are other C of what may be the same model."""
    times = Counter(kept.model.digest() for kept in ZOO.values() if kept.kernels is None)
    twice = {
        name: kept.model.digest()
        for name, kept in ZOO.items()
        if kept.kernels is None and times[kept.model.digest()] > 1
    }
    assert not twice


def test_tags_follow_the_records() -> None:
    tags = set(tags_of(small_model()))
    assert tags == {
        *("analog", "dense", "2 bits", "8 bits", "lif", "reset subtract", "1 leaks"),
        *("accumulate", "steps", "beyond a word"),
    }
