"""Raw samples on the device: scaling in int32, and what becomes of every vector."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.kernels.common import uniform
from codegen.kernels.memory import C_BYTES, Field, Table
from codegen.plan.spectrum import Sound, sound_of
from qat.model import INT32_MAX, FrontEnd, Model, Sensor, Spectrum

FLOAT_MAX = sys.float_info.max
INT16_LOW, INT16_HIGH = -(2**15), 2**15 - 1

FUNCTIONS = ("sample", "vector", "scale", "scaled", "stream_reset")
DETECTING = ("detect", "listen")
"""Functions of its C, without the model's prefix; those of a detector."""

SMOOTHED = ("pause", "smoothed")
"""Members of the stream that are a detector's."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Stream:
    """What the C of a model with a sensor prints.

    mode:    what becomes of a vector: a whole inference on it (held); a place in the one input that
             is a window (map); a step of the window that it belongs to (steps); a place in a ring,
             for windows that overlap (ring); a step of a model that runs free (free)
    holds:   the input is held: a free step puts it in first
    vectors: of a window, 1 where there are no windows
    window:  samples of a window, 1 group where there are no windows
    hop:     vectors from one window to the next
    half:    2^(shift - 1), the rounding term
    less, gain, reach: C text of the constants of channel i; less takes the offset away
    clamped: False where no sum of int16 can take the product out of int32
    unit:    text: the real value of 1 in a sample, one or one per channel, or nothing
    names:   of the channels, or none
    width:   values of a vector
    sound:   what makes vectors of sound; None where samples are scaled
    """

    mode: str
    holds: bool
    channels: int
    width: int
    group: int
    hop: int
    vectors: int
    window: int
    shift: int
    half: int
    low: int
    high: int
    less: str = ""
    gain: str = ""
    reach: str = ""
    clamped: bool = False
    unit: str
    names: tuple[str, ...]
    fields: tuple[Field, ...]
    tables: tuple[Table, ...] = field(default=())
    sound: Sound | None = None

    @property
    def queued(self) -> bool:
        """True if some calls take so long that an interrupt should only queue samples.

        They do a whole inference, or transform a frame of sound.
        """
        return self.mode in {"held", "ring"} or self.sound is not None

    @property
    def members(self) -> tuple[tuple[Field, ...], ...]:
        """The members of the struct behind its state: one alone, or several in the same memory."""
        groups: dict[str, list[Field]] = {}
        for item in self.fields:
            groups.setdefault(item.group or item.name, []).append(item)
        return tuple(map(tuple, groups.values()))

    def ram_bytes(self, state: int, align: int) -> int:
        """Return the bytes of the stream struct, its state of `state` bytes included."""
        offset = state
        for member in self.members:
            size = max(C_BYTES[item.ctype] for item in member)
            offset = -(-offset // size) * size + max(item.bytes for item in member)
            align = max(align, size)
        return -(-offset // align) * align


def reach_of(sensor: Sensor) -> NDArray[np.int64]:
    """Return how far s may lie from the offset for the product, rounded, to stay within int32.

    reach * |gain| + 2^(shift-1) <= 2^31 - 1. Beyond it x has long reached its limit: there
    |product| > 2^31 - 1 - 2^21 - 2^20 > 2^30 >= 256 * 2^shift, and no input goes beyond 255.
    """
    half = (1 << sensor.shift) >> 1
    return (INT32_MAX - half) // np.abs(sensor.gain.astype(np.int64))


def stream_of(model: Model, ctype: str) -> Stream | None:
    """Return the numbers of a model's sensor, None without one; ctype: of an input value."""
    sensor = model.sensor
    if sensor is None:
        return None
    mode, vectors = _mode(model), model.window or 1
    return Stream(
        mode=mode,
        holds=model.input.held,
        channels=sensor.channels,
        width=sensor.width,
        group=sensor.group,
        hop=(sensor.hop or vectors) if model.window else 1,
        vectors=vectors,
        window=sensor.samples_of(vectors),
        shift=sensor.shift,
        half=(1 << sensor.shift) >> 1,
        low=model.input.low,
        high=model.input.high,
        unit=_unit(model),
        names=_commented(channel_names(model)),
        **_front(model, sensor, mode, ctype),
    )


def _front(model: Model, sensor: FrontEnd, mode: str, ctype: str) -> dict[str, Any]:
    """Return what makes vectors: constants, tables, and members of the stream behind its state."""
    if isinstance(sensor, Spectrum):
        sound = sound_of(sensor)
        counters = (*_counters(mode, model), *_detecting(model))
        fields = (*counters, *sound.fields, _vectors(mode, model, sensor, ctype))
        return {"sound": sound, "tables": sound.tables, "fields": fields}
    reach, clamped = reach_of(sensor), _needs_clamp(sensor)
    texts, tables = _constants(model.name, sensor, reach, clamped)
    group: tuple[Field, ...] = ()
    sums: tuple[Field, ...] = ()
    if sensor.group > 1:
        group = (Field("samples", "of the group so far", "uint32_t", ()),)
        sums = (Field("sums", "of the group so far", "int32_t", (sensor.channels,)),)
    counters = (*group, *_counters(mode, model), *_detecting(model))
    fields = (*counters, *sums, _vectors(mode, model, sensor, ctype))
    return {"clamped": clamped, "tables": tables, "fields": fields, **texts}


def _mode(model: Model) -> str:
    if model.steps is None:
        return "free"
    if model.input.held:
        return "held" if model.window is None else "map"
    assert model.sensor is not None
    return "ring" if (model.sensor.hop or model.steps) < model.steps else "steps"


def _needs_clamp(sensor: Sensor) -> bool:
    offset = sensor.offset.astype(np.int64)
    ends = (sensor.group * INT16_LOW - offset, sensor.group * INT16_HIGH - offset)
    return bool((np.maximum(np.abs(ends[0]), np.abs(ends[1])) > reach_of(sensor)).any())


def _constants(
    name: str, sensor: Sensor, reach: NDArray[np.int64], clamped: bool
) -> tuple[dict[str, str], tuple[Table, ...]]:
    """Return {constant: C text of channel i}, and the tables of those that channels differ in."""
    rows: tuple[tuple[str, str, Any], ...] = (
        ("offset", "sum of a group that is 0 in the input, of each channel", sensor.offset),
        ("gain", "of each channel", sensor.gain),
        ("reach", "farthest from the offset that the product fits int32", reach),
    )
    texts, tables = {}, []
    for what, about, values in rows:
        common = uniform(values)
        texts[what] = f"{name}_{what}[i]" if common is None else str(common)
        if common is None and (clamped or what != "reach"):
            tables.append(Table(what, about, values.astype(np.int32)))
    less = f" - {texts.pop('offset')}"
    texts["less"] = "" if less == " - 0" else less.replace("- -", "+ ")
    return texts, tuple(tables)


def _counters(mode: str, model: Model) -> tuple[Field, ...]:
    """Return the members that count vectors."""
    found = []
    if mode in ("map", "steps", "ring"):
        what = "until a window ends" if mode == "ring" else "since this window began"
        found.append(Field("vectors", what, "uint32_t", ()))
    if mode == "steps" and model.stop is not None:
        found.append(Field("decided", "1: the window's class is known", "uint32_t", ()))
    if mode == "ring":
        found.append(Field("next", "place of the next vector in the ring", "uint32_t", ()))
    return tuple(found)


def _detecting(model: Model) -> tuple[Field, ...]:
    """Return the members of a detector."""
    if model.detector is None:
        return ()
    return (
        Field("pause", "windows that the detector lets pass", "uint32_t", ()),
        Field("smoothed", "scores of the detector", "int32_t", (model.outputs,)),
    )


def _vectors(mode: str, model: Model, sensor: FrontEnd, ctype: str) -> Field:
    """Return the member that holds vectors."""
    if mode == "ring":
        return Field("ring", "the last vectors", ctype, (model.steps or 1, sensor.width))
    if mode == "map":
        return Field("x", "the vectors of this window", ctype, (model.input.size,))
    return Field("x", "the last vector", ctype, (sensor.width,))


def _unit(model: Model) -> str:
    """Return the unit of the samples as text for a comment, empty if it is not known."""
    unit = model.metadata.get("sample_unit")
    units = unit if isinstance(unit, list) else [unit]
    if not all(isinstance(u, int | float) and abs(u) <= FLOAT_MAX for u in units):
        return ""
    return ", ".join(f"{u:g}" for u in units)


def channel_names(model: Model) -> tuple[str, ...]:
    """Return the names of a sensor's channels, () if some are not known."""
    names = model.metadata.get("channels")
    if model.sensor is None or not isinstance(names, list) or len(names) != model.sensor.channels:
        return ()
    return tuple(map(str, names))


def _commented(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return names as they may stand in a comment."""
    return tuple(re.sub(r"[^\w .%-]", "_", name, flags=re.ASCII) for name in names)
