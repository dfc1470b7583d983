"""The record of a layer on plain integers: every number that its template prints."""

from __future__ import annotations

from dataclasses import dataclass

from codegen.kernels.stage import Layer


@dataclass(frozen=True, eq=False, kw_only=True)
class PlainLayer(Layer):
    """A layer of 4, 8 or 16-bit weights on plain integers.

    bias, threshold, reset_by: the C text of the value for neuron j
    strips: number of strips; 0 where the weights are columns of all neurons
    padded: neurons of all strips
    piece:  inputs whose weights are summed at once; 0: any number
    complement: active inputs above which the inactive ones are added (0: never)
    """

    bits: int
    v_ctype: str
    current_ctype: str
    fraction_bits: int
    bias: str
    threshold: str
    reset_by: str
    floor: int | None
    ceiling: int | None
    strips: int = 0
    padded: int = 0
    piece: int = 0
    complement: int = 0
