"""The records of a verification: the checks of a model, and their results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.render.generated import Generated, generated
from codegen.target.boards import Board
from qat.model import Model


class Status(StrEnum):
    """How a check ended. What was not run has not passed."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not run"


class NotRunError(Exception):
    """A check does not apply to the model, or this machine lacks what it needs."""


@dataclass(frozen=True, eq=False)
class Subject:
    """The model that is verified, and on what.

    made:    inputs that were made for it: for each seed, extremes first
    seeds:   how many seeds they were made by, from 0 on
    data:    inputs that were given; None if there are none
    origin:  where the data come from
    samples: raw samples, for a model with a sensor
    steps:   the argument of Model.run
    boards:  emulated boards to run on
    connected: a board of hardware to run on as well, and port: where it is; None to look for it
    board_inputs: how many of the inputs run on each of them
    path:    the model file as it was named, for the commands
    command: what was called
    """

    model: Model
    path: str
    command: str
    made: NDArray[Any]
    seeds: int
    data: NDArray[Any] | None
    origin: str
    samples: NDArray[Any] | None
    steps: int | None
    boards: tuple[Board, ...]
    board_inputs: int = 20
    connected: Board | None = None
    port: str | None = None

    @cached_property
    def generated(self) -> Generated:
        """The program and the C of the model."""
        return generated(self.model)

    @property
    def few_of_data(self) -> NDArray[Any] | None:
        """The data for a board."""
        return None if self.data is None else self.data[: self.board_inputs // 2]

    @property
    def few(self) -> NDArray[Any]:
        """The inputs for a board: made ones, extremes first, and then some of the data."""
        if (data := self.few_of_data) is None:
            return self.made[: self.board_inputs]
        return np.concatenate([self.made[: self.board_inputs - len(data)], data])


@dataclass(frozen=True)
class Finding:
    """What a check saw.

    passed:   whether its claim held
    summary:  one line
    details:  lines of figures
    commands: what reproduces it
    """

    passed: bool
    summary: str
    details: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()

    def beside(self, other: Finding) -> Finding:
        """Join with what else was seen."""
        return Finding(
            self.passed and other.passed,
            f"{self.summary}; {other.summary}",
            self.details + other.details,
            self.commands + other.commands,
        )


@dataclass(frozen=True)
class Check:
    """A row of the table of checks.

    name:  what it is about
    claim: what it shows when it passes, and for which inputs
    run:   does it; raises NotRunError where it cannot
    """

    name: str
    claim: str
    run: Callable[[Subject], Finding]


@dataclass(frozen=True)
class Outcome:
    """A check, how it ended, and how long it took, in seconds."""

    name: str
    claim: str
    status: Status
    summary: str
    details: tuple[str, ...]
    commands: tuple[str, ...]
    seconds: float
