"""What a command does with the network: every attempt to connect or to send, seen by strace."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

CALLS = "connect,sendto,sendmsg,sendmmsg"
"""System calls that reach another machine; sockets of a process with itself are AF_UNIX."""
INTERNET = re.compile(r"sa_family=AF_INET6?\b")


def attempts(
    command: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run a command and all that it starts; return how it ended, and its attempts.

    Name servers count: their addresses are connected to as well.
    """
    if shutil.which("strace") is None:
        pytest.fail("no strace on PATH; apt-get install strace")
    log = folder / "strace.log"
    tracer = ["strace", "-f", "-qq", "--seccomp-bpf", "-e", f"trace={CALLS}", "-o", str(log)]
    done = subprocess.run(
        [*tracer, *command],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done, [line for line in log.read_text().splitlines() if INTERNET.search(line)]
