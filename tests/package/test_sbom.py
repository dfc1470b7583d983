"""The bill of materials in the wheel: true to pyproject.toml, to the files, and to its format."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from qat.data.named import DATASETS

BILL = re.compile(r"spikemcu-[^/]*\.dist-info/sboms/spikemcu\.cdx\.json")

Part = dict[str, Any]


@pytest.fixture(scope="module")
def text(wheel: Path) -> str:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = filter(BILL.fullmatch, archive.namelist())
        return archive.read(name).decode()


@pytest.fixture(scope="module")
def bill(text: str) -> Part:
    found: Part = json.loads(text)
    return found


@pytest.fixture(scope="module")
def pyproject(root: Path) -> Part:
    return tomllib.loads((root / "pyproject.toml").read_text())


def contents(bill: Part) -> list[Part]:
    parts: list[Part] = bill["metadata"]["component"]["components"]
    return parts


def accepted(part: Part) -> SpecifierSet:
    """Return the versions of a component in the words of packaging."""
    if "version" in part:
        return SpecifierSet(f"=={part['version']}")
    scheme, signs = part["versionRange"].split("/", 1)
    assert scheme == "vers:pypi"
    return SpecifierSet(signs.replace("|", ","))


def test_it_is_about_this_version(bill: Part, pyproject: Part) -> None:
    project, found = pyproject["project"], bill["metadata"]["component"]
    assert (found["name"], found["version"]) == (project["name"], project["version"])
    assert found["purl"] == f"pkg:pypi/{project['name']}@{project['version']}"
    assert [licence["expression"] for licence in found["licenses"]] == [project["license"]]


def test_it_names_what_is_required_and_in_which_versions(bill: Part, pyproject: Part) -> None:
    required = [Requirement(text) for text in pyproject["project"]["dependencies"]]
    found = {part["name"]: part for part in bill["components"]}
    assert {name: accepted(part) for name, part in found.items()} == {
        requirement.name: requirement.specifier for requirement in required
    }
    for name, part in found.items():
        assert part["purl"].split("@")[0] == f"pkg:pypi/{name}"
        assert part["isExternal"] is True
        assert part["licenses"]
    (relation,) = bill["dependencies"]
    assert relation["ref"] == bill["metadata"]["component"]["bom-ref"]
    assert relation["dependsOn"] == [part["bom-ref"] for part in bill["components"]]


def test_it_lists_every_file_of_the_wheel(bill: Part, wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        true = {
            name: hashlib.sha256(archive.read(name)).hexdigest()
            for name in archive.namelist()
            if ".dist-info/" not in name
        }
    assert len(true) > 100
    digests = {part["name"]: part["hashes"] for part in contents(bill)}
    assert digests == {name: [{"alg": "SHA-256", "content": d}] for name, d in true.items()}


def test_data_that_are_not_ours_have_their_source_and_licence(bill: Part, root: Path) -> None:
    (data,) = (part for part in contents(bill) if part["type"] == "data")
    assert data["name"] == "qat/data/digits.csv.gz"
    files = (part for part in (root / "qat" / "data").rglob("*") if part.is_file())
    assert {part.suffix for part in files} - {".py", ".pyc"} == {".gz", ".md"}
    about, row = (root / "qat" / "data" / "README.md").read_text(), DATASETS["digits"]
    assert data["hashes"][0]["content"] in about
    (licence,) = data["licenses"]
    assert licence["expression"] == row.licence.replace(" ", "-")
    (reference,) = data["externalReferences"]
    assert reference["url"].removeprefix("https://doi.org/") in row.source
    assert all(author["name"] in row.source for author in data["authors"])


def test_it_holds_no_time_and_no_path(text: str, root: Path) -> None:
    assert "timestamp" not in text
    assert str(root) not in text


@pytest.mark.proof
def test_it_is_valid_cyclonedx(text: str) -> None:
    try:
        from cyclonedx.schema import SchemaVersion  # noqa: PLC0415  # of the extra
        from cyclonedx.validation.json import JsonStrictValidator  # noqa: PLC0415
    except ModuleNotFoundError as error:
        pytest.fail(f"{error}; pip install -e '.[proof]'")
    validator = JsonStrictValidator(SchemaVersion.V1_7)
    assert validator.validate_str(text) is None
    assert validator.validate_str(text.replace('"isExternal": true', '"isExternal": 1')) is not None
    assert validator.validate_str(text.replace('"versionRange"', '"range"')) is not None


@pytest.mark.proof
def test_licences_are_those_that_packages_state(bill: Part) -> None:
    stated = 0
    for part in bill["components"]:
        expression = metadata.metadata(part["name"]).get("License-Expression")
        if expression is not None:
            stated += 1
            assert part["licenses"][0]["expression"] == expression, part["name"]
    assert stated >= 3
