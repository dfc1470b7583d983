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

from qat.machine.cache import NoCacheError, user_cache
from qat.machine.loops import SURROGATES, Library
from qat.machine.programs import checked
from qat.machine.scratch import scratch

__all__ = ["SURROGATES", "Library", "library"]

SOURCES = ("delays.c", "lif.c", "bilinear.c", "conv.c", "counts.c")
COMPILERS = ("cc", "gcc", "clang")
FLAGS = ("-std=c99", "-O3", "-march=native", "-ffp-contract=off", "-fno-math-errno", "-fPIC")
CACHE_VARIABLES = ("SPIKEMCU_CACHE", "XDG_CACHE_HOME", "HOME")
"""Of the environment: all that the user's cache folder depends on."""

TIMEOUT_SECONDS = 600.0
"""A compiler needs one; a busy machine may take its time, for without the loops it trains another
network."""


def library() -> Library | None:
    """Return the compiled loops, or None where NumPy has to do."""
    if os.environ.get("SPIKEMCU_NATIVE") == "0":
        return None
    folder = _folder(*map(os.environ.get, CACHE_VARIABLES))
    return _loaded(folder, os.environ.get("CC"))


@cache
def _folder(*variables: str | None) -> Path | None:
    """Return where the library is kept; looked up once, for a training asks thousands of times."""
    try:
        return user_cache() / "native"
    except NoCacheError:
        return None


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
