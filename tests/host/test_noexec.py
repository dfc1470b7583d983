"""Where nothing may run in the folder of temporary files, a compiled model is loaded elsewhere."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from support.zoo.small import small_model

RUN = """
import sys
from pathlib import Path

import cffi

from codegen.checks.host import HostModel
from qat.model import Model

REFUSED = sys.argv[2:]
load = cffi.FFI.dlopen

def refusing(ffi, name, flags=0):
    if any(Path(name).is_relative_to(folder) for folder in REFUSED):
        raise OSError(f"{name}: failed to map segment from shared object")
    return load(ffi, name, flags)

if REFUSED:
    cffi.FFI.dlopen = refusing
HostModel(Model.load(sys.argv[1]))
print("loaded")
"""
MOUNTED = 'for place; do mount -t tmpfs -o noexec tmpfs "$place" || exit 9; done'
NAME_SPACE = ("unshare", "--map-root-user", "--mount", "sh", "-c")


def without_execution(command: list[str], places: list[Path]) -> list[str]:
    """Return a command that runs with these folders mounted noexec.

    A name space of its own lets any user mount. In a container that forbids it the loader refuses
    what lies in these folders, in the words that it has for such a mount.
    """
    told = [str(place) for place in places]
    tried = subprocess.run([*NAME_SPACE, MOUNTED, "sh", *told], capture_output=True, check=False)
    if tried.returncode:
        return [*command, *told]
    return [*NAME_SPACE, f"{MOUNTED}; exec {shlex.join(command)}", "sh", *told]


@pytest.mark.parametrize("cache_too", [False, True])
def test_a_compiled_model_is_loaded_from_another_file_system(
    cache_too: bool, tmp_path: Path
) -> None:
    places = [tmp_path / "tmp", tmp_path / "cache"]
    for place in places:
        place.mkdir()
    small_model().save(tmp_path / "m.npz")
    command = [sys.executable, "-c", RUN, str(tmp_path / "m.npz")]
    environment = os.environ | {"TMPDIR": str(places[0]), "SPIKEMCU_CACHE": str(places[1])}
    done = subprocess.run(
        without_execution(command, places if cache_too else places[:1]),
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if cache_too:
        assert done.returncode == 1
        assert "noexec, set TMPDIR or SPIKEMCU_CACHE" in done.stderr.splitlines()[-1]
    else:
        assert (done.returncode, done.stdout) == (0, "loaded\n"), done.stderr
