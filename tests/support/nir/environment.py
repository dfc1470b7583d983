"""Environments of frameworks, made with pip once and kept in the cache."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

from qat.machine.cache import user_cache
from support.nir.frameworks import ALONE, ENVIRONMENT

HERE = Path(__file__).parent


def interpreter() -> Path:
    """Return the Python of an environment with all frameworks; it takes 3 GB and minutes once."""
    folder = user_cache() / "nir-frameworks"
    python, ready = folder / "bin" / "python", folder / "ready"
    wanted = "\n".join((*ENVIRONMENT, *ALONE))
    if not ready.is_file() or ready.read_text() != wanted:
        venv.create(folder, with_pip=True)
        for extra, names in ((), ENVIRONMENT), (("--no-deps",), ALONE):
            command = [str(python), "-m", "pip", "install", "-q", *extra, *names]
            subprocess.run(command, check=True)
        ready.write_text(wanted)
    return python


def run(script: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a script of this folder in that environment; CalledProcessError if it fails."""
    command = [str(interpreter()), "-W", "ignore", str(HERE / script), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stdout[-4000:], done.stderr[-4000:], file=sys.stderr)
    done.check_returncode()
    return done
