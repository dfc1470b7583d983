"""The models that hunt a planted fault: every kernel, encoder, sensor and rule, the small first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from codegen.render import render
from qat.model import Model
from support.zoo import ZOO


@dataclass(frozen=True, eq=False)
class Hunter:
    """A model and, where they are not chosen by costs, its kernels."""

    model: Model
    kernels: Mapping[int, str] | None = None

    def files(self) -> dict[str, str]:
        """Return its C."""
        return render(self.model, kernels=self.kernels)


def _size(item: tuple[str, Hunter]) -> int:
    """Return about how many characters of C a model takes beside what all have in common.

    Rendering all models to know it takes every process of the suite a second.
    """
    model = item[1].model
    weights = sum(synapse.codes.size * synapse.bits // 3 for _, synapse in model.synapses())
    return 4000 * len(model.layers) + weights


HUNTERS: dict[str, Hunter] = dict(
    sorted(
        ((name, Hunter(kept.model, kept.kernels)) for name, kept in ZOO.items() if kept.hunts),
        key=_size,
    )
)
