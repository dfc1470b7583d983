"""The workers of a search as processes: started, watched, replaced."""

from __future__ import annotations

import multiprocessing
import os
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from time import process_time
from typing import TYPE_CHECKING

from qat.study.search.trials import give_back

if TYPE_CHECKING:
    from optuna import Study

REPLACED = 3
"""Workers of a search that are started anew after they died, in all."""


def has_parent() -> Callable[[], bool]:
    """Return what tells whether the process that started this one is still there."""
    parent = os.getppid()
    return lambda: os.getppid() == parent


def has_time(minutes: float | None) -> Callable[[], bool]:
    """Return what tells whether this process has spent less than so many minutes."""
    return lambda: minutes is None or process_time() < 60 * minutes


@dataclass
class Crew:
    """So many processes that run `work(argv, name)`."""

    work: Callable[[Sequence[str], str], None]
    argv: Sequence[str]
    size: int
    study: Study
    _members: dict[str, BaseProcess] = field(default_factory=dict)
    _replaced: int = 0

    def start(self) -> None:
        """Start all of them."""
        for _ in range(self.size):
            self._start_one()

    def _start_one(self) -> None:
        name = uuid.uuid4().hex[:12]
        context = multiprocessing.get_context("spawn")  # a fork would share open connections
        member = context.Process(target=self.work, args=(list(self.argv), name), daemon=True)
        member.start()
        self._members[name] = member

    def look(self) -> list[str]:
        """Return a line for each that died; its trial is given back, and another one started."""
        lines = []
        for name, member in list(self._members.items()):
            if member.is_alive():
                continue
            member.join()
            del self._members[name]
            if member.exitcode:
                give_back(self.study, worker=name)
                lines.append(f"a worker died (exit status {member.exitcode}); its trial goes on")
                if self._replaced < REPLACED:
                    self._replaced += 1
                    self._start_one()
        return lines

    @property
    def at_work(self) -> bool:
        """True while any of them is."""
        return bool(self._members)

    def stop(self) -> None:
        """End all of them; their trials are given back."""
        for name, member in self._members.items():
            member.terminate()
            member.join()
            give_back(self.study, worker=name)
        self._members.clear()
