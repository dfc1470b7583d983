"""What must be the same everywhere: prints a SHA-256 for everything made of the models in a folder.

python -m support.determined FOLDER
"""

from __future__ import annotations

import hashlib
import json
import locale
import sys
from pathlib import Path
from typing import Any

import numpy as np

from codegen.render import render
from codegen.report.summary import summarize
from qat.model import Model, file

STEPS = 7


def inputs(model: Model, samples: int = 5) -> tuple[Any, int | None]:
    """Return inputs that no version of NumPy draws otherwise, and `steps` where run needs them."""
    free = model.steps is None
    steps = () if model.input.held else (model.steps or STEPS,)
    shape = (samples, *steps, model.input.size)
    span = model.input.high - model.input.low + 1
    count = int(np.prod(shape))
    values = (np.arange(count, dtype=np.int64) * 1_103_515_245 + 12_345 >> 7) % span
    return (values + model.input.low).reshape(shape), STEPS if free and model.input.held else None


def outputs(model: Model) -> bytes:
    """Return everything that a run gives, as bytes."""
    x, steps = inputs(model)
    result = model.run(x, trace=True, steps=steps)
    fields = (result.scores, result.predictions, result.output, result.steps)
    arrays = [*fields, *result.state, *(result.spikes or ()), *(result.u or ()), *(result.v or ())]
    return b"".join(
        str((a.dtype.str, a.shape)).encode() + np.ascontiguousarray(a).tobytes()
        for a in arrays
        if a is not None
    )


def everything(model: Model) -> dict[str, bytes]:
    """Return what save, generate and run make of a model."""
    return {
        "save": file.to_bytes(model),
        "digest": model.digest().encode(),
        "manifest": json.dumps(summarize(model), indent=2).encode(),
        "run": outputs(model),
        **{name: text.encode() for name, text in render(model).items()},
    }


def hashes(folder: Path) -> dict[str, str]:
    """Return {model, what: SHA-256}."""
    return {
        f"{path.stem} {what}": hashlib.sha256(data).hexdigest()
        for path in sorted(folder.glob("*.npz"))
        for what, data in everything(Model.load(path)).items()
    }


if __name__ == "__main__":
    locale.setlocale(locale.LC_ALL, "")
    print(json.dumps({"numpy": np.__version__, "hashes": hashes(Path(sys.argv[1]))}))
