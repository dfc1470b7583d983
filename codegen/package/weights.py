"""Packed weight arrays alone, for firmware with kernels of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jinja2 import Environment
from numpy.typing import NDArray

from codegen.kernels.pack import ctype, pack_fields, strip_words, ternary_planes
from codegen.render import environment
from qat.model import CODE_RANGE, Model, check_c_name


@dataclass(frozen=True)
class Layout:
    """One row: `pack` takes codes and bits; `serves` are the bits that it can pack."""

    pack: Callable[[NDArray[Any], int], NDArray[Any]]
    serves: tuple[int, ...]


def _planes(codes: NDArray[Any], bits: int) -> NDArray[Any]:
    return ternary_planes(codes)


LAYOUTS = {
    "planes": Layout(_planes, (2,)),
    "rows": Layout(pack_fields, tuple(CODE_RANGE)),
    "strips": Layout(strip_words, (4, 8)),
}


def _codes(array: NDArray[Any], bits: int) -> NDArray[Any]:
    """Return the codes of an array: shape (n_out, n_in), integers within the bits."""
    if bits not in CODE_RANGE:
        raise ValueError(f"bits: found {bits!r}; allowed are {', '.join(map(str, CODE_RANGE))}")
    if array.ndim != 2 or array.size == 0:
        raise ValueError(f"weights: found shape {array.shape}; must be (n_out, n_in)")
    if array.dtype.kind not in "iu":
        raise ValueError(
            f"weights: found dtype {array.dtype}; must hold integer codes. Quantize floats "
            "first, with qat.TernaryWeights or qat.train.quantize"
        )
    low, high = CODE_RANGE[bits]
    if array.min() < low or array.max() > high:
        raise ValueError(
            f"weights: hold {array.min()} to {array.max()}; {bits} bits allow {low} to {high}"
        )
    return array.astype(np.int64)


def _array(name: str, codes: NDArray[Any], bits: int, layout: str) -> dict[str, Any]:
    checked, row = _codes(codes, bits), LAYOUTS[layout]
    if bits not in row.serves:
        raise ValueError(
            f"layout {layout!r} holds weights of {' or '.join(map(str, row.serves))} bits; "
            f"for {bits} bits use 'rows'"
        )
    packed = row.pack(checked, bits)
    return {
        "name": name,
        "bits": bits,
        "layout": layout,
        "rows": codes.shape[0],
        "columns": codes.shape[1],
        "ctype": ctype(packed),
        "values": packed.reshape(len(packed), -1),
        "bytes": packed.nbytes,
    }


def weights_header(
    weights: NDArray[Any] | Model,
    bits: int | None = None,
    layout: str = "rows",
    name: str | None = None,
) -> str:
    """Return a C header with packed const arrays of weight codes, and how to read them.

    weights: integer codes (n_out, n_in), or a Model, whose every synapse becomes an array
    bits:    2, 4, 8 or 16 bits a weight; for a Model each synapse has its own. Default 2.
    layout:  "rows" (two's complement fields, low bits first), "planes" ({z, p} words of 32
             neurons, ternary only) or "strips" (words of offset fields, 64 bits an input, 4
             and 8 bits only); synapses of a Model that have other bits are laid out as rows
    name:    prefix of the arrays; by default the model's name, or "weights"

    Raises ValueError if the codes do not fit the bits or the layout.
    """
    if layout not in LAYOUTS:
        raise ValueError(f"layout: found {layout!r}; allowed are {', '.join(LAYOUTS)}")
    if isinstance(weights, Model):
        if bits is not None:
            raise ValueError("bits: a model's synapses have their own; leave it out")
        name = check_c_name(weights.name if name is None else name)
        arrays = [
            _array(
                f"{name}_{where.replace(' ', '')}",
                synapse.weights,
                synapse.bits,
                layout if synapse.bits in LAYOUTS[layout].serves else "rows",
            )
            for where, synapse in weights.synapses()
        ]
    else:
        name = check_c_name("weights" if name is None else name)
        arrays = [_array(name, np.asarray(weights), 2 if bits is None else bits, layout)]
    env: Environment = environment()
    return env.get_template("package/weights.h.j2").render(name=name, arrays=arrays)
