"""The record of a readout of leaky integrators: every number that its template prints."""

from __future__ import annotations

from dataclasses import dataclass

from codegen.kernels.common import leak_text
from codegen.kernels.ranges import Range
from codegen.kernels.stage import Readout


@dataclass(frozen=True, eq=False, kw_only=True)
class Integrating(Readout):
    """Leaky integrators that work in every step.

    signal:    C text of a pointer to the first plane of what they read; planes: how many it has
    leak:      its terms
    mode:      what of a membrane the score is: "last", "max", "sum" or "first"
    threshold: at which the first of "first" ends; 0 elsewhere
    v_ctype:   C type of a membrane
    sum, current, v: proved ranges, of a step
    """

    signal: str
    planes: int
    leak: tuple[int, ...]
    mode: str
    threshold: int
    v_ctype: str
    sum: Range
    current: Range
    v: Range

    @property
    def every_step(self) -> bool:
        """True: it reads what the last layer sends in every step."""
        return True

    @property
    def membranes(self) -> str:
        """The member of the state that holds its membranes."""
        return "integral"

    @property
    def settles(self) -> bool:
        """True if scores may be final before the last step."""
        return self.mode == "first"

    @property
    def kept(self) -> str:
        """The member of the state that the scores are."""
        return {"max": "largest", "sum": "total"}.get(self.mode, "integral")

    @property
    def functions(self) -> dict[str, str]:
        """{function of its C, without the model's prefix: the part that it belongs to}."""
        return super().functions | {"integrate": self.part}

    @property
    def about(self) -> tuple[str, ...]:
        """What the scores are, in lines of a comment."""
        what = {
            "last": "the membranes v after the last step",
            "max": "the largest membranes v of all steps",
            "sum": "the sums of the membranes v over all steps",
            "first": f"the membranes v when the first of them has reached {self.threshold}, where "
            "they rest, or after the last step",
        }
        return (
            f"v = v - leak(v) + I of every class, leak(v) = {leak_text(self.leak)}; the scores are",
            what[self.mode],
        )
