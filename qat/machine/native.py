"""The loops of training and augmentation in C: compiled once here, loaded through cffi.

`library()` is None where SPIKEMCU_NATIVE=0, where there is no C compiler, or where it fails;
NumPy then does the same work, with the same images and forward pass to the bit. Nothing here
is needed for a result, only for its speed.

The compiler forms exactly the floats that the source names: no fused multiply-add, no
reordering. The library is kept in the user's cache under a hash of all that could change it:
source, compiler and its version, flags, and this processor's features; its name ends in the hash
of its content, so that a damaged one is noticed and compiled again. Without a cache it is compiled
for this process alone.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.machine.cache import NoCacheError, user_cache
from qat.machine.libraries import load
from qat.machine.programs import checked
from qat.machine.scratch import scratch

Array = NDArray[Any]

SOURCES = ("lif.c", "bilinear.c")
COMPILERS = ("cc", "gcc", "clang")
FLAGS = ("-std=c99", "-O3", "-march=native", "-ffp-contract=off", "-fno-math-errno", "-fPIC")
TIMEOUT_SECONDS = 600.0
"""A compiler needs one; a busy machine may take its time, for without the loops it trains another
network."""

SURROGATES = ("atan", "triangle", "fast_sigmoid")
"""Surrogates by their number in the C."""

INTERFACE = """
void lif_forward(const lif_settings *set, const float *current, const float *threshold, float *u,
                 float *spikes, float *v);
void lif_backward(const lif_settings *set, const float *d_spikes, int32_t shared, const float *u,
                  const float *spikes, const float *threshold, float *d_current,
                  double *d_threshold, float *rows);
void bilinear(const uint8_t *images, const float *rows, const float *columns, int32_t batch,
              int32_t side, float *padded, uint8_t *out);
"""


class Library:
    """The compiled loops; arrays are C-contiguous, float32 unless said otherwise."""

    def __init__(self, path: Path, source: str) -> None:
        from cffi import FFI  # noqa: PLC0415  # not needed where NumPy does the work

        self._ffi = FFI()
        self._ffi.cdef(_struct(source) + INTERFACE)
        self._c = load(self._ffi, path)

    def settings(self, **values: Any) -> Any:
        """Return a `lif_settings` with these fields."""
        return self._ffi.new("lif_settings *", values)

    def forward(self, settings: Any, current: Array, threshold: Array) -> tuple[Array, Array]:
        """Return (u, spikes), (steps, batch, neurons)."""
        u = np.empty((settings.steps, *current.shape[1:]), np.float32)
        spikes, rows = np.empty_like(u), np.empty(current.shape[2], np.float32)
        self._c.lif_forward(settings, *map(self._floats, (current, threshold, u, spikes, rows)))
        return u, spikes

    def backward(
        self, settings: Any, d_spikes: Array, u: Array, spikes: Array, threshold: Array
    ) -> tuple[Array, Array]:
        """Return dL/d current, summed if `settings.held`, and float64 dL/d threshold."""
        held = bool(settings.held)
        d_current = np.empty((1 if held else len(u), *u.shape[1:]), np.float32)
        d_threshold = np.empty(u.shape[2])
        rows = np.empty((4, u.shape[2]), np.float32)
        self._c.lif_backward(
            settings, self._floats(d_spikes), len(d_spikes) == 1,
            *map(self._floats, (u, spikes, threshold, d_current)),
            self._ffi.from_buffer("double[]", d_threshold), self._floats(rows),
        )  # fmt: skip
        return d_current, d_threshold

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


def _struct(source: str) -> str:
    """Return the declaration of lif_settings as the C source has it."""
    start = source.index("typedef struct")
    return source[start : source.index("lif_settings;") + len("lif_settings;")]


def library() -> Library | None:
    """Return the compiled loops, or None where NumPy has to do."""
    if os.environ.get("SPIKEMCU_NATIVE") == "0":
        return None
    try:
        folder = user_cache() / "native"
    except NoCacheError:
        folder = None
    return _loaded(folder, os.environ.get("CC"))


@cache
def _loaded(folder: Path | None, wanted: str | None) -> Library | None:
    candidates = filter(None, (wanted, *COMPILERS))
    compiler = next(filter(None, map(shutil.which, candidates)), None)
    if compiler is None:
        return None
    source = "\n".join(files("qat.machine").joinpath(name).read_text("utf-8") for name in SOURCES)
    try:
        return _of_cache(compiler, source, folder) or _of_scratch(compiler, source)
    except (OSError, ValueError, RuntimeError, subprocess.SubprocessError, ImportError):
        return None


def _of_cache(compiler: str, source: str, folder: Path | None) -> Library | None:
    """Return the library that the cache keeps, compiled now if need be; None without a cache."""
    if folder is None:
        return None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return Library(_kept(compiler, source, folder), source)
    except OSError:  # the cache cannot be written, or nothing can be loaded
        return None


def _of_scratch(compiler: str, source: str) -> Library:
    """Return the library compiled for this process alone; what is loaded needs no file."""
    with scratch() as folder:
        return Library(_compiled(compiler, source, folder), source)


def _kept(compiler: str, source: str, folder: Path) -> Path:
    """Return the path of the whole library in the cache, compiling it if it is not there."""
    version = checked([compiler, "--version"], folder, TIMEOUT_SECONDS).stdout
    parts = (source, " ".join(FLAGS), os.path.realpath(compiler), version, _processor())
    name = f"loops-{hashlib.sha256(repr(parts).encode(errors='replace')).hexdigest()[:24]}"
    for path in folder.glob(f"{name}-*.so"):
        if path.stem == f"{name}-{_mark(path)}":
            return path
        path.unlink(missing_ok=True)
    with scratch(folder) as temporary:
        built = _compiled(compiler, source, temporary)
        path = folder / f"{name}-{_mark(built)}.so"
        built.replace(path)  # whoever is second replaces it with the same
    return path


def _mark(path: Path) -> str:
    """Return what the name of a library says about its content."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:24]


def _compiled(compiler: str, source: str, folder: Path) -> Path:
    """Compile the library in `folder` and return its path."""
    (folder / "loops.c").write_text(source, "utf-8")
    command = [compiler, *FLAGS, "-shared", "loops.c", "-o", "loops.so", "-lm"]
    checked(command, folder, TIMEOUT_SECONDS)
    return folder / "loops.so"


def _processor() -> str:
    """Return what tells processors apart that -march=native treats differently."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    features = [line for line in lines if line.startswith(("flags", "Features", "model name"))]
    return f"{platform.machine()} {platform.processor()} {features[:2]}"
