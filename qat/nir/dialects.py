"""The dialects of NIR: what each framework means by the numbers that it writes.

A file holds time constants, but neither the step of time, nor the reset, nor the comparison. Each
dialect is a row: what its framework computes, which choices a file leaves open (the framework's own
default first), and the function that makes a node's Dynamics. The equations were checked against
the spikes of the frameworks themselves; tests/support/nir has the programs that save them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from qat.nir.dynamics import Dynamics, Float
from qat.nir.nodes import Float64, Node

RESETS = ("subtract", "zero", "value", "none", "subtract-now", "zero-now")
COMPARISONS = (">", ">=", "floor")
GAINS = ("one", "leak", "file")

MEANING: Mapping[str, str] = {
    "subtract": "a spike subtracts the threshold",
    "zero": "a spike sets the membrane to 0",
    "value": "a spike sets the membrane to v_reset",
    "none": "spikes leave the membrane as it is",
    "subtract-now": "a spike subtracts the threshold in the same step (reset_delay=False)",
    "zero-now": "a spike sets the membrane to 0 in the same step (reset_delay=False)",
    ">": "above the threshold",
    ">=": "at or above the threshold",
    "floor": "as many spikes as the membrane has thresholds",
    "one": "inputs count as they are",
    "leak": "inputs are multiplied by what leaks",
    "file": "inputs are multiplied by the file's r",
}


@dataclass(frozen=True)
class Reading:
    """A settled way to read a file.

    reset, compare: of every spiking node; gain: of every neuron; by name, words of the above
    dt: seconds of a step, in the unit in which the dialect has it
    """

    dialect: str
    dt: float | None
    reset: Mapping[str, str]
    compare: Mapping[str, str]
    gain: Mapping[str, str]

    def words(self) -> dict[str, Any]:
        """Return it as JSON values; one word where all nodes share it."""

        def short(found: Mapping[str, str]) -> Any:
            words = sorted(set(found.values()))
            return words[0] if len(words) == 1 else dict(found) or None

        return {"dialect": self.dialect, "dt": self.dt, "reset": short(self.reset),
                "compare": short(self.compare), "gain": short(self.gain)}  # fmt: skip


@dataclass(frozen=True)
class Dialect:
    """A row.

    says:    what it implies, in a sentence
    dt:      the step that its exporter assumes, None where the file must be told one
    resets:  kinds of node, each with the resets that they may have; () takes those of LIF
    """

    says: str
    dt: float | None
    resets: Mapping[str, tuple[str, ...]]
    compares: tuple[str, ...]
    gains: tuple[str, ...]
    make: Callable[[Node, Reading], Dynamics]

    def resets_of(self, kind: str) -> tuple[str, ...]:
        """Return the resets that a spiking node of a kind may have."""
        return self.resets.get(kind, self.resets["LIF"])

    def gains_of(self, kind: str) -> tuple[str, ...]:
        """Return the gains that a neuron of a kind may have."""
        return self.gains if kind in ("LIF", "LI") else self.gains[:1]


def dynamics(node: Node, reading: Reading) -> Dynamics:
    """Return what a neuron computes; ValueError where a value has no meaning in the dialect."""
    with np.errstate(all="ignore"):  # what is not finite is refused below
        made = DIALECTS[reading.dialect].make(node, reading)
    for name in ("decay", "gain", "current_decay", "current_gain"):
        value = getattr(made, name)
        if value is not None and not np.isfinite(value).all():
            raise ValueError(f"{node.where}: its {name} is not finite in {reading.dialect}")
    for name in ("decay", "current_decay"):
        value = getattr(made, name)
        if value is not None and (value.min() < 0 or value.max() > 1):
            raise ValueError(
                f"{node.where}: decays by {value.min():g} a step with dt {reading.dt}; must lie in "
                "[0, 1]: give --dt"
            )
    return made


# ------------------------------------------------------------------ parts


def _spread(node: Node, value: float) -> Float64:
    return np.full(node.extent, value)


def _rest(node: Node) -> Float64:
    return node.values.get("v_leak", _spread(node, 0.0))


def _product(gain: Float64, other: Float64) -> Float64:
    """Return gain * other; 1 where an infinite gain meets 0: tau / dt * dt / tau."""
    with np.errstate(invalid="ignore"):
        return np.where(np.isinf(gain) & (other == 0), 1.0, gain * other)


def _euler(node: Node, dt: float) -> Dynamics:
    """Return the membrane of NIR's own equations, by Euler's rule, without a reset."""
    kind, r = node.kind, node.values["r"]
    if kind in ("IF", "I"):
        still = _spread(node, 0.0)
        return Dynamics(_spread(node, 1.0), r * dt, still, still)
    key = "tau_mem" if kind.startswith("Cuba") else "tau"
    step = dt / node.values[key]
    made = Dynamics(1 - step, _product(r, step), step * _rest(node), _rest(node))
    if not kind.startswith("Cuba"):
        return made
    fade = dt / node.values["tau_syn"]
    width = node.values.get("w_in", _spread(node, 1.0))
    return replace(made, current_decay=1 - fade, current_gain=_product(width, fade))


def _spiking(node: Node, made: Dynamics, reading: Reading) -> Dynamics:
    """Return the same with the threshold and the reset of a spiking node, in the same step."""
    if not node.about.spiking:
        return made
    word, compare = reading.reset[node.name], reading.compare[node.name]
    threshold = node.values["v_threshold"]
    zero = _spread(node, 0.0)
    to: Float = node.values.get("v_reset", zero) if word == "value" else zero
    return replace(
        made,
        threshold=threshold,
        strict=compare == ">",
        several=compare == "floor",
        reset="none" if word == "none" else "subtract" if word.startswith("subtract") else "value",
        reset_to=to,
        reset_by=threshold,
    )


# --------------------------------------------------------------- frameworks


def _snntorch(node: Node, reading: Reading) -> Dynamics:
    """M = beta m + I - R threshold; S = m > threshold; R are the spikes of the step before.

    RSynaptic resets a step later whatever reset_delay says; a delayed reset to zero of all but
    Leaky clears the input of its step as well.
    """
    assert reading.dt is not None
    made = replace(_euler(node, reading.dt), gain=_spread(node, 1.0))
    if made.current_decay is not None:
        made = replace(made, current_gain=_spread(node, 1.0))
    made = _spiking(node, made, reading)
    if made.reset == "none":
        return made
    current = node.kind == "CubaLIF"
    now = reading.reset[node.name].endswith("-now") and not (current and node.cyclic)
    return replace(made, late=not now, twice=now, clears=current or node.cyclic)


def _spikingjelly(node: Node, reading: Reading) -> Dynamics:
    """V += (I - (v - v_reset)) / tau, or + I; S = v >= threshold; v starts at v_reset."""
    assert reading.dt is not None
    made = _spiking(node, _euler(node, reading.dt), reading)
    return replace(made, start=np.asarray(made.reset_to) + made.start * 0)


def _norse(node: Node, reading: Reading) -> Dynamics:
    """V += dt / tau (v_leak - v + I), where the file has 1000 times too small a tau."""
    assert reading.dt is not None
    if node.kind in ("IF", "I"):
        return _spiking(node, replace(_euler(node, 1.0), gain=_spread(node, 1.0)), reading)
    made = _euler(node, reading.dt**2)
    if made.current_decay is not None:
        made = replace(made, current_gain=_spread(node, 1.0))
    return _spiking(node, made, reading)


def _sinabs(node: Node, reading: Reading) -> Dynamics:
    """V = exp(-1 / tau) v + I, or (1 - exp(-1 / tau)) I; tau counts steps."""
    still = _spread(node, 0.0)
    if node.kind in ("IF", "I"):
        return _spiking(node, Dynamics(_spread(node, 1.0), node.values["r"], still, still), reading)
    if node.kind.startswith("Cuba"):
        raise ValueError(f"{node.where}: sinabs writes none; use another --dialect")
    decay = np.exp(-1 / node.values["tau"])
    gain = 1 - decay if reading.gain[node.name] == "leak" else _spread(node, 1.0)
    return _spiking(node, Dynamics(decay, gain, still, still), reading)


def _rockpool(node: Node, reading: Reading) -> Dynamics:
    """V = exp(-dt / tau) v + I; a synapse's current, and its LI, decay after the input is added."""
    assert reading.dt is not None
    still, one = _spread(node, 0.0), _spread(node, 1.0)
    if node.kind in ("IF", "I"):
        return _spiking(node, Dynamics(one, one, still, still), reading)
    current = node.kind.startswith("Cuba")
    decay = np.exp(-reading.dt / node.values["tau_mem" if current else "tau"])
    if node.kind == "LI":
        return Dynamics(decay, decay, still, still)
    made = Dynamics(decay, one, still, still)
    if current:
        fade = np.exp(-reading.dt / node.values["tau_syn"])
        made = replace(made, gain=fade, current_decay=fade)
    return _spiking(node, made, reading)


def _spyx(node: Node, reading: Reading) -> Dynamics:
    """S = V > threshold of the step before; V = beta V + I - S threshold."""
    assert reading.dt is not None
    made = _euler(node, 1.0 if node.kind in ("IF", "I") else reading.dt)
    made = replace(made, gain=_spread(node, 1.0))
    if made.current_decay is not None:
        made = replace(made, current_gain=_spread(node, 1.0))
    made = _spiking(node, made, reading)
    if made.threshold is None:
        return made
    by = made.threshold * (made.decay if made.current_decay is not None else 1.0)
    return replace(made, reset_by=by, late=True, behind=True)


def _plain(node: Node, reading: Reading) -> Dynamics:
    """The equations of NIR by Euler's rule."""
    assert reading.dt is not None
    return _spiking(node, _euler(node, reading.dt), reading)


def _rows(lif: tuple[str, ...], **others: tuple[str, ...]) -> Mapping[str, tuple[str, ...]]:
    return {"LIF": lif, **others}


DIALECTS: Mapping[str, Dialect] = {
    "snntorch": Dialect(
        "beta = 1 - dt/tau, inputs as they are, a spike above the threshold; its reset comes a "
        "step later unless reset_delay=False",
        1e-4,
        _rows(("subtract", "zero", "none", "subtract-now", "zero-now")),
        (">",),
        ("one",),
        _snntorch,
    ),
    "norse": Dialect(
        "v += dt/tau (v_leak - v + I) with a tau that the file has 1/dt times too small, a spike "
        "above the threshold",
        1e-3,
        _rows(("value", "subtract"), CubaLIF=("value",), IF=("value",)),
        (">",),
        ("file",),
        _norse,
    ),
    "spikingjelly": Dialect(
        "v += (v_reset - v)/tau + I, or I/tau, a spike at the threshold, reset to v_reset",
        1e-4,
        _rows(("value",)),
        (">=",),
        ("file",),
        _spikingjelly,
    ),
    "sinabs": Dialect(
        "v = exp(-1/tau) v + I with a tau in steps, a spike at the threshold, which is subtracted",
        1.0,
        _rows(("subtract", "zero")),
        ("floor", ">="),
        ("one", "leak"),
        _sinabs,
    ),
    "rockpool": Dialect(
        "v = exp(-dt/tau) v + I, as many spikes as the membrane has thresholds, each subtracted; "
        "its exporter leaves out recurrent weights and biases of neurons",
        None,
        _rows(("subtract",)),
        ("floor", ">="),
        ("one",),
        _rockpool,
    ),
    "spyx": Dialect(
        "beta = 1 - dt/tau, inputs as they are, a spike above the threshold that leaves the "
        "neuron a step later",
        1.0,
        _rows(("subtract",)),
        (">",),
        ("one",),
        _spyx,
    ),
    "plain": Dialect(
        "NIR's own equations by Euler's rule: v += dt/tau (v_leak - v + r I)",
        None,
        _rows(("value", "subtract", "zero", "none")),
        (">", ">="),
        ("file",),
        _plain,
    ),
}
"""Every dialect; `auto` guesses one of them."""
