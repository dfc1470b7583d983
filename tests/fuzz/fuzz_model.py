"""Fuzzes what reads a model file: any bytes give a model or one line that says what is wrong.

A file whose digest alone is wrong is taken as an attacker would send it, with the right one, and
what is accepted must be usable: saved and read again, described, and rendered as C that holds
nothing of its texts.

    python tests/fuzz/fuzz_model.py -max_total_time=600 NEW tests/fuzz/corpus/model
"""

from __future__ import annotations

import atexit
import contextlib
import io
import random
import re
import shutil
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["qat", "codegen"]):
    from support.fuzzing import check_line, start
    from support.hostile import MARKER, mutate_archive

    from codegen.cli import main, models  # noqa: F401  # imported here to be instrumented
    from codegen.render import render
    from qat.model import Activity, Model
    from qat.model.file import from_bytes

FOLDER = Path(tempfile.mkdtemp(prefix="fuzz"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
LARGEST = 4096
"""Weights of a model that is rendered."""


def read(data: bytes) -> Model | None:
    """Return the model of a file, None if it was refused as it should be."""
    path = FOLDER / "model.npz"
    path.write_bytes(data)
    try:
        return Model.load(path)
    except ValueError as error:
        check_line(error, f"{path}: ")
        if "claims digest" not in str(error):
            return None
    return Model(**from_bytes(data)[0])


def use(model: Model) -> None:
    """Do with a model what the command line does with every one."""
    path = FOLDER / "accepted.npz"
    model.save(path)
    again = Model.load(path)
    assert again.digest() == model.digest()
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(["info", str(path)])
    if status:
        assert status == 2, f"info ends with {status}: {err.getvalue()}"
        check_line(err.getvalue().rstrip("\n"), "spikemcu info: ")
    if sum(synapse.codes.size for _, synapse in model.synapses()) <= LARGEST:
        check_c(again)


def check_c(model: Model) -> None:
    """Refuse C that holds a text of the model anywhere but in a comment."""
    try:
        files = render(model, activity=Activity.of(model))
    except ValueError as error:
        check_line(error)
        return
    for name, text in files.items():
        assert re.fullmatch(r"[A-Za-z0-9_]+\.[hc]", name), name
        assert text.isascii()
        assert MARKER not in re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL), name


def one_input(data: bytes) -> None:
    """Read a file, and use what it holds."""
    model = read(data)
    if model is not None:
        use(model)


def mutated(data: bytes, most: int, seed: int) -> bytes:
    """Return a file with a member changed, now and then with any byte."""
    rng = random.Random(seed)
    whole = None
    if rng.random() > 0.05:
        whole = mutate_archive(data, rng, lambda part: atheris.Mutate(part, len(part) + 64))
    if whole is None or len(whole) > most:
        return atheris.Mutate(data, most)
    return whole


if __name__ == "__main__":
    for file in (Path(__file__).parent / "corpus" / "model").iterdir():
        check_c(Model.load(file))  # the templates are compiled before anything is timed
    start(one_input, mutated)
