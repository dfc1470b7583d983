"""Data sets: the public name of qat.data.named."""

from __future__ import annotations

from qat.data.dataset import Dataset
from qat.data.division import stratified
from qat.data.named import DATASETS, Named, load, load_for
from qat.data.own import from_arrays
from qat.data.reading import Reading
from qat.data.recordings import from_recording

__all__ = [
    "DATASETS",
    "Dataset",
    "Named",
    "Reading",
    "from_arrays",
    "from_recording",
    "load",
    "load_for",
    "stratified",
]
