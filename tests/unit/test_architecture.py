"""The rules that keep the house in order: what is in the tables, and what the tree may name."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from support.maps import map_model
from support.zoo import byte_maps, counting, echoes, readouts
from support.zoo.depthwise import random_words
from support.zoo.sized import MODELS
from support.zoo.windows import random_windows

import codegen
from codegen.kernels import BYTES, COUNTS, KERNELS, SPIKES
from codegen.plan.build import HELPERS
from codegen.plan.choose import plan
from codegen.render import loop_template
from qat.model import INPUTS

ROOT = Path(codegen.__file__).parents[1]
OF_DATA = {
    "engineering.case.edu", "github.com", "physionet.org", "www.cs.toronto.edu",
    "www.garrickorchard.com", "zenkelab.org",
}  # fmt: skip
"""Where a user takes a copy of data that are not fetched (qat/data/elsewhere.py)."""

HOSTS = {"127.0.0.1", "cyclonedx.org", "doi.org", "www.qemu.org", *OF_DATA}
"""What addresses of the tree may name; packages come from wherever the user's clients get them."""
HOST = re.compile(r"https?://([\w.-]+)")
OF_ONE_MACHINE = re.compile(r"/(?:home|root|Users|work)/(?!me\b)\w+|\bissue #?\d+", re.IGNORECASE)
"""Paths of somebody's machine, and numbers that mean nothing outside of a tracker."""


def test_every_kernel_and_helper_has_its_template() -> None:
    rooms = ROOT / "codegen" / "kernels"
    for name in HELPERS:
        assert (rooms.parent / loop_template(name)).is_file()
    texts = {path: path.read_text() for path in rooms.rglob("*.j2")}
    render = (rooms.parent / "render").glob("*.j2")
    included = "".join([*texts.values(), *(path.read_text() for path in render)])
    apart = {stage.apart for row in MODELS.values() for stage in plan(row).layers}
    for path in texts:
        name = path.relative_to(rooms).as_posix()
        shared = {loop_template(helper).removeprefix("kernels/") for helper in HELPERS}
        own = path.name in ("layer.c.j2", "readout.c.j2") or path.parent.name == "encoders"
        own |= path.parents[1].name == "loops" or name in apart  # rows of isa/ name the former,
        own |= path.parent.name == "vectors"  # and what C needs of their vectors
        assert name in shared or own or f"kernels/{name}" in included, f"{name} is in no C"
    for kernel in KERNELS:
        for reads, template in ((COUNTS, "readout"), (SPIKES, "layer"), (BYTES, "layer")):
            assert reads not in kernel.reads or (rooms / kernel.name / f"{template}.c.j2").is_file()


def test_every_kernel_and_input_is_run_on_the_cores() -> None:
    """What the costs choose for the models of tests/target is what is tested there."""
    on_maps = [*(map_model(seed) for seed in (1, 5, 8, 13)), random_windows(0)]
    models = [*MODELS.values(), *byte_maps.MODELS.values(), *counting.MODELS.values(), *on_maps]
    models += [*echoes.MODELS.values(), random_words(1), readouts.CHOSEN]
    models.append(readouts.PAIRS["10 of 128"])
    chosen = {stage.kernel for model in models for stage in plan(model).stages}
    assert not {kernel.name for kernel in KERNELS} - chosen
    assert not set(INPUTS) - {type(model.input) for model in MODELS.values()}


def test_importing_codegen_loads_nothing_heavy() -> None:
    code = (
        "import sys, codegen; print(*[m for m in ('numpy', 'cffi', 'jinja2') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def tracked() -> Iterator[tuple[str, str]]:
    """Yield name and text of every file under version control."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    for name in listed.stdout.decode().split("\0")[:-1]:
        yield name, (ROOT / name).read_bytes().decode(errors="replace")


def test_the_tree_names_no_machine_and_no_host_but_those_of_the_table() -> None:
    texts = dict(tracked())
    assert len(texts) > 200
    found = {name: OF_ONE_MACHINE.findall(text) for name, text in texts.items()}
    assert not {name: words for name, words in found.items() if words}
    hosts = {host for text in texts.values() for host in HOST.findall(text)}
    assert hosts == HOSTS
