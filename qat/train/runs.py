"""Run folders: what a training run writes to disk, so that it can be resumed.

    settings.json    of the network, the training and the data
    history.json     every finished epoch
    checkpoint.npz   the state after the last finished epoch
    model.npz        the best epoch so far, as an integer model (not for real weights)

All are written anew after every epoch, each in one piece: an interruption, whenever it comes,
leaves the state of a finished epoch.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qat.data.arrays import Arrays, read_arrays
from qat.data.dataset import Dataset
from qat.machine.bounded import open_regular
from qat.model import Model, write_file, writing
from qat.model.checks import plain

FORMAT = 1
STATE = "state"
"""The array of a checkpoint that holds its JSON values, as bytes."""


def data_digest(data: Dataset) -> str:
    """Return 16 hex digits that name the samples of training and validation."""
    h = hashlib.sha256()
    for part in (data.x_train, data.y_train, data.x_validation, data.y_validation):
        h.update(f"{part.shape} {part.dtype}\n".encode())
        h.update(np.ascontiguousarray(part).data)
    return h.hexdigest()[:16]


def _differences(was: Any, now: Any, where: str = "") -> Iterator[str]:
    """Yield a text for every setting that differs."""
    if isinstance(was, dict) and isinstance(now, dict):
        for key in sorted(was.keys() | now.keys()):
            yield from _differences(was.get(key), now.get(key), f"{where}.{key}".lstrip("."))
    elif was != now:
        yield f"{where} {json.dumps(was)}, now {json.dumps(now)}"


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run; `settings` are plain JSON values.

    Raises ValueError where the folder cannot be used.
    """

    path: Path
    settings: Mapping[str, Any]

    @property
    def _checkpoint(self) -> Path:
        return self.path / "checkpoint.npz"

    def damaged(self, error: Exception) -> ValueError:
        """Return the error to raise for a checkpoint that cannot be understood."""
        return _damaged(self._checkpoint, error)

    def begin(self) -> None:
        """Make the folder ready for a run from the start; an older run in it is forgotten."""
        with writing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            for name in ("history.json", "checkpoint.npz", "model.npz"):
                (self.path / name).unlink(missing_ok=True)
        self._write("settings.json", _json(self.settings))

    def save(self, values: Mapping[str, Any], arrays: Arrays) -> None:
        """Write the history and the state after an epoch."""
        text = json.dumps({"format": FORMAT, "settings": self.settings, **values})
        buffer = io.BytesIO()
        members: dict[str, Any] = {STATE: np.frombuffer(text.encode(), np.uint8), **arrays}
        np.savez(buffer, **members)
        self._write("history.json", _json(values["epochs"]))
        self._write(self._checkpoint.name, buffer.getvalue())

    def write_model(self, model: Model) -> None:
        """Write the best model."""
        model.save(self.path / "model.npz")

    def _write(self, name: str, data: bytes) -> None:
        write_file(self.path / name, data)

    def load(self) -> tuple[dict[str, Any], Arrays]:
        """Return the state that `save` wrote last; ValueError if it is of other settings."""
        path = self._checkpoint
        if not path.exists():
            raise ValueError(f"{self.path}: holds no checkpoint to resume from; train without that")
        values, arrays = _read(path)
        if values.get("format") != FORMAT:
            raise ValueError(f"{path}: has format {values.get('format')!r}; this reads {FORMAT}")
        now = json.loads(json.dumps(self.settings))
        different = list(_differences(values.get("settings"), now))
        if different:
            raise ValueError(
                f"{path}: is of other settings ({'; '.join(different[:3])}"
                f"{'; ...' if len(different) > 3 else ''}); repeat those, or train from the start"
            )
        return values, arrays


def _damaged(path: Path, error: Exception) -> ValueError:
    return ValueError(
        f"{path}: is no checkpoint, or a damaged one ({plain(error)}); train from the start"
    )


def _read(path: Path) -> tuple[dict[str, Any], Arrays]:
    try:
        with open_regular(path) as file:
            arrays = {key: array.copy() for key, array in read_arrays(file, "an archive").items()}
        values = json.loads(arrays.pop(STATE).tobytes())
        return dict(values), arrays
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (ValueError, KeyError, TypeError, RecursionError, MemoryError) as error:
        raise _damaged(path, error) from None


def _json(values: Any) -> bytes:
    return (json.dumps(values, indent=1) + "\n").encode()
