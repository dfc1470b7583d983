"""What executed instructions take, one after the other."""

from __future__ import annotations

from abc import ABC, abstractmethod

from codegen.isa.code import Instruction


class Clock(ABC):
    """Runs beside a program that is traced."""

    @abstractmethod
    def takes(self, instruction: Instruction, jumped: bool) -> float:
        """Return the cycles by which an executed instruction takes the program further.

        jumped: another than the next one followed
        """
