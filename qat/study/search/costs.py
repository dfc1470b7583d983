"""What a network costs on a board, and by how much that exceeds limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Costs:
    """Bytes, instructions and microseconds of an inference (a step of a model that runs free).

    ram:   the state and the deepest stack; stack: that stack alone
    instructions, latency: typical, of the activity on validation data; worst: instructions of any
           input
    """

    flash: int
    ram: int
    stack: int
    instructions: int
    worst: int
    latency: float

    def to_json(self) -> dict[str, float]:
        """Return the costs as JSON values."""
        return asdict(self)

    def over(self, limits: Mapping[str, float]) -> list[float]:
        """Return for each limit by which part of it the cost exceeds it; 0 and less: it is kept.

        limits: {field: largest value}
        """
        return [getattr(self, name) / limit - 1 for name, limit in limits.items()]
