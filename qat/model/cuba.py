"""Current-based leaky integrate-and-fire neurons: a second leaky state before the membrane."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from qat.model.digest import line
from qat.model.integration import integrate
from qat.model.intervals import Interval, refuse_beyond_int32
from qat.model.leak import leak, leak_terms, partial_sums
from qat.model.leaky import Leaky
from qat.model.membrane import reach_of
from qat.model.neuron import Int32, Reach, Step


@dataclass(frozen=True, eq=False)
class CuBa(Leaky):
    """Current-based leaky integrate-and-fire neurons. One step, with v(0) = c(0) = 0.

        c_j = c_j - leak_c(c_j) + I_j          the synaptic current
        u_j = v_j - leak(v_j) + c_j

    and saturation, spikes and reset as Leaky has them.

    leak_c: at most four signed shifts, as `leak`; () for a current that never decays
    """

    leak_c: tuple[int, ...] = field(kw_only=True)

    STATE: ClassVar[tuple[str, ...]] = ("v", "c")

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "leak_c", leak_terms(self.leak_c, "CuBa.leak_c"))

    def step(self, state: tuple[Int32, ...], current: Int32) -> Step:
        """Return u, the spikes, and membranes and synaptic currents after the step."""
        v, c = state
        c = c - leak(c, self.leak_c) + current
        u = self.integrated(v, c)
        spikes = self.emitted(u)
        return Step(u, spikes, (self.after(u, spikes), c))

    def reach(self, current: Interval, steps: int | None) -> Reach:
        """Return the proved ranges: c is an integrator, and any input of the membrane."""
        found = integrate(self.leak_c, current, steps)
        refuse_beyond_int32("synaptic current", found.kept, partial_sums(self.leak_c))
        refuse_beyond_int32("synaptic current", found.after)
        u_raw, u, v = reach_of(self, found.after, steps)
        return Reach(u_raw, u, (v, found.kept))

    def describe(self) -> dict[str, Any]:
        """Return what Leaky describes, and the leak of the current."""
        return super().describe() | {"leak_c": list(self.leak_c)}

    def digested(self, channels: int) -> Iterator[bytes]:
        """Yield what the digest hashes of a layer of so many channels."""
        yield from super().digested(channels)
        yield line("leak_c", *self.leak_c)
