"""Heidelberg's spiking data sets, SHD and SSC: spikes of a model of the inner ear, in HDF5.

B. Cramer, Y. Stradmann, J. Schemmel and F. Zenke, The Heidelberg spiking data sets for the
systematic evaluation of spiking neural networks, IEEE TNNLS 33(7), 2022. The authors' files,
shd_train.h5, shd_test.h5, ssc_train.h5, ssc_valid.h5 and ssc_test.h5, hold spikes/times (seconds)
and spikes/units (0 to 699), an array a sample in each, and labels; in extra the words of SHD's
classes. Reading them needs h5py (pip install h5py).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qat.data.formats.events import SECOND, Binning, Events, in_order, longest_of, merged
from qat.data.formats.found import Found
from qat.data.reading import Reading
from qat.machine.bounded import require_regular
from qat.machine.memory import require

UNITS = 700
BINS = 100
USES = ("bins", "span", "merge", "most")
NEEDED = ("spikes/times", "spikes/units", "labels")

BYTES_PER_EVENT = 48
"""Of memory: as they lie in the file, and as whole numbers of 64 bits."""


def is_heidelberg(path: Path) -> bool:
    """Return True for an HDF5 file by the end of its name."""
    return path.suffix.lower() in (".h5", ".hdf5")


def heidelberg(path: Path, how: Reading) -> Found:
    """Return the samples of a file as steps of events, and those of its twins beside it.

    A file with `train` in its name brings those with `valid` and `test` in its place, if they are
    there. x is uint8, (n, bins, inputs); `merge` makes one input of so many neighbouring units.

    Raises ValueError for another layout, units that are none, times out of order, and where h5py
    is not installed.
    """
    require_regular(path)
    by, inputs = merged(UNITS, how)
    files = {"train": path, **_twins(path)}
    read = {part: _samples(file, by) for part, file in files.items()}
    binning = Binning.of(how, BINS, longest_of(read["train"][0]))
    notes = [binning.text, f"inputs: {inputs}, {by} of {UNITS} units to one"]
    notes += [f"{part} part: {file.name}" for part, file in files.items() if file != path]
    steps = {p: binning.steps(samples, len(samples), inputs) for p, (samples, _) in read.items()}
    labels = {part: labels for part, (_, labels) in read.items()}
    arrays: dict[str, NDArray[Any]] = {"x": steps["train"], "y": labels["train"]}
    if "valid" in steps:
        arrays = {key: np.concatenate([of["train"], of["valid"]]) for key, of in
                  (("x", steps), ("y", labels))}  # fmt: skip
        arrays["validates"] = np.arange(len(arrays["y"])) >= len(labels["train"])
    if "test" in steps:
        arrays |= {"x_test": steps["test"], "y_test": labels["test"]}
    notes += binning.left_out({part: samples for part, (samples, _) in read.items()})
    settled = {**binning.settled, "merge": by}
    return Found(arrays, notes=tuple(notes), classes=_words(path), settled=settled)


def _twins(path: Path) -> dict[str, Path]:
    """Return the other parts beside a file of the training part."""
    if "train" not in path.name:
        return {}
    beside = {part: path.with_name(path.name.replace("train", part)) for part in ("valid", "test")}
    return {part: file for part, file in beside.items() if file.is_file()}


def _h5py() -> Any:
    try:
        import h5py  # noqa: PLC0415  # an extra
    except ImportError:
        raise ValueError("needs h5py; install it: pip install h5py") from None
    return h5py


def _samples(path: Path, by: int) -> tuple[list[Events], NDArray[np.int64]]:
    """Return the events of every sample of a file, and the labels."""
    h5py = _h5py()
    try:
        with h5py.File(path, "r") as file:
            times, units, labels = (_dataset(file, name, path.name) for name in NEEDED)
            if not len(times) == len(units) == len(labels) > 0:
                counts = f"{len(times)} times, {len(units)} units, {len(labels)} labels"
                raise ValueError(f"{path.name}: holds {counts}; needs one of each a sample")
            require(f"the spikes of {path.name}", _bytes(path), "give a part of it")
            rows = zip(times[:], units[:], strict=True)
            samples = [_sample(t, u, by, f"{path.name}: sample {i}") for i, (t, u) in
                       enumerate(rows)]  # fmt: skip
            return samples, np.asarray(labels[:], np.int64)
    except OSError as error:
        raise ValueError(f"{path.name}: is no HDF5 file, or a damaged one ({error})") from None


def _bytes(path: Path) -> int:
    """Return the memory that spikes may take; compressed, one has about 2 bytes of a file."""
    return BYTES_PER_EVENT * path.stat().st_size // 2


def _dataset(file: Any, name: str, what: str) -> Any:
    """Return an array of a file with an entry a sample, refused where it is none."""
    h5py = _h5py()
    link = file.get(name, getlink=True) if name in file else None
    found = file.get(name) if isinstance(link, h5py.HardLink) else None
    if not isinstance(found, h5py.Dataset) or found.ndim != 1 or found.external:
        held = ", ".join(sorted(map(str, file))) or "nothing"
        raise ValueError(
            f"{what}: has no array {name} with an entry a sample (it holds {held}); SHD's and "
            f"SSC's files hold {', '.join(NEEDED)}"
        )
    return found


def _sample(times: Any, units: Any, by: int, name: str) -> Events:
    """Return the events of a sample, whose times are seconds."""
    seconds, places = np.asarray(times), np.asarray(units)
    if seconds.ndim != 1 or seconds.shape != places.shape or seconds.dtype.kind != "f":
        raise ValueError(f"{name}: has {seconds.size} times and {places.size} units; one each")
    if not np.isfinite(seconds).all():
        raise ValueError(f"{name}: a time is no finite number")
    if len(places) and not 0 <= int(places.min()) <= int(places.max()) < UNITS:
        worst = int(places.max() if places.max() >= UNITS else places.min())
        raise ValueError(f"{name}: unit {worst} is none; there are 0 to {UNITS - 1}")
    microseconds = np.rint(seconds.astype(np.float64) * SECOND).astype(np.int64)
    in_order(microseconds, name)
    return Events(microseconds, places.astype(np.int64) // by)


def _words(path: Path) -> tuple[str, ...]:
    """Return the words of the classes, () where the file does not tell them."""
    h5py = _h5py()
    with h5py.File(path, "r") as file:
        keys = file.get("extra/keys") if "extra/keys" in file else None
        if not isinstance(keys, h5py.Dataset) or keys.ndim != 1 or keys.size > UNITS:
            return ()
        words = [key.decode("utf-8", "replace") if isinstance(key, bytes) else str(key)
                 for key in keys[:]]  # fmt: skip
        return tuple(words) if len(set(words)) == len(words) else ()
