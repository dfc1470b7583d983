"""The report of a verification: Markdown for people, JSON for programs."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from codegen.base.version import __version__
from codegen.render import environment
from codegen.target.doctor import doctor, version_of
from codegen.verify.here import COMPILERS
from codegen.verify.records import Outcome, Status, Subject

TEMPLATE = "verify/report.md.j2"

PROVED = (
    "Small models of every kernel, encoder and readout in portable C have no run-time error, "
    "for any input and any state: Frama-C's EVA ends without an alarm.",
    "No neuron leaves the range that is proved for it, for any input: by the argument in "
    "qat/model/bounds.py.",
)
"""What was proved once of the kernels, not of the model at hand: SOUNDNESS.md has the commands."""


def result_of(outcomes: Sequence[Outcome]) -> str:
    """Return the result of all checks in words; only those that ran count."""
    count = {status: sum(o.status is status for o in outcomes) for status in Status}
    parts = [f"{count[status]} {status}" for status in Status if count[status]]
    return ", ".join(parts)


def versions() -> dict[str, str]:
    """Return the versions of everything that took part."""
    tools = {t.name: t.found for t in doctor() if not t.name.startswith("package ")}
    tools |= {name: version_of(name) for name in COMPILERS}
    system = f"{platform.system()} {platform.machine()}"
    found = {"spikemcu": __version__, "NumPy": np.__version__, "system": system}
    return found | {name: version or "not here" for name, version in tools.items()}


def to_json(subject: Subject, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return the report as JSON values."""
    return {
        "model": {"name": subject.model.name, "digest": subject.model.digest()},
        "path": subject.path,
        "command": subject.command,
        "files": _digests(subject),
        "made": len(subject.made),
        "seeds": subject.seeds,
        "origin": "" if subject.data is None else subject.origin,
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "result": result_of(outcomes),
        "proved": list(PROVED),
        "connected": None if subject.connected is None else subject.connected.name,
        "outcomes": [asdict(outcome) for outcome in outcomes],
        "versions": versions(),
    }


def to_markdown(values: dict[str, Any]) -> str:
    """Return the report of `to_json` as Markdown."""
    return environment().get_template(TEMPLATE).render(_in_a_line(values))


def _in_a_line(value: Any) -> Any:
    """Return values whose texts break neither a line nor a table: file names are anyone's."""
    if isinstance(value, str):
        return " ".join(value.replace("|", "\\|").split())
    if isinstance(value, dict):
        return {_in_a_line(key): _in_a_line(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_in_a_line(inner) for inner in value]
    return value


def _digests(subject: Subject) -> dict[str, str]:
    """Return {file name: SHA-256} of the model file and of the generated pair."""
    pair = {name: text.encode() for name, text in sorted(subject.generated.pair.items())}
    files = {Path(subject.path).name: Path(subject.path).read_bytes(), **pair}
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
