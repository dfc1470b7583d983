"""The energy of a call: a formula, and a number only with the user's own current.

    E = I * V * t

with t the estimated time at the board's clock. No data sheet's current stands here: what a board
draws depends on its clock, its regulator, its peripherals and where the code lies; measure it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from codegen.base.quantities import AMPERES, VOLTS, quantity
from codegen.report.report import Report

FORMULA = "E = I * V * t"


@dataclass(frozen=True)
class Supply:
    """What the user's board draws while it computes: amperes, and volts of the supply."""

    amperes: float
    volts: float


@dataclass(frozen=True)
class Energy:
    """The energy of a call in microjoules, typical and at worst; None without a supply."""

    supply: Supply | None
    typical_uj: float | None = None
    worst_uj: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the energy and what it follows from as JSON values."""
        supply = asdict(self.supply) if self.supply else dict.fromkeys(("amperes", "volts"))
        figures = {"typical_uj": self.typical_uj, "worst_uj": self.worst_uj}
        return {"formula": FORMULA, **supply, **figures}


def supply_of(current: str | None, voltage: str | None) -> Supply | None:
    """Return the supply of two texts such as 12mA and 3.3V, None without both.

    Raises ValueError for a text that is no such number, or for one without the other.
    """
    if current is None and voltage is None:
        return None
    if current is None or voltage is None:
        given, missing = ("--voltage", "--current") if current is None else (
            "--current", "--voltage")  # fmt: skip
        raise ValueError(
            f"energy: {given} is given, {missing} is missing; it takes both, such as "
            "--current 12mA --voltage 3.3V"
        )
    amperes = quantity("--current", current, AMPERES, "12mA")
    return Supply(amperes, quantity("--voltage", voltage, VOLTS, "3.3V"))


def energy_of(report: Report, supply: Supply | None) -> Energy:
    """Return I * V * t of a call, with t = cycles / clock."""
    if supply is None:
        return Energy(None)
    power = supply.amperes * supply.volts
    typical, worst = (
        power * cycles / report.clock_hz * 1e6 for cycles in (report.cycles, report.worst_cycles)
    )
    return Energy(supply, typical, worst)
