"""Prove on data that the generated C returns the integers of the model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from codegen.comparison import Comparison, Difference, compare
from codegen.host import HostModel
from codegen.streams import Stream, check_samples, compare_streams, expected, made_samples
from qat.model import Model, Result, Spikes, check_input

PIECE = 256
"""Samples that are traced and compared at a time."""

FREE_STEPS = 16
"""Steps of a free-running model on made inputs."""


class Runnable(Protocol):
    """Anything that runs a batch like the model: the compiled C, an emulated core, a board."""

    def run(self, x: ArrayLike, *, trace: bool = ..., steps: int | None = ...) -> Result:
        """Return what Model.run returns."""


class Streams(Protocol):
    """Anything that takes raw samples as the C of a model with a sensor does."""

    def stream(self, samples: ArrayLike) -> Stream:
        """Return what the samples give."""


def made_inputs(model: Model, samples: int = 64, seed: int = 0) -> NDArray[Any]:
    """Return inputs for a model without data: the extremes first, then random ones.

    Random samples come with all densities of non-zero values, from none to all.
    """
    rng = np.random.default_rng(seed)
    steps = () if model.input.held else (model.steps or FREE_STEPS,)
    shape = (samples, *steps, model.input.size)
    low, high = model.input.low, model.input.high
    x = rng.integers(low, high, shape, endpoint=True)
    density = rng.random((samples, *[1] * (len(shape) - 1)))
    rest = min(max(0, low), high)
    x = np.where(rng.random(shape) < density, x, rest)
    x[:2] = np.reshape([low, high], (2, *[1] * (len(shape) - 1)))[:samples]
    return x.astype(bool) if isinstance(model.input, Spikes) else x


def compare_on(
    model: Model,
    other: Runnable,
    x: ArrayLike,
    steps: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Iterator[Comparison]:
    """Run both over x, piece by piece; yield the comparison of each piece."""
    array, steps = check_input(model, x, steps)
    for start in range(0, len(array), PIECE):
        piece = array[start : start + PIECE]
        expected = model.run(piece, trace=True, steps=steps)
        yield compare(expected, other.run(piece, trace=True, steps=steps))
        if progress:
            progress(start + len(piece))


def read_code(model: Model, folder: str | PathLike[str]) -> tuple[Model, dict[str, str]]:
    """Return (the model under the name that the files have, {file name: text}) of a folder.

    The pair is <name>.h and <name>.c with the model's name, or else the only pair there, in the
    folder itself or below it.
    Raises ValueError if there is none, or more than one under other names.
    """
    folder = Path(folder)
    for pattern in ("*", "**/*"):  # a package has folders of its own
        headers, sources = ({f.stem: f for f in folder.glob(f"{pattern}.{end}")} for end in "hc")
        if pairs := sorted(headers.keys() & sources.keys()):
            break
    if model.name in pairs:
        pairs = [model.name]
    if len(pairs) != 1:
        raise ValueError(
            f"{folder}: found {', '.join(pairs) or 'no pair of files'}; must hold "
            f"{model.name}.h and {model.name}.c, or one pair that `spikemcu generate` wrote"
        )
    files = (headers[pairs[0]], sources[pairs[0]])
    try:
        return replace(model, name=pairs[0]), {file.name: file.read_text() for file in files}
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{folder}: cannot be read ({error})") from None


def compare_host(
    model: Model,
    x: ArrayLike | None = None,
    *,
    samples: ArrayLike | None = None,
    code: Mapping[str, str] | None = None,
    compiler: str | None = None,
    flags: Sequence[str] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Comparison:
    """Compare the model with its C, compiled for this machine, in every bit.

    x:       inputs as Model.run takes them; made ones by default
    samples: raw samples for a model with a sensor, besides the made ones that it is given
    code:    {file name: text} to check in place of freshly generated C
    """
    x = made_inputs(model) if x is None else x
    steps = FREE_STEPS if model.steps is None and model.input.held else None
    options = {} if flags is None else {"flags": flags}
    host = HostModel(model, compiler, files=code, **options)
    compared = sum(compare_on(model, host, x, steps, progress), Comparison())
    return compared if model.sensor is None else compared.beside(compare_raw(model, host, samples))


def compare_raw(model: Model, other: Streams, samples: ArrayLike | None = None) -> Comparison:
    """Compare what raw samples give: made ones, and (samples, channels) of int16 if given."""
    streams = [made_samples(model)] + ([] if samples is None else [check_samples(model, samples)])
    pairs = ((expected(model, raw), other.stream(raw)) for raw in streams)
    return sum((compare_streams(*pair) for pair in pairs), Comparison())


def check(
    model: Model,
    x: ArrayLike | None = None,
    code: str | PathLike[str] | None = None,
    compiler: str | None = None,
) -> Difference | None:
    """Return None if the C equals the model in every bit, else the first Difference.

    For your own pytest: `assert codegen.check(model, x) is None`.

    x:        inputs as Model.run takes them; made ones by default
    code:     a folder with your own <name>.h and <name>.c; by default they are generated now
    compiler: a C compiler; by default $CC, cc, gcc or clang

    Raises CompilerError without a compiler, ValueError for inputs or files that do not fit.
    """
    files = None
    if code is not None:
        model, files = read_code(model, code)
    return compare_host(model, x, code=files, compiler=compiler).first
