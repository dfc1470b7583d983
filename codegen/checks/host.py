"""Compile the generated C for this machine, load it through cffi and run it like the model."""

from __future__ import annotations

import math
import os
import shutil
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files as package_files
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from codegen.base.errors import InconsistentError
from codegen.checks.states import (
    arrays_of,
    further_of,
    integral_of,
    membranes_of,
    state_values,
)
from codegen.checks.streams import Stream, check_samples
from codegen.kernels.pack import pack_bits, signal_words, unpack_signal
from codegen.render.generated import Generated, generated
from qat.machine.libraries import load
from qat.machine.programs import run as run_program
from qat.machine.scratch import new_folder
from qat.model import Layer, Model, Result, Spikes, State, check_input, join

T = TypeVar("T")

WARNINGS = (
    "-std=c99 -Wall -Wextra -Wconversion -Wshadow -Wmissing-prototypes -Wvla -Wundef "
    "-Wdouble-promotion -Wcast-qual -pedantic-errors -Werror"
).split()
"""Flags under which all generated C compiles without a warning, with gcc and clang."""

SANITIZE = ["-fsanitize=undefined", "-fsanitize-undefined-trap-on-error"]
"""Undefined behaviour traps; needs no runtime library."""

COMPILERS = ("cc", "gcc", "clang")
PIECE_BYTES = 2**26
"""Memory of the traces that one call may take."""
NO_MEMORY, OTHER_IN_BLOCKS = 2**32 - 1, 2**32 - 2
"""What the drivers return where there is no memory for their states, and where blocks of samples
give other results than samples one by one."""

INTERFACE = """
const char *driver_digest(void);
uint32_t driver_run(const uint8_t *x, uint32_t samples, uint32_t steps, int32_t *v, int32_t *scores,
                int64_t *predictions, int64_t *made, uint32_t *out, uint32_t *spikes,
                int32_t *traced_u, int32_t *traced_v);
uint32_t driver_stream(const int16_t *samples, uint32_t count, int64_t *when, int64_t *predictions,
                       int32_t *scores, uint32_t *out, int64_t *detections);
"""

DRIVERS = ("driver.c", "driver_stream.h")
"""C beside this module that goes with a model; the former includes the latter for a sensor."""


Arrays = Sequence[NDArray[Any] | None]
"""What the drivers fill, in the order of their parameters."""


class CompilerError(RuntimeError):
    """No C compiler was found, or it refused the generated C."""


def find_compiler(compiler: str | None = None) -> str:
    """Return the C compiler to use: the given one, $CC, or the first of cc, gcc and clang.

    Raises CompilerError where there is none.
    """
    candidates = [compiler] if compiler else [*filter(None, [os.environ.get("CC")]), *COMPILERS]
    for candidate in candidates:
        if found := shutil.which(candidate):
            return found
    raise CompilerError(
        f"no C compiler: looked for {', '.join(candidates)}; install one "
        "(on Debian: apt-get install gcc) or set CC"
    )


def write_sources(files: Mapping[str, str], folder: Path) -> list[str]:
    """Write the files and our drivers to `folder`; return the names of what is to be compiled."""
    here = package_files("codegen.checks")
    drivers = {name: here.joinpath(name).read_text("utf-8") for name in DRIVERS}
    for name, text in {**files, **drivers}.items():
        (folder / name).write_text(text, "utf-8")
    return sorted(name for name in [*files, *drivers] if name.endswith(".c"))


def compile_sources(command: Sequence[str], folder: Path, output: str) -> Path:
    """Run a compiler in `folder`, with our warnings and the probes of the drivers; return `output`.

    Raises CompilerError with the first lines of what the compiler said.
    """
    words = [*command, *WARNINGS, "-DMODEL_PROBE=2", "-o", output]
    done = run_program(words, folder=folder)
    if done.returncode:
        said = "\n".join(done.stderr.splitlines()[:8])
        raise CompilerError(f"{words[0]} refused the C of the model:\n{said}")
    return folder / output


def compile_shared(
    files: Mapping[str, str], folder: Path, compiler: str | None, flags: Sequence[str]
) -> Path:
    """Compile the files and our drivers in `folder` to a shared library; return it.

    Raises CompilerError as compile_sources does.
    """
    sources = write_sources(files, folder)
    command = [find_compiler(compiler), *flags, "-shared", "-fPIC", *sources]
    return compile_sources(command, folder, "model.so")


@dataclass(frozen=True)
class _Trace:
    """Where a layer's values lie in one step of the traces: u, the state, signal words."""

    values: slice
    state: slice
    words: slice
    layer: Layer


def _layout(model: Model) -> tuple[_Trace, ...]:
    at = [0, 0, 0]
    layout = []
    for index, layer in enumerate(model.layers):
        sizes = (layer.size, state_values(model, index), signal_words(layer.sends, layer.levels))
        u, v, words = (slice(start, start + n) for start, n in zip(at, sizes, strict=True))
        layout.append(_Trace(u, v, words, layer))
        at = [u.stop, v.stop, words.stop]
    return tuple(layout)


class CompiledModel(ABC):
    """A model's generated C, compiled for some machine: runs like the model.

    Every call has states of its own, so that several threads may use one at the same time.

    Whoever calls the C implements `call` and `call_stream`, with the arrays of driver.c and
    driver_stream.h.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self._layout = _layout(model)

    @abstractmethod
    def call(self, data: NDArray[np.uint8], n: int, steps: int, arrays: Arrays) -> int:
        """Have driver_run take n samples and fill the arrays; None stands for NULL.

        Returns what it returns: 0, or the sample from 1 on that differs as a whole inference.
        """

    @abstractmethod
    def call_stream(self, samples: NDArray[np.int16], arrays: Arrays) -> int:
        """Have driver_stream take the samples and fill the arrays; return how many results came."""

    def run(
        self,
        x: ArrayLike,
        state: State | None = None,
        trace: bool = False,
        steps: int | None = None,
    ) -> Result:
        """Run the compiled C over a batch; takes and returns what Model.run does.

        Every sample runs step by step and, where the model has a readout, as a whole inference
        too: InconsistentError if <name>_classify scores differently.
        Raises ValueError for inputs of another shape or range, and for a `state`: the C
        starts from zero.
        """
        if state is not None:
            raise ValueError("state: the compiled C starts from zero; leave it out")
        array, steps = check_input(self.model, x, steps)
        data = self._bytes(array)
        per_sample = 12 * steps * self._layout[-1].values.stop if trace else 4
        piece = max(1, PIECE_BYTES // per_sample)
        return join(
            [
                self._run_piece(data[i : i + piece], trace, steps)
                for i in range(0, max(len(data), 1), piece)
            ]
        )

    def stream(self, samples: ArrayLike) -> Stream:
        """Send raw samples through the compiled C, from a fresh stream on.

        samples: (samples, channels), values that int16 holds. Returns what
        `codegen.checks.streams.expected` does; ValueError for a model without a sensor.
        """
        raw = check_samples(self.model, samples)
        room, free = len(raw), self.model.readout is None  # at most one result a sample
        when, predictions, detections = np.full((3, room), -1, np.int64)
        scores = np.zeros((0 if free else room, self.model.outputs), np.int32)
        levels = self.model.layers[-1].levels
        words = signal_words(self.model.outputs, levels) if free else 0
        out = np.zeros((room if free else 0, words), np.uint32)
        count = _in_memory(self.call_stream(raw, (when, predictions, scores, out, detections)))
        if count == OTHER_IN_BLOCKS:
            raise InconsistentError(
                f"{self.model.name}_push gives other results than {self.model.name}_sample: blocks "
                f"of these {len(raw)} samples"
            )
        return Stream(
            when[:count],
            predictions=None if free else predictions[:count],
            scores=None if free else scores[:count],
            output=unpack_signal(out[:count], self.model.outputs, levels) if free else None,
            detections=None if self.model.detector is None else detections[:count],
        )

    def _bytes(self, x: NDArray[Any]) -> NDArray[np.uint8]:
        """Return the inputs as the bytes that the C reads, one row per sample."""
        if isinstance(self.model.input, Spikes):
            x = pack_bits(x)
        return np.ascontiguousarray(x).reshape(len(x), math.prod(x.shape[1:])).view(np.uint8)

    def _run_piece(self, data: NDArray[np.uint8], trace: bool, steps: int) -> Result:
        model, n = self.model, len(data)
        values, kept, words = (
            getattr(self._layout[-1], name).stop for name in ("values", "state", "words")
        )
        last = self._layout[-1]
        scored, free = model.readout is not None, model.readout is None
        v = np.zeros((n, kept), np.int32)
        scores = np.zeros((n, model.outputs), np.int32) if scored else None
        predictions = np.zeros(n, np.int64) if scored else None
        made = np.zeros(n, np.int64) if scored else None
        out = np.zeros((n, steps, last.words.stop - last.words.start), np.uint32) if free else None
        spikes = np.zeros((n, steps, words), np.uint32) if trace else None
        us = np.zeros((n, steps, values), np.int32) if trace else None
        vs = np.zeros((n, steps, kept), np.int32) if trace else None
        arrays = (v, scores, predictions, made, out, spikes, us, vs)
        if different := _in_memory(self.call(data, n, steps, arrays)):
            raise InconsistentError(
                f"{model.name}_classify gives other scores than its steps one by one: "
                f"sample {different - 1} of these {n}"
            )
        return Result(
            scores=scores,
            predictions=predictions,
            output=None if out is None else unpack_signal(out, last.layer.sends, last.layer.levels),
            state=self._state(v),
            spikes=None if spikes is None else self._spikes(spikes),
            u=None if us is None else self._u(us),
            v=None if vs is None else self._of_state(membranes_of, vs),
            steps=made if model.stop is not None else None,
            further=None if vs is None else self._of_state(further_of, vs),
            integral=None if vs is None else integral_of(model, vs[..., last.state]),
        )

    def _u(self, values: NDArray[np.int32]) -> tuple[NDArray[np.int32], ...]:
        return tuple(np.ascontiguousarray(values[..., y.values]) for y in self._layout)

    def _state(self, values: NDArray[np.int32]) -> State:
        """Return the state arrays of all layers, those of a layer one behind the other."""
        arrays = self._of_state(arrays_of, values)
        return tuple(one for of_layer in arrays for one in of_layer.values())

    def _of_state(
        self, part: Callable[[Layer, NDArray[np.int32]], T], values: NDArray[np.int32]
    ) -> tuple[T, ...]:
        return tuple(part(y.layer, values[..., y.state]) for y in self._layout)

    def _spikes(self, words: NDArray[np.uint32]) -> tuple[NDArray[Any], ...]:
        return tuple(
            unpack_signal(words[..., y.words], y.layer.sends, y.layer.levels) for y in self._layout
        )


def _in_memory(answer: int) -> int:
    """Return what a driver returned, or raise MemoryError."""
    if answer == NO_MEMORY:
        raise MemoryError("the compiled C has no memory for its states")
    return answer


class HostModel(CompiledModel):
    """A model's generated C, compiled and loaded on this machine.

    model:    the Model whose C is rendered (and whose digest the code must carry), or a Generated
    compiler: a C compiler; by default $CC, cc, gcc or clang
    flags:    compiler flags besides the warnings; by default -O2 and trapping sanitizers
    files:    {name: text} to use in place of the rendered pair, with the same names

    Raises CompilerError without a compiler or if the C does not compile, ValueError if the
    code belongs to another model, LoadError (an OSError) where nothing that was compiled may be
    loaded.
    """

    def __init__(
        self,
        model: Model | Generated,
        compiler: str | None = None,
        flags: Sequence[str] = ("-O2", *SANITIZE),
        files: Mapping[str, str] | None = None,
    ) -> None:
        from cffi import FFI  # noqa: PLC0415  # heavy, and only needed here

        made = generated(model)
        super().__init__(made.model)
        folder = new_folder()
        self._cleanup = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        library = compile_shared({**made.files, **(files or {})}, folder, compiler, flags)
        self._ffi = FFI()
        self._ffi.cdef(INTERFACE)
        self._lib = load(self._ffi, library)
        digest = self._ffi.string(self._lib.driver_digest()).decode()
        own = made.program.digest
        if digest != own:
            raise ValueError(
                f"the C belongs to the model with digest {digest}; this model has {own}"
            )

    def call(self, data: NDArray[np.uint8], n: int, steps: int, arrays: Arrays) -> int:
        """Run a batch in this process."""
        pointers = self._pointers(arrays)
        return self._lib.driver_run(self._pointer("uint8", data), n, steps, *pointers)

    def call_stream(self, samples: NDArray[np.int16], arrays: Arrays) -> int:
        """Send samples in this process."""
        pointers = self._pointers(arrays)
        return self._lib.driver_stream(self._pointer("int16", samples), len(samples), *pointers)

    def _pointers(self, arrays: Arrays) -> list[Any]:
        return [self._ffi.NULL if a is None else self._pointer(a.dtype.name, a) for a in arrays]

    def _pointer(self, kind: str, array: NDArray[Any]) -> Any:
        return self._ffi.from_buffer(f"{kind}_t[]", array)
