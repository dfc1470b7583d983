"""A budget as a gate: what a model takes at worst on a board, against limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from codegen.base.quantities import BYTES, COUNT, MICROJOULES, MICROSECONDS, quantity
from codegen.report.energy import Energy, Supply
from codegen.report.report import Report
from qat.model import did_you_mean


@dataclass(frozen=True)
class Key:
    """What can be limited, by the worst case of a report.

    units:   in which a limit is given; the one of factor 1 is that of the value
    unit:    the one of factor 1, in words
    example: such a limit
    figure:  what is compared with it, in words
    value:   returns that; None where it is not known
    """

    units: Mapping[str, float]
    unit: str
    example: str
    figure: str
    value: Callable[[Report, Energy], float | None]


def _worst_us(report: Report, energy: Energy) -> float:
    return report.worst_cycles * 1e6 / report.clock_hz


KEYS: Mapping[str, Key] = {
    "flash": Key(BYTES, "bytes", "32K", "all sections that are loaded", lambda r, e: r.flash),
    "ram": Key(
        BYTES, "bytes", "8K", "the state and the deepest stack", lambda r, e: r.ram + r.stack
    ),
    "stack": Key(BYTES, "bytes", "512", "the deepest of all calls", lambda r, e: r.stack),
    "latency": Key(MICROSECONDS, "us", "5ms", "worst case, estimated", _worst_us),
    "instructions": Key(COUNT, "", "200000", "worst case", lambda r, e: r.worst),
    "energy": Key(MICROJOULES, "uJ", "50uJ", "worst case, your current", lambda r, e: e.worst_uj),
}
"""The keys of a budget, in bytes, microseconds, instructions and microjoules."""


@dataclass(frozen=True)
class Line:
    """A limit and what stands against it; `figure` says what that is. kept: value <= limit."""

    name: str
    limit: float
    value: float
    unit: str
    figure: str
    kept: bool

    def to_json(self) -> dict[str, Any]:
        """Return the line as JSON values."""
        return asdict(self)


def parse_budget(text: str, supply: Supply | None = None) -> dict[str, float]:
    """Return {key: limit} of a text such as flash=32K,ram=8K,latency=5ms.

    Raises ValueError for a key that is not known, that comes twice or that has no proper limit,
    and for a limit of the energy without a supply.
    """
    limits: dict[str, float] = {}
    for part in text.split(","):
        name, equals, limit = (piece.strip() for piece in part.partition("="))
        if not equals or name not in KEYS:
            near = did_you_mean(name, KEYS) if equals else ""
            raise ValueError(
                f"--budget: found {part!r}; must be KEY=LIMIT with one of {', '.join(KEYS)}, "
                f"such as flash=32K,ram=8K,latency=5ms{near}"
            )
        if name in limits:
            raise ValueError(f"--budget: {name} stands there twice; give one limit")
        key = KEYS[name]
        limits[name] = quantity(f"--budget: {name}", limit, key.units, f"{name}={key.example}")
    if "energy" in limits and supply is None:
        raise ValueError(
            "--budget: energy needs your board's own current and voltage, such as "
            "--current 12mA --voltage 3.3V"
        )
    return limits


def gate(limits: Mapping[str, float], report: Report, energy: Energy) -> tuple[Line, ...]:
    """Return the worst case of a report against every limit of parse_budget."""
    return tuple(_line(name, limit, report, energy) for name, limit in limits.items())


def _line(name: str, limit: float, report: Report, energy: Energy) -> Line:
    key = KEYS[name]
    value = key.value(report, energy)
    assert value is not None, "parse_budget refuses a limit of the energy without a supply"
    return Line(name, limit, value, key.unit, key.figure, value <= limit)
