"""A PostgreSQL server of Debian's package, for one test: its own data, its own port."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SERVERS = Path("/usr/lib/postgresql")
USER = "postgres"
QUICK = "-c fsync=off -c shared_buffers=16MB -c unix_socket_directories="


def _program(name: str) -> list[str]:
    """Return how a program is called: as another user by root, which servers refuse."""
    found = sorted(SERVERS.glob(f"*/bin/{name}"))
    if not found:
        pytest.fail("no PostgreSQL; apt-get install postgresql")
    return [*(["runuser", "-u", USER, "--"] if os.geteuid() == 0 else []), str(found[-1])]


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def server() -> Iterator[str]:
    """Run a server; yield the URL of its database."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    port = _free_port()
    data = str(folder / "data")
    control = [*_program("pg_ctl"), "-D", data, "-w", "-l", str(folder / "log")]
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, USER)
        init = [*_program("initdb"), "-D", data, "-U", USER, "-A", "trust", "--no-sync"]
        subprocess.run(init, check=True, capture_output=True, cwd=folder)
        options = f"-h 127.0.0.1 -p {port} {QUICK}''"
        start = [*control, "-o", options, "start"]
        subprocess.run(start, check=True, stdout=subprocess.DEVNULL, cwd=folder)
        yield f"postgresql://{USER}@127.0.0.1:{port}/{USER}"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=False, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)
