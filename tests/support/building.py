"""Build the wheel and the source archive, twice under different circumstances."""

from __future__ import annotations

import os
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from build import ProjectBuilder
from build.env import DefaultIsolatedEnv

KINDS = ("wheel", "sdist")
LONG_AGO = 10**9
"""Time of the files in the second build: September 2001."""


@dataclass(frozen=True)
class Circumstances:
    """What must not matter: the mask of new files, and the environment."""

    umask: int
    environment: Mapping[str, str]

    def run(
        self,
        command: Sequence[str],
        cwd: str | None = None,
        extra_environ: Mapping[str, str] | None = None,
    ) -> None:
        """Run a step of a build, as `build` wants it."""
        kept = {key: value for key, value in os.environ.items() if key != "SOURCE_DATE_EPOCH"}
        environment = {**kept, **self.environment, **(extra_environ or {})}
        done = subprocess.run(
            command,
            cwd=cwd,
            env=environment,
            umask=self.umask,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-2000:]


HERE = Circumstances(0o022, {"LC_ALL": "C.UTF-8", "TZ": "UTC", "PYTHONHASHSEED": "1"})
ELSEWHERE = Circumstances(
    0o077,
    {
        "LC_ALL": "C",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONUTF8": "0",
        "TZ": "Asia/Kathmandu",
        "PYTHONHASHSEED": "2",
    },
)


@dataclass(frozen=True)
class Built:
    """Folders with a wheel and a source archive each.

    first:  of the checkout
    second: of the first one's source archive, unpacked elsewhere
    """

    first: Path
    second: Path

    @property
    def wheel(self) -> Path:
        """The wheel of the checkout."""
        return next(self.first.glob("*.whl"))

    @property
    def source(self) -> Path:
        """The source archive of the checkout."""
        return next(self.first.glob("*.tar.gz"))


def built_twice(root: Path, folder: Path) -> Built:
    """Build both kinds twice, unless the folder holds them already."""
    built = Built(folder / "first", folder / "second")
    if (folder / "done").exists():
        return built
    with DefaultIsolatedEnv() as env:
        env.install(ProjectBuilder.from_isolated_env(env, root).build_system_requires)
        _build(env, root, built.first, HERE)
        _build(env, _unpacked(built.source, folder / "source"), built.second, ELSEWHERE)
    (folder / "done").touch()
    return built


def _build(env: DefaultIsolatedEnv, root: Path, out: Path, circumstances: Circumstances) -> None:
    builder = ProjectBuilder.from_isolated_env(env, root, runner=circumstances.run)
    for kind in KINDS:
        builder.build(kind, out)


def _unpacked(archive: Path, folder: Path) -> Path:
    """Unpack a source archive as somebody else at another time would."""
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    for path in folder.rglob("*"):
        os.chmod(path, 0o700 if path.is_dir() else 0o600)
        os.utime(path, (LONG_AGO, LONG_AGO))
    (root,) = folder.iterdir()
    return root
