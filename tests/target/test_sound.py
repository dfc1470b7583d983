"""Sound on emulated cores: every level of every band, and what a frame takes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.zoo.heard import MODES, classifying, clip, spectrum, telling

from codegen.checks.equivalence import compare_raw
from codegen.plan.choose import plan
from codegen.target.emulated import TargetModel
from qat.model import Analog, Model

pytestmark = [pytest.mark.target, pytest.mark.usefixtures("recorded_builds")]

LIMITS = {"qemu-m0": 45_000, "qemu-m3": 25_000, "qemu-m4": 20_000, "qemu-m55": 9_000}
"""Instructions of a frame of 256 samples with 20 bands, at most."""

MOST_RAM = 2_560

TOLD = (
    (64, 23, "qemu-m55", ()),
    (128, 77, "qemu-m55", ()),
    (256, 128, "qemu-m55", ()),
    (128, 128, "qemu-m4", ()),
    (64, 40, "qemu-m0", ()),
    (512, 300, "qemu-m3", ()),
    (256, 128, "qemu-m55", ("-DMODEL_PORTABLE=1",)),
)


@pytest.mark.parametrize(("length", "group", "board", "flags"), TOLD)
def test_every_level_is_the_record_s(
    length: int, group: int, board: str, flags: tuple[str, ...]
) -> None:
    model = telling(length, group)
    with TargetModel(model, board, flags=flags) as target:
        compared = compare_raw(model, target, clip(1.5, seed=length))
    assert compared.differing == 0
    assert compared.spikes > 4_000


@pytest.mark.parametrize(
    ("name", "board"), [("sound, map", "qemu-m55"), ("sound, detected", "qemu-m0")]
)
def test_a_mode_gives_what_the_model_gives(name: str, board: str) -> None:
    with TargetModel(MODES[name], board) as target:
        assert compare_raw(MODES[name], target).differing == 0


def twenty_bands() -> Model:
    """Return a model that keeps the vectors of two frames of three, and does no more."""
    sensor = replace(spectrum(256, 128, 20), vectors=3)
    return classifying(Analog(60, -128, 127), sensor, 1)


@pytest.mark.parametrize("board", LIMITS)
def test_what_a_frame_takes(board: str) -> None:
    """The call that completes a frame: transform, bands, the samples of the next to the front."""
    model, sound = twenty_bands(), clip(0.2)
    with TargetModel(model, board) as target:
        counts = target.sample_counts(sound[:512])
    assert 5_000 < max(counts[255], counts[383]) <= LIMITS[board]
    assert np.median(counts) < 50, "any other sample is only kept"


def test_what_sound_keeps_in_memory() -> None:
    program = plan(twenty_bands())
    assert program.stream_bytes - program.ram_bytes <= MOST_RAM
