"""What a network may be made with: each setting is checked before a layer is made of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from qat.model import Shape
from qat.model.checks import finite, integer
from qat.model.notation import LayerNote, dense, on_maps, parse, written
from qat.train.quantize import QUANTIZERS


def layout_of(
    sizes: Sequence[int], layers: str | None
) -> tuple[tuple[int, int], tuple[LayerNote, ...]]:
    """Return (inputs, outputs) and the hidden layers."""
    checked = tuple(integer("Network.sizes", n, 1, 2**24) for n in sizes)
    if len(checked) < 2:
        raise ValueError(f"Network.sizes: found {list(sizes)}; needs inputs and outputs")
    ends = checked[0], checked[-1]
    if layers is None:
        return ends, dense(checked[1:-1])
    if len(checked) > 2:
        raise ValueError(
            f"Network.sizes: found {list(sizes)} besides layers {layers!r}; give inputs and "
            "outputs alone"
        )
    return ends, parse(layers)


def grid_of(
    grid: Shape | Sequence[int] | None, inputs: int, notes: tuple[LayerNote, ...]
) -> Shape | None:
    """Return the map of the inputs, None where no layer looks at it."""
    if not on_maps(notes):
        return None
    if grid is None:
        raise ValueError(
            f"Network.grid: layers {written(notes)!r} need a map; give (height, width, channels) "
            f"of the {inputs} inputs"
        )
    shape = grid if isinstance(grid, Shape) else Shape(*grid)
    if shape.size != inputs:
        raise ValueError(
            f"Network.grid: a map of {shape} has {shape.size} values; there are {inputs} inputs"
        )
    return shape


def require_known(**settings: tuple[str, Iterable[str]]) -> None:
    """Raise ValueError for a setting, given as (value, those that there are), that there is not."""
    for what, (value, allowed) in settings.items():
        if value not in allowed:
            raise ValueError(f"Network.{what}: found {value!r}; one of {', '.join(allowed)}")


def reset_value(reset: str, value: float | None) -> float:
    """Return what a spike leaves in place of a membrane; 0 where the reset says it itself."""
    if (reset == "value") != (value is not None):
        raise ValueError(
            f"Network.reset_to: found {value} with reset {reset!r}; reset 'value' needs it, and no "
            "other has it"
        )
    return 0.0 if value is None else float(finite("Network.reset_to", value))


def bits_per_layer(bits: int | Sequence[int | None] | None, layers: int) -> tuple[int | None, ...]:
    """Return the bits of every layer with weights, None for real ones."""
    each = (bits,) * layers if bits is None or isinstance(bits, int) else tuple(bits)
    if len(each) != layers:
        raise ValueError(f"Network.bits: found {len(each)} values; the network has {layers} layers")
    for value in each:
        if value not in QUANTIZERS:
            raise ValueError(f"Network.bits: found {value!r}; allowed are 2, 4, 8, 16 and None")
    return each
