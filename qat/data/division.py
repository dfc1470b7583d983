"""The division of samples into training, validation and test parts, and how it is recognised."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

VALIDATION, TEST = 0.1, 0.2
"""Parts of the samples that are set aside where a data set does not come divided."""

SKETCHED = 128
"""Hashes of training samples that are kept: enough to say within 10 % how many are known."""

HASH_DIGITS = 14
"""Hex digits of a hash."""

SHOWN = 12
"""Names of recordings that a text lists."""

RULES: Mapping[str, str] = MappingProxyType(
    {
        "classes": "of every class a fifth tests, and a tenth of the rest validates, drawn by "
        "seed {seed}",
        "time": "of every class the last fifth of its windows in time tests, the tenth before "
        "validates",
        "recordings": "whole recordings, drawn by seed {seed}: {tests} test, {validates} validate",
        "given": "the test part came with the data; a tenth of every class validates, drawn by "
        "seed {seed}",
        "named": "as it is for everybody",
        "unknown": "in a way that is not known",
    }
)
"""Rules by which samples are divided, in words."""


@dataclass(frozen=True)
class Division:
    """The rule by which samples were divided, and what tells them from others.

    rule:      a key of RULES
    seed:      of what was drawn
    tests, validates: names of the recordings that do, where whole ones are divided
    digest:    32 hex digits over all parts; equal for the same samples divided in the same way
    sketch:    the least hashes of the samples that train and validate, at most SKETCHED
    """

    rule: str
    seed: int = 0
    tests: tuple[str, ...] = ()
    validates: tuple[str, ...] = ()
    digest: str = ""
    sketch: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise ValueError(f"rule: found {self.rule!r}; must be one of {', '.join(RULES)}")

    @property
    def text(self) -> str:
        """The rule in words."""
        names = {what: _listed(getattr(self, what)) for what in ("tests", "validates")}
        return RULES[self.rule].format(seed=self.seed, **names)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values; what is not known is left out."""
        values = {
            "rule": self.rule,
            "seed": self.seed,
            "tests": list(self.tests),
            "validates": list(self.validates),
            "digest": self.digest,
            "sketch": "".join(f"{known:0{HASH_DIGITS}x}" for known in self.sketch),
        }
        return {key: value for key, value in values.items() if value not in ("", [])}

    def of(self, *parts: tuple[NDArray[Any], NDArray[np.int64]]) -> Division:
        """Return it with what tells (samples, labels) of the three parts from others."""
        known = np.unique(np.concatenate([_hashes(x, y) for x, y in parts[:2]]))
        return replace(self, digest=_digest(parts), sketch=tuple(known[:SKETCHED].tolist()))

    def known_share(self, x: NDArray[Any], y: NDArray[np.int64]) -> float:
        """Return about how many of other samples, 0 to 1, are among those that trained.

        The hashes of this sketch that other samples have are a fair draw from them all.
        """
        if not self.sketch or not len(x):
            return 0.0
        known, found = np.array(self.sketch, np.int64), np.unique(_hashes(x, y))
        if len(known) == SKETCHED:
            found = found[found <= known[-1]]
        return float(np.isin(found, known).mean()) if len(found) else 0.0


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _digest(parts: Iterable[tuple[NDArray[Any], NDArray[np.int64]]]) -> str:
    h = hashlib.sha256()
    for x, y in parts:
        h.update(f"{x.shape} {x.dtype}\n".encode())
        h.update(np.ascontiguousarray(x).data if x.size else b"")
        h.update(np.ascontiguousarray(y, np.int64).data if y.size else b"")
    return h.hexdigest()[:32]


def _hashes(x: NDArray[Any], y: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return a hash of every sample with its label, (samples,): equal ones have equal hashes.

    h = mix(y + sum_i r_i x_i) modulo 2**64 with random odd r_i; whole numbers only.
    """
    width = int(np.prod(x.shape[1:], dtype=np.int64))
    factors = np.random.RandomState(0).randint(0, 2**62, width, np.int64).astype(np.uint64)
    sums = np.asarray(y, np.int64).astype(np.uint64)
    flat = x.reshape(len(x), width)
    rows = max(1, 2**20 // max(1, width))
    for start in range(0, len(flat), rows):
        piece = flat[start : start + rows].astype(np.int64).astype(np.uint64)
        sums[start : start + rows] += piece @ (2 * factors + np.uint64(1))
    for shift in (30, 27):
        sums = (sums ^ (sums >> np.uint64(shift))) * np.uint64(0xBF58476D1CE4E5B9)
    return (sums >> np.uint64(64 - 4 * HASH_DIGITS)).astype(np.int64)


def unwritten(text: str) -> tuple[int, ...]:
    """Return the hashes that `Division.to_json` wrote."""
    return tuple(int(text[i : i + HASH_DIGITS], 16) for i in range(0, len(text), HASH_DIGITS))


def stratified(y: NDArray[np.int64], fraction: float, seed: int) -> NDArray[np.bool_]:
    """Return a mask that picks about `fraction` of every class, at least one where it has two."""
    random = np.random.RandomState(seed)  # its numbers never change with the version of NumPy
    picked = np.zeros(len(y), np.bool_)
    for label in np.unique(y):
        members = random.permutation(np.flatnonzero(y == label))
        count = max(round(fraction * len(members)), int(len(members) > 1))
        picked[members[:count]] = True
    return picked
