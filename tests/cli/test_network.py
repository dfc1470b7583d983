"""No verb uses the network, but for what its --help says."""

from __future__ import annotations

import argparse
import shlex
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.network import attempts
from support.nir.writer import affine, chain, ends, fire, write_nir
from support.sounds import write_words
from support.zoo.small import small_model

from codegen.cli import main, parser
from codegen.cli.verbs import VERBS
from codegen.cli.verbs.verb import ANSWERS, DATA_SETS, REGISTRY

pytestmark = pytest.mark.target

QUICK = {
    "data": "",
    "train": "digits --epochs 1 --hidden 8 -o trained.npz",
    "info": "small.npz",
    "generate": "small.npz -o out --format cmake",
    "weights": "small.npz -o weights.h",
    "check": "small.npz",
    "run": "small.npz --board qemu-m0 --limit 4",
    "report": "small.npz --board qemu-m4",
    "doctor": "",
    "evaluate": "digits.npz --limit 20",
    "predict": "digits.npz --limit 20 -o rows.csv",
    "import": "net.nir -o net.npz --steps 4",
    "export": "small.npz -o small.nir",
}
"""Command lines that must do without a network. The data that small.npz was trained on are not
here, and must not be fetched unasked."""

SLOW = {
    "demo": "--short -o demo",
    "compare": "digits --widths 8 --epochs 1 --seeds 1",
    "search": "digits --board qemu-m4 --budget flash=16K --trials 1 --epochs 1 -o found",
    "listen": "words.npz --data words",
    "anytime": "digits.npz -o early.npz",
    "plot": "digits.npz -o pictures",
    "kernels": "small.npz",
    "verify": "small.npz -o report.md",
    "build": "small.npz --board all -o firmware",
    "bench": "--layer 32x32 --board all",
}

ASKING = {
    "boards": ("", 0, ANSWERS),
    "data": ("mnist", 2, DATA_SETS),
    "flash": ("small.npz --board pico", 2, REGISTRY),
    "build": ("small.npz --board pico", 2, REGISTRY),
}
"""Command lines that use the network: their exit status without one, and what --help says."""

NOWHERE = "http://127.0.0.1:9/"
"""An address of this machine where nobody listens."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with two models, and a network of another framework."""
    folder = tmp_path_factory.mktemp("network")
    nodes = {**ends([6], [4]), "a": affine(np.ones((4, 6))), "n": fire(4)}
    write_nir(folder / "net.nir", nodes, chain("input", "a", "n", "output"))
    training = {"training": {"data": "mnist"}}
    replace(small_model(), metadata=training).save(folder / "small.npz")
    line = f"train digits --epochs 1 --hidden 8 -o {folder / 'digits.npz'}"
    assert main(line.split()) == 0
    write_words(folder / "words", each=8)
    hearing = ["--spectrum", "bands=8,frame=128,hop=64", "--hidden", "8", "--epochs", "1"]
    words = ["train", str(folder / "words"), *hearing, "-o", str(folder / "words.npz")]
    assert main(words) == 0
    return folder


@pytest.fixture
def environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return settings of a user who has nothing yet, and whose package index is out of reach."""
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    return {
        "SPIKEMCU_CACHE": str(folder / "cache"),
        "PLATFORMIO_CORE_DIR": str(folder / "core"),
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_INDEX_URL": NOWHERE,
        "PIP_RETRIES": "0",
    }


def spikemcu(verb: str, words: str) -> list[str]:
    return [sys.executable, "-m", "codegen", verb, *shlex.split(words)]


def silent(verb: str, words: str, folder: Path, environment: dict[str, str]) -> None:
    done, found = attempts(spikemcu(verb, words), folder, environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not found


ALL = """
import shlex, sys
from codegen.cli import main
for line in sys.argv[1:]:
    if main(shlex.split(line)):
        sys.exit(line)
"""
"""Command lines one by one in a single process, up to the first that fails."""


def test_quick_verbs_do_not_use_the_network(folder: Path, environment: dict[str, str]) -> None:
    """All in one process, which starts once; the proof starts one for each verb."""
    lines = [f"{verb} {words}" for verb, words in QUICK.items()]
    done, found = attempts([sys.executable, "-c", ALL, *lines], folder, environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not found


@pytest.mark.proof
@pytest.mark.parametrize("verb", QUICK)
def test_a_verb_does_not_use_the_network(
    verb: str, folder: Path, environment: dict[str, str]
) -> None:
    silent(verb, QUICK[verb], folder, environment)


@pytest.mark.proof
@pytest.mark.parametrize("verb", SLOW)
def test_a_slow_verb_does_not_use_the_network(
    verb: str, folder: Path, environment: dict[str, str]
) -> None:
    silent(verb, SLOW[verb], folder, environment)


def says_so(verb: str, folder: Path, environment: dict[str, str]) -> None:
    words, status, reason = ASKING[verb]
    done, found = attempts(spikemcu(verb, words), folder, environment)
    assert found, done.stdout + done.stderr
    assert done.returncode == status
    assert reason in {row.name: row for row in VERBS}[verb].network


def test_a_download_is_seen(folder: Path, environment: dict[str, str]) -> None:
    says_so("data", folder, environment)


@pytest.mark.proof
@pytest.mark.parametrize("verb", sorted(set(ASKING) - {"data"}))
def test_the_registry_is_seen(verb: str, folder: Path, environment: dict[str, str]) -> None:
    says_so(verb, folder, environment)


def test_every_verb_is_tried() -> None:
    assert {verb.name for verb in VERBS} == QUICK.keys() | SLOW.keys() | {"boards", "flash"}


def verb_parsers() -> dict[str, argparse.ArgumentParser]:
    (verbs,) = (a for a in parser()._actions if isinstance(a, argparse._SubParsersAction))
    return dict(verbs.choices)


def test_help_says_what_the_network_is_for() -> None:
    for verb in VERBS:
        text = " ".join(verb_parsers()[verb.name].format_help().split())
        assert all(reason in text for reason in verb.network)
        assert ("Network: none." in text) == (not verb.network)


def test_every_verb_that_takes_a_data_set_says_that_it_may_be_downloaded() -> None:
    take = {
        name
        for name, sub in verb_parsers().items()
        if any(action.dest == "data" for action in sub._actions)
    }
    assert take == {verb.name for verb in VERBS if DATA_SETS in verb.network}
