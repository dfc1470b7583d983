"""Leaks of bit-sliced neurons that do not share one: which terms they pick, and who picks which.

Terms that all classes have are as if there was one leak. Of the others each class fills the places
of its sign in order, so that a place takes one adder however many classes there are: what it adds
is the plane that a neuron's class picks, by a mask for each shift.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from codegen.kernels.neurons.constants import Constants
from codegen.kernels.neurons.integration import Pick
from qat.model import LeakClasses
from qat.model.checks import spread_over
from qat.model.leak import Leak, Terms


def picked_of(leak: Leak, size: int, constants: Constants) -> tuple[Terms, tuple[Pick, ...]]:
    """Return (the terms that all of `size` neurons have, those that they pick).

    constants: gets a word for each shift that is picked
    """
    if not isinstance(leak, LeakClasses):
        return leak, ()
    shared = _shared(leak.terms)
    of = spread_over(leak.of, size)
    return shared, tuple(_picks(leak.terms, shared, of, constants))


def _shared(classes: tuple[Terms, ...]) -> Terms:
    """Return the terms that all classes have, as often as all have them."""
    common = Counter(classes[0])
    for terms in classes[1:]:
        common &= Counter(terms)
    return tuple(common.elements())


def _picks(
    classes: tuple[Terms, ...], shared: Terms, of: NDArray[np.integer], constants: Constants
) -> Iterator[Pick]:
    """Yield the terms that classes do not share: those that subtract, then those that add."""
    rest = [list((Counter(terms) - Counter(shared)).elements()) for terms in classes]
    for negative in (False, True):
        own = [[abs(k) for k in terms if (k < 0) == negative] for terms in rest]
        for place in range(max(map(len, own))):
            having = {
                number: shifts[place] for number, shifts in enumerate(own) if place < len(shifts)
            }
            yield Pick(negative, tuple(_choices(having, of, constants)))


def _choices(
    having: dict[int, int], of: NDArray[np.integer], constants: Constants
) -> Iterator[tuple[int, int]]:
    """Yield each shift that classes have, and the word of the constants that says who they are."""
    for shift in sorted(set(having.values())):
        classes = [number for number, own in having.items() if own == shift]
        yield shift, constants.add(np.isin(of, classes).astype(np.int64), 1)
