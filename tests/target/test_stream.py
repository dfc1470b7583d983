"""Raw samples on emulated cores: every result, where it comes, and what it takes."""

from __future__ import annotations

import struct
from dataclasses import replace

import numpy as np
import pytest
from support.zoo.small import raw

from codegen.base.errors import RefusedError
from codegen.checks.equivalence import compare_raw
from codegen.checks.streams import ends_of, expected, made_samples
from codegen.measure.benchmark import measure_stream
from codegen.render import render
from codegen.target.device import Device
from codegen.target.emulated import TargetModel
from codegen.target.protocol import Code, Type
from qat.model import Model

pytestmark = [pytest.mark.target, pytest.mark.usefixtures("recorded_builds")]


def model_of(mode: str, channels: int = 3, group: int = 3) -> Model:
    sizes = {"channels": channels, "neurons": 20, "steps": 6, "group": group}
    return raw(mode, **sizes, hop=2, seed=4, name="raw")


@pytest.mark.parametrize(
    ("mode", "board"),
    [("held", "qemu-m4"), ("steps", "qemu-m0"), ("ring", "qemu-m55"), ("free", "qemu-m4")],
)
def test_raw_samples_give_what_the_model_gives(mode: str, board: str) -> None:
    model = model_of(mode)
    with TargetModel(model, board) as target:
        comparison = compare_raw(model, target)
        assert comparison.differing == 0
        assert comparison.scores > 20
        samples = made_samples(model, 5)
        found, wanted = target.stream(samples), expected(model, samples)
        np.testing.assert_array_equal(found.when, wanted.when)
        assert (found.predictions is None) == (mode == "free")


def test_samples_larger_than_a_frame_come_in_pieces() -> None:
    model = model_of("held", channels=700, group=1)
    with TargetModel(model, "qemu-m4") as target:
        samples = made_samples(model)[:30]
        assert compare_raw(model, target, samples).differing == 0


def test_a_planted_bug_is_found() -> None:
    model = model_of("ring")
    files = render(model)
    broken = files["raw.c"].replace("stream->vectors = RAW_HOP;", "stream->vectors = RAW_HOP - 1u;")
    assert broken != files["raw.c"]
    with TargetModel(model, "qemu-m4", files=files | {"raw.c": broken}) as target:
        comparison = compare_raw(model, target)
    assert comparison.differing
    assert comparison.first is not None
    assert comparison.first.sample == 1


def test_what_a_sample_takes_is_counted() -> None:
    model = model_of("steps")
    samples = made_samples(model)[:40]
    with TargetModel(model, "qemu-m4") as target:
        counts = target.sample_counts(samples)
    rest = np.arange(40) % 3 != 2
    assert np.ptp(counts[rest]) < 40  # sums only
    assert counts[~rest].min() > counts[rest].max() + 50
    rows = {row.layer: row.instructions for row in measure_stream(model, "qemu-m4", samples)}
    assert rows["sample"] == round(float(counts.mean()))
    assert rows["sample, most"] == counts.max()


def test_bad_requests_are_refused_and_change_nothing() -> None:
    model = model_of("steps")
    with TargetModel(model, "qemu-m4") as target:
        client = target.device.client
        device = Device(client)
        samples = made_samples(model)
        device.sample(samples[:20], restart=True)
        for payload, code in (
            (b"", Code.BAD_LENGTH),
            (struct.pack("<I", 0) + b"\1", Code.BAD_LENGTH),
            (struct.pack("<I", 4) + b"\1\2", Code.BAD_RANGE),
        ):
            with pytest.raises(RefusedError) as error:
                client.request(Type.SAMPLE, payload)
            assert error.value.code == code
        heard = device.sample(samples[20:40])
        wanted = expected(model, samples[:40])
        assert heard.results == len(ends_of(model, 40)) == 2
        assert wanted.scores is not None
        np.testing.assert_array_equal(heard.words.view(np.int32), wanted.scores[-1])


def test_a_stream_and_steps_do_not_disturb_each_other() -> None:
    model = model_of("steps")
    samples = made_samples(model)
    inputs = model.inputs_of(samples)
    with TargetModel(model, "qemu-m4") as target:
        device: Device = target.device
        device.sample(samples[:17], restart=True)
        result = target.run(inputs[3:5])
        heard = device.sample(samples[17:18])
    np.testing.assert_array_equal(result.scores, model.run(inputs[3:5]).scores)
    np.testing.assert_array_equal(heard.words.view(np.int32), model.run(inputs[:1]).scores[0])


def test_a_model_without_a_sensor_takes_no_samples() -> None:
    model = replace(model_of("steps"), sensor=None)
    with TargetModel(model, "qemu-m4") as target, pytest.raises(ValueError, match="no sensor"):
        target.stream(np.zeros((4, 3), int))
