"""Put a software bill of materials into the wheel: <name>.dist-info/sboms/spikemcu.cdx.json.

CycloneDX 1.7, because a wheel names ranges of what it requires: `versionRange` of an external
component says so, earlier versions of the format have no word for it. It lists every file of the
wheel with its SHA-256, the data that ship with it, and what `pip install` brings along. All of it
comes from pyproject.toml and the files: no clock, no network, the same bytes from the same tree.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import uuid
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging.licenses import canonicalize_license_expression
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

Part = dict[str, Any]

NAME = "spikemcu.cdx.json"
SCHEMA = "http://cyclonedx.org/schema/bom-1.7.schema.json"
RANGE_SIGNS = ("<", "<=", ">", ">=", "!=")
"""Signs that versions have in a range of packages, as in pyproject.toml; `==` is no range."""


class BillOfMaterials(BuildHookInterface):
    """Hatchling's hook: write the bill before a wheel is packed.

    Its settings in pyproject.toml: `licences` of what is required, {name: SPDX expression}, and
    `data`, a table for each file of data that is not ours.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the bill to a temporary folder and name it to the builder."""
        if version != "standard":  # an editable install has no files of its own
            return
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / NAME
        files = {
            file.distribution_path: Path(file.path).read_bytes()
            for file in self.build_config.builder.recurse_included_files()
        }
        bill = bill_of_materials(self.metadata.config["project"], self.config, files)
        path.write_text(json.dumps(bill, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        build_data["sbom_files"].append(str(path))

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the temporary folder."""
        if version == "standard":
            self.folder.cleanup()


def bill_of_materials(project: Part, settings: Part, files: dict[str, bytes]) -> Part:
    """Return the bill of a wheel.

    project:  the table [project] of pyproject.toml
    settings: {"licences": {name: SPDX expression}, "data": [{"file": path, "name": ..., ...}]}
    files:    {path in the wheel: content}
    """
    required = [Requirement(text) for text in project["dependencies"]]
    parts = [_required(requirement, settings["licences"]) for requirement in required]
    whole = _wheel(project, _contents(files, settings["data"]))
    builder = _named("application", "hatchling", metadata.version("hatchling"))
    bill = {
        "$schema": SCHEMA,
        "bomFormat": "CycloneDX",
        "specVersion": "1.7",
        "version": 1,
        "metadata": {
            "lifecycles": [{"phase": "build"}],
            "tools": {"components": [builder]},
            "component": whole,
        },
        "components": parts,
        **_relations(whole["bom-ref"], [part["bom-ref"] for part in parts]),
    }
    return {**bill, "serialNumber": f"urn:uuid:{_serial(bill)}"}


def _serial(bill: Part) -> uuid.UUID:
    """Return a number that is as unique as the bill is, and the same for the same bill."""
    return uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(bill, sort_keys=True))


def _relations(whole: str, required: list[str]) -> Part:
    """Say what requires what, and that what these require in turn is not told."""
    return {
        "dependencies": [{"ref": whole, "dependsOn": required}],
        "compositions": [
            {"aggregate": "complete", "dependencies": [whole]},
            {"aggregate": "unknown", "dependencies": required},
        ],
    }


def _named(kind: str, name: str, version: str | None = None) -> Part:
    """Return a component on PyPI."""
    purl = f"pkg:pypi/{name}" + (f"@{version}" if version else "")
    given = {"version": version} if version else {}
    return {"type": kind, "bom-ref": purl, "name": name, **given, "purl": purl}


def _licensed(expression: str) -> list[Part]:
    """Return an SPDX expression as the licence; ValueError if it is none."""
    known = canonicalize_license_expression(expression)
    return [{"expression": known, "acknowledgement": "declared"}]


def _wheel(project: Part, contents: list[Part]) -> Part:
    return {
        **_named("application", project["name"], project["version"]),
        "description": project["description"],
        "authors": project["authors"],
        "licenses": _licensed(project["license"]),
        "components": contents,
    }


def _contents(files: dict[str, bytes], data: Iterable[Part]) -> list[Part]:
    """Return a component for every file, with more about data that are not ours."""
    known = {part["file"]: part for part in data}
    missing = sorted(set(known) - set(files))
    if missing:
        raise ValueError(f"bill of materials: the wheel has no {', '.join(missing)}")
    return [
        _data(known[path], content) if path in known else _file(path, content)
        for path, content in sorted(files.items())
    ]


def _file(path: str, content: bytes) -> Part:
    digest = hashlib.sha256(content).hexdigest()
    return {"type": "file", "name": path, "hashes": [{"alg": "SHA-256", "content": digest}]}


def _data(known: Part, content: bytes) -> Part:
    return {
        **_file(known["file"], content),
        "type": "data",
        "description": known["description"],
        "authors": [{"name": name} for name in known["authors"]],
        "licenses": _licensed(known["licence"]),
        "externalReferences": [{"type": "distribution", "url": known["url"]}],
    }


def _required(requirement: Requirement, licences: dict[str, str]) -> Part:
    """Return a component that the wheel does not contain, and the versions that will do."""
    name = requirement.name
    if name not in licences:
        raise ValueError(f"bill of materials: no licence of {name} in pyproject.toml")
    exact = [s.version for s in requirement.specifier if s.operator == "=="]
    given = {} if exact else {"versionRange": version_range(requirement.specifier)}
    return {
        **_named("library", name, *exact),
        **given,
        "isExternal": True,
        "scope": "required",
        "licenses": _licensed(licences[name]),
    }


def version_range(specifiers: SpecifierSet) -> str:
    """Return versions like `>=1.26,<3` in the way of package URLs, vers:pypi/>=1.26|<3."""
    odd = [str(s) for s in specifiers if s.operator not in RANGE_SIGNS]
    if odd or not specifiers:
        raise ValueError(f"bill of materials: found {odd or 'no version'}; must be ranges")
    ordered = sorted(specifiers, key=lambda s: Version(s.version))
    return "vers:pypi/" + "|".join(f"{s.operator}{s.version}" for s in ordered)
