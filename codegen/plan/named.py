"""Kernels that a model's file names: metadata, which change no result and lie outside the digest.

Whatever is generated of such a model has them, on every way and for every board; without them the
planner chooses by instructions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from qat.model import Model
from qat.model.checks import plain

KEY = "kernels"
"""Where a model's metadata hold them: a list, one for each layer and one for the readout."""


def with_kernels(model: Model, names: Sequence[str] | None) -> Model:
    """Return a model whose file names the kernel of every stage; None for none."""
    others = {key: value for key, value in model.metadata.items() if key != KEY}
    return replace(model, metadata=others if names is None else {**others, KEY: list(names)})


def stages_of(model: Model) -> int:
    """Return how many stages have a kernel: the layers, and a readout."""
    return len(model.layers) + (model.readout is not None)


def named_kernels(model: Model, serving: Sequence[Sequence[str]]) -> dict[int, str]:
    """Return {stage: kernel} of a model's file; nothing where it names none.

    serving: for each stage the kernels that could compute it

    Raises ValueError for what is no list of such kernels.
    """
    names = model.metadata.get(KEY)
    if names is None:
        return {}
    if not isinstance(names, list) or len(names) != len(serving):
        raise ValueError(
            f"{model.name}: the kernels of its file are {plain(names)}; it has {len(serving)} "
            "stages; name them anew with `spikemcu kernels`"
        )
    for index, (name, allowed) in enumerate(zip(names, serving, strict=True)):
        if name not in allowed:
            raise ValueError(
                f"{model.name}: its file names the kernel {plain(name)!r} for stage {index}; use "
                f"{', '.join(allowed)}; name them anew with `spikemcu kernels`"
            )
    return dict(enumerate(names))
