"""The table of .github/MISRA.md: what cppcheck's addon checks, what deviates, what nobody checks.

`python tests/support/misra.py > .github/MISRA.md` writes it.
"""

from __future__ import annotations

import json
import re
import subprocess
from functools import cache
from pathlib import Path

DEVIATIONS = Path(__file__).parents[1] / "analysis" / "misra.json"
"""{rule: [what it is about, where we deviate, why]}."""

RULES = (4, 7, 2, 2, 9, 2, 4, 14, 5, 8, 9, 5, 6, 4, 7, 7, 8, 8, 2, 14, 21, 10)
"""Rules in each section of MISRA C:2012 with its first amendment."""

OPTIONS = (
    "--addon=misra --enable=style --std=c99 -q --platform=arm32-wchar_t4 -DMODEL_PROBE=1 "
    "-DMODEL_PORTABLE=1 --template={id}|{file}:{line}"
).split()

TEXT = """# Rules of MISRA C:2012

cppcheck's addon looks at the C that is generated and at the firmware's protocol. The addon has no
texts of the rules, nor have we here: the words are ours. Of what it reports, everything is listed
below with a reason; a finding of a rule that is not listed fails tests/analysis/test_static.py.

That is a statement about what one tool sees, in models of every kernel and in portable C. Nothing
more is claimed: {unchecked} rules and all directives were checked by nobody, and no process stands
behind it.

## Deviations

| rule | what it is about | where | why |
|---|---|---|---|
{deviations}

## Checked, and nothing found

{clean}

## Checked by nobody

Rules {nobody}.

Directives 1.1, 2.1, 3.1 and 4.1 to 4.14.
"""


def numbers(rule: str) -> tuple[int, ...]:
    """Return a rule as numbers, for its place in order."""
    return tuple(int(part) for part in rule.split("."))


def everything() -> list[str]:
    """Return every rule."""
    return [f"{i}.{j + 1}" for i, count in enumerate(RULES, 1) for j in range(count)]


@cache
def checked() -> tuple[str, ...]:
    """Return the rules that the installed addon has code for."""
    listed = subprocess.run(
        ["dpkg-query", "-L", "cppcheck"], capture_output=True, text=True, check=True
    ).stdout.split()
    (addon,) = [path for path in listed if path.endswith("/addons/misra.py")]
    found = re.findall(r"def misra_(\d+)_(\d+)\(", Path(addon).read_text())
    return tuple(sorted({f"{i}.{j}" for i, j in found}, key=numbers))


def deviations() -> dict[str, list[str]]:
    """Return what we deviate from."""
    listed: dict[str, list[str]] = json.loads(DEVIATIONS.read_text())
    return listed


def findings(folder: Path, *arguments: str) -> dict[str, str]:
    """Return {rule: where it is first broken} of files below a folder."""
    done = subprocess.run(
        ["cppcheck", *OPTIONS, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    found = re.findall(r"^misra-c2012-([\d.]+)\|(.*)$", done.stderr, re.MULTILINE)
    return dict(reversed(found))


def text() -> str:
    """Return the whole file."""
    rows = [f"| {rule} | {' | '.join(row)} |" for rule, row in deviations().items()]
    nobody = [rule for rule in everything() if rule not in checked()]
    clean = [rule for rule in checked() if rule not in deviations()]
    return TEXT.format(
        unchecked=len(nobody),
        deviations="\n".join(rows),
        clean=", ".join(clean),
        nobody=", ".join(nobody),
    )


if __name__ == "__main__":
    print(text(), end="")
