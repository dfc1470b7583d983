"""Other programs that tests run: what they print, once they end as they should."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def run(*command: str | Path, folder: Path, status: int = 0, **environment: str) -> str:
    """Return what a program prints, whose exit status must be this one.

    environment: beside what the tests have
    """
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout
