"""NIR files with changed bytes: one line or a graph, whatever the library does with them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from support.nir.saved import saved

from qat.nir.graph import read_graph
from qat.nir.shapes import with_shapes

NETWORKS = ("snntorch_rleaky", "spyx_conv")


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Return the content with some bytes changed, more often near the beginning."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        place = rng.randrange(min(len(data), rng.choice((200, 2000, len(data)))))
        data[place] = rng.choice((0, 255, data[place] ^ (1 << rng.randrange(8))))
    return bytes(data[: rng.randrange(1, len(data))] if rng.random() < 0.1 else data)


def feed(name: str, seeds: range, folder: Path) -> None:
    path, _ = saved(name, folder)
    content = path.read_bytes()
    for seed in seeds:
        path.write_bytes(damaged(content, random.Random(seed)))
        try:
            with_shapes(read_graph(path))
        except ValueError as error:
            assert "\n" not in str(error), seed  # noqa: PT017  # what is wrong is one line


@pytest.mark.parametrize("name", NETWORKS)
def test_damaged_files_are_read_or_refused_in_one_line(name: str, tmp_path: Path) -> None:
    feed(name, range(12), tmp_path)


@pytest.mark.proof
@pytest.mark.parametrize("name", NETWORKS)
def test_many_damaged_files_are_read_or_refused_in_one_line(name: str, tmp_path: Path) -> None:
    feed(name, range(3000), tmp_path)
