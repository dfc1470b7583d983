"""The compiled loops as methods that take and return arrays."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.machine.libraries import load

Array = NDArray[Any]
Echo = tuple[Array, Array]
"""The weights of a recurrent edge, square, and the int32 delays of its sources."""

SURROGATES = ("atan", "triangle", "fast_sigmoid")
"""Surrogates by their number in the C."""


class Library:
    """The compiled loops; arrays are C-contiguous, float32 unless said otherwise."""

    def __init__(self, path: Path, source: str) -> None:
        from cffi import FFI  # noqa: PLC0415  # not needed where NumPy does the work

        self._ffi = FFI()
        self._ffi.cdef(_declared(source))
        self._c = load(self._ffi, path)

    def settings(self, **values: Any) -> Any:
        """Return a `lif_settings` with these fields."""
        return self._ffi.new("lif_settings *", values)

    def forward(
        self,
        settings: Any,
        current: Array,
        *rows: Array,
        echo: Echo | None = None,
        leaks: Array | None = None,
    ) -> tuple[Array, Array]:
        """Return (u, spikes), (steps, batch, neurons).

        rows: the threshold, what a reset leaves, and what a spike adds to the threshold, (neurons,)
        echo: weights (sources, neurons)
        leaks: where neurons do not share one, what each keeps, then scale and sign of every term
        """
        u = np.empty((settings.steps, *current.shape[1:]), np.float32)
        spikes, scratch = np.empty_like(u), np.empty((5, current.shape[2]), np.float32)
        self._c.lif_forward(
            settings, *map(self._floats, (current, *rows)), self._leaks(leaks), *self._echo(echo),
            *map(self._floats, (u, spikes, scratch)),
        )  # fmt: skip
        return u, spikes

    def backward(
        self,
        settings: Any,
        d_spikes: Array,
        u: Array,
        spikes: Array,
        *rows: Array,
        echo: Echo | None = None,
        leaks: Array | None = None,
    ) -> tuple[Array, Array]:
        """Return dL/d current, summed if `settings.held`, and float64 dL/d threshold.

        rows, leaks: as for `forward`; echo: weights of (neurons, sources)
        """
        held = bool(settings.held)
        d_current = np.empty((1 if held else len(u), *u.shape[1:]), np.float32)
        d_threshold = np.empty(u.shape[2])
        scratch = np.empty((8, u.shape[2]), np.float32)
        more = np.empty((0 if echo is None else len(u), u.shape[2]), np.float32)
        thetas = np.empty((len(u) if settings.adapts else 0, u.shape[2]), np.float32)
        self._c.lif_backward(
            settings, self._floats(d_spikes), len(d_spikes) == 1,
            *map(self._floats, (u, spikes, *rows)), self._leaks(leaks), *self._echo(echo),
            self._floats(d_current),
            self._ffi.from_buffer("double[]", d_threshold),
            *map(self._floats, (scratch, more, thetas)),
        )  # fmt: skip
        return d_current, d_threshold

    def _leaks(self, leaks: Array | None) -> Any:
        """Return the argument of leaks that neurons do not share, a null pointer for none."""
        return self._ffi.NULL if leaks is None else self._floats(leaks)

    def _echo(self, echo: Echo | None) -> tuple[Any, Any]:
        """Return the arguments of a recurrent edge, two null pointers for none."""
        if echo is None:
            return self._ffi.NULL, self._ffi.NULL
        weights, delays = echo
        return self._floats(weights), self._ffi.from_buffer("int32_t[]", delays)

    def shifted(self, signal: Array, by: Array) -> Array:
        """Return signal_i(t - by_i), (steps, batch, values), 0 beyond its ends; by: int32."""
        out = np.empty_like(signal)
        delays = self._ffi.from_buffer("int32_t[]", by)
        self._c.delay_shift(self._floats(signal), delays, *signal.shape, self._floats(out))
        return out

    def bilinear(self, images: Array, rows: Array, columns: Array) -> Array:
        """Return uint8 pixels of (batch, side, side) images at places of (batch, side * side)."""
        batch, side = images.shape[:2]
        out, padded = np.empty(rows.shape, np.uint8), np.zeros((side + 3, side + 3), np.float32)
        self._c.bilinear(
            self._ffi.from_buffer("uint8_t[]", images), *map(self._floats, (rows, columns)),
            batch, side, self._floats(padded), self._ffi.from_buffer("uint8_t[]", out),
        )  # fmt: skip
        return out

    def _floats(self, array: Array) -> Any:
        assert array.dtype == np.float32
        return self._ffi.from_buffer("float[]", array)

    # ------------------------------------------------------------ maps

    def map_settings(self, **values: int) -> Any:
        """Return a `map_settings` with these fields."""
        return self._ffi.new("map_settings *", values)

    def patches(self, settings: Any, maps: Array, out: Array) -> None:
        """Write what each position reads, (images * positions, taps * channels), to `out`."""
        self._c.conv_patches(settings, self._floats(maps), self._floats(out))

    def gather(self, settings: Any, patches: Array, maps: Array) -> None:
        """Add patches to the maps that they would be of."""
        self._c.conv_gather(settings, self._floats(patches), self._floats(maps))

    def depthwise(self, settings: Any, maps: Array, weights: Array, out: Array) -> None:
        """Write the sums of every channel by itself; weights: (taps, channels)."""
        self._c.depthwise_sums(settings, *map(self._floats, (maps, weights, out)))

    def largest(self, settings: Any, maps: Array, out: Array, chosen: Array) -> None:
        """Write the largest value of each kernel, and int32 which it was."""
        indices = self._ffi.from_buffer("int32_t[]", chosen)
        self._c.pool_largest(settings, self._floats(maps), self._floats(out), indices)

    def to_largest(self, settings: Any, d: Array, chosen: Array, d_maps: Array) -> None:
        """Write the gradient of `largest`."""
        indices = self._ffi.from_buffer("int32_t[]", chosen)
        self._c.pool_gather(settings, self._floats(d), indices, self._floats(d_maps))

    # ------------------------------------------------- rows of channels

    def moments(self, values: Array) -> tuple[Array, Array]:
        """Return the float64 sums of (rows, channels) and of their squares, (channels,)."""
        rows, channels = values.shape
        sums, squares = np.empty(channels), np.empty(channels)
        self._c.norm_moments(
            self._floats(values), rows, channels, self._doubles(sums), self._doubles(squares)
        )
        return sums, squares

    def norm_backward(self, d: Array, values: Array, *constants: Array) -> tuple[Array, Array]:
        """Overwrite d by dL/d values; return float64 dL/d gain and dL/d shift.

        constants: gain, mean, inverse deviation, and what d is to be multiplied by, (channels,)
        """
        rows, channels = values.shape
        d_gain, d_shift = np.empty(channels), np.empty(channels)
        self._c.norm_backward(
            self._floats(d), self._floats(values), rows, channels, *map(self._floats, constants),
            self._doubles(d_gain), self._doubles(d_shift),
            self._floats(np.empty((2, channels), np.float32)),
        )  # fmt: skip
        return d_gain, d_shift

    def reached(self, values: Array, thresholds: Array) -> Array:
        """Return how many thresholds, (levels, channels), each of (rows, channels) reaches."""
        out = np.empty_like(values)
        self._c.count_reached(
            self._floats(values), self._floats(thresholds), *values.shape, len(thresholds),
            self._floats(out),
        )  # fmt: skip
        return out

    def window(self, d: Array, values: Array, low: Array, high: Array) -> Array:
        """Return d where low < values < high, (channels,) each, else 0."""
        out = np.empty_like(values)
        arrays = map(self._floats, (d, values, low, high))
        self._c.count_window(*arrays, *values.shape, self._floats(out))
        return out

    def _doubles(self, array: Array) -> Any:
        return self._ffi.from_buffer("double[]", array)


def _declared(source: str) -> str:
    """Return the declarations of all structs and functions as the C source has them."""
    structs = re.findall(r"^typedef struct \{.*?^\} \w+;", source, re.MULTILINE | re.DOTALL)
    functions = re.findall(r"^void \w+\([^{]*?\)(?=\s*\{)", source, re.MULTILINE)
    return "\n".join([*structs, *(f"{f};" for f in functions)]).replace("restrict ", "")
