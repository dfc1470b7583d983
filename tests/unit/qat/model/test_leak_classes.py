"""Leaks of which each neuron has one out of a few: what they are, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from qat.model import ALIF, LIF, Accumulate, Count, CuBa, Dense, Layer, LeakClasses, Model, Spikes

TERMS = ((2,), (4,), (1, 3))


def of(*classes: int) -> LeakClasses:
    return LeakClasses(TERMS, np.array(classes))


def free(neuron: LIF | CuBa | ALIF, steps: int | None = None) -> Model:
    """Return five neurons that read one input each, nine times what it sends."""
    synapse = Dense(np.eye(5, dtype=int) * 9, 8)
    readout = None if steps is None else Count()
    return Model(Spikes(5), (Layer(synapse, neuron),), readout, steps, name="net")


def test_each_neuron_leaks_as_its_class() -> None:
    leak = of(0, 1, 2, 0, 1)
    found = free(LIF(100, leak)).run(np.ones((1, 9, 5), bool), trace=True)
    assert found.v is not None
    for place in range(5):
        alone = LIF(100, TERMS[leak.of[place]])
        same = free(alone).run(np.ones((1, 9, 5), bool), trace=True)
        assert same.v is not None
        np.testing.assert_array_equal(found.v[0][..., place], same.v[0][..., place])
    assert len({tuple(row) for row in found.v[0][0].T}) == 3


@pytest.mark.parametrize("steps", [None, 3, 9, 2000])
@pytest.mark.parametrize("kind", [LIF, CuBa, ALIF])
def test_the_ranges_are_those_of_each_neuron_alone(kind: Any, steps: int | None) -> None:
    own = {CuBa: {"leak_c": (2,)}, ALIF: {"leak_b": 2, "raise_by": 7}}.get(kind, {})
    leak = of(0, 1, 2, 2, 1)
    (bounds,) = free(kind(60, leak, **own), steps).bounds().layers
    for number, terms in enumerate(TERMS):
        (alone,) = free(kind(60, terms, **own), steps).bounds().layers
        here = np.flatnonzero(leak.of == number)
        for name in ("u_raw", "u", "v"):
            ours, theirs = getattr(bounds, name), getattr(alone, name)
            assert ours.lo[here].tolist() == theirs.lo[here].tolist()
            assert ours.hi[here].tolist() == theirs.hi[here].tolist()


def test_the_digest_knows_the_leak_of_every_neuron_and_no_numbering() -> None:
    ways = [of(0, 1, 2, 0, 1), of(0, 1, 2, 1, 1), LeakClasses(((2,), (4,)), [0, 1, 0, 0, 1])]
    digests = {free(LIF(100, leak)).digest() for leak in (*ways, (2,))}
    assert len(digests) == 4
    again = LeakClasses((TERMS[2], TERMS[0], TERMS[1]), [1, 2, 0, 1, 2])
    assert free(LIF(100, again)).digest() == free(LIF(100, ways[0])).digest()


def test_a_file_keeps_them(tmp_path: Any) -> None:
    model = free(ALIF(100, of(0, 1, 2, 0, 1), leak_b=3, raise_by=4))
    model.save(tmp_path / "net.npz")
    read = Model.load(tmp_path / "net.npz")
    assert read.digest() == model.digest()
    assert read.layers[0].neuron.leak.terms == TERMS
    assert read.layers[0].describe()["leaks"] == [[2], [4], [1, 3]]
    assert read.layers[0].describe()["of_each_leak"] == [2, 2, 1]
    assert "leak" not in read.layers[0].describe()


def test_some_of_the_neurons_have_the_classes_that_they_need() -> None:
    neuron = LIF(100, of(0, 1, 2, 1, 1))
    found = neuron.chosen([1, 2, 4]).leak
    assert isinstance(found, LeakClasses)
    assert (found.terms, found.of.tolist()) == ((TERMS[1], TERMS[2]), [0, 1, 0])
    assert neuron.chosen([3, 4]).leak == TERMS[1]
    with pytest.raises(ValueError, match=r"LIF.leak: has 3 classes; needs one leak"):
        _ = neuron.shared_leak


BAD = {
    "one": (lambda: LeakClasses(((2,),), [0, 0]), "found 1 classes; allowed are 2 to 8"),
    "nine": (lambda: LeakClasses(tuple((k,) for k in range(9)), range(9)), "found 9 classes"),
    "twice": (lambda: LeakClasses(((2, 4), (4, 2)), [0, 1]), "a leak, and one of its own"),
    "none": (lambda: LeakClasses(((2,), ()), [0, 1]), "each class needs a leak"),
    "never": (lambda: LeakClasses(((2,), (3, -3)), [0, 1]), "leaks 0 of the membrane"),
    "text": (lambda: LeakClasses("24", [0, 1]), "found '24'; must be leaks"),
    "unused": (lambda: of(0, 1, 1, 0), r"with classes \[0, 1\]; needs the class of each"),
    "beyond": (lambda: of(0, 1, 3), "LeakClasses.of: holds 3; allowed are 0 to 2"),
    "shape": (lambda: LeakClasses(TERMS, np.array([[0, 1, 2]])), r"found shape \(1, 3\)"),
    "channels": (lambda: free(LIF(9, of(0, 1, 2))), "LIF.leak.of: found 3 values; the layer has 5"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_are_no_classes_is_refused(name: str) -> None:
    make, said = BAD[name]
    with pytest.raises(ValueError, match=said):
        make()


def test_a_slow_class_is_refused_where_int32_does_not_hold_it() -> None:
    synapse = Dense(np.full((2, 1), 2**14), 16, fraction_bits=6)
    quick = Layer(synapse, LIF(2**31 - 1, (2,)))
    readout = Accumulate(Dense(np.ones((2, 2), int)))
    Model(Spikes(1), (quick,), readout, steps=5000, name="net")
    slow = Layer(synapse, LIF(2**31 - 1, LeakClasses(((2,), (15,)), [0, 1])))
    with pytest.raises(ValueError, match="layer 0: membrane: reaches"):
        Model(Spikes(1), (slow,), readout, steps=5000, name="net")
