"""Processor time, which tells what a deed costs on a busy machine as well."""

from __future__ import annotations

import os
import resource
from types import SimpleNamespace

MOST_SECONDS = 600.0
"""Of wall time: when something counts as hanging, however busy the machine is."""


def processor_seconds() -> float:
    """Return what this process and the children that it has waited for have taken so far."""
    return sum(os.times()[:4])


def children_seconds() -> float:
    """Return what the children that this process has waited for have taken so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Clock(SimpleNamespace):
    """Stands where a module has `time`: it goes on when somebody sleeps, and else stands still."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def monotonic(self) -> float:
        """Return the time, in seconds."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
