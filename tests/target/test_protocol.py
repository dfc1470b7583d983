"""The framed protocol, byte by byte, against the real firmware on an emulated core."""

from __future__ import annotations

import random
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from codegen.base.errors import RefusedError
from codegen.target.boards import find_board
from codegen.target.counting import What
from codegen.target.device import PROBE_WORDS, STEPS_DECIDED, Device
from codegen.target.protocol import (
    MAX_FRAME,
    MAX_PAYLOAD,
    Client,
    Code,
    Decoder,
    Frame,
    Type,
    encode,
)
from codegen.target.qemu import Qemu
from qat.model import Model

pytestmark = pytest.mark.target

SECONDS = 120.0


class Wire:
    """Sends raw bytes and reads frames."""

    def __init__(self, qemu: Qemu) -> None:
        self.qemu = qemu
        self.decoder = Decoder()

    def answer(self, data: bytes, timeout: float = SECONDS) -> Frame | None:
        self.qemu.write(data)
        return self.read(timeout)

    def read(self, timeout: float = SECONDS) -> Frame | None:
        while (frame := self.decoder.next()) is None:
            data = self.qemu.read(timeout)
            if not data:
                return None
            self.decoder.feed(data)
        return frame


@pytest.fixture
def wire(qemu: Qemu) -> Wire:
    return Wire(qemu)


def request(sequence: int, kind: int, payload: bytes = b"") -> bytes:
    return encode(Frame(sequence, kind, payload=payload))


def steps_of(frame: Frame | None) -> int:
    assert frame is not None
    assert frame.code == Code.OK
    return int(struct.unpack_from("<I", frame.payload)[0]) % STEPS_DECIDED


def test_a_repeated_request_is_answered_and_not_executed_again(wire: Wire) -> None:
    step = request(5, Type.STEP)
    first = wire.answer(step)
    assert steps_of(first) == 1
    assert wire.answer(step) == first
    assert wire.answer(step) == first
    assert steps_of(wire.answer(request(6, Type.STEP))) == 2


def test_a_refusal_is_stored_as_well(wire: Wire) -> None:
    refused = wire.answer(request(1, Type.SCORES, struct.pack("<II", 0, 1)))
    assert refused is not None
    assert refused.code == Code.NOT_NOW
    for sequence in range(2, 8):
        wire.answer(request(sequence, Type.STEP))
    repeated = request(7, Type.SCORES, struct.pack("<II", 0, 1))
    again = wire.answer(repeated)
    assert again is not None
    assert again.type == Type.STEP  # the stored reply of number 7, whatever is asked now


def test_damage_is_reported_and_leaves_the_stored_reply(wire: Wire) -> None:
    step = request(5, Type.STEP)
    first = wire.answer(step)
    damaged = bytearray(request(6, Type.STEP))
    damaged[-1] ^= 1
    assert wire.answer(bytes(damaged)) == Frame(6, Type.STEP, Code.DAMAGED)
    assert wire.answer(step) == first
    assert steps_of(wire.answer(request(6, Type.STEP))) == 2


@pytest.mark.parametrize("byte", range(16))
def test_every_damaged_byte_of_a_step_keeps_it_from_being_executed(wire: Wire, byte: int) -> None:
    damaged = bytearray(request(6, Type.STEP))
    damaged[byte] ^= 0x10
    wire.qemu.write(bytes(damaged) + bytes(MAX_FRAME))
    reply = wire.answer(request(7, Type.STEP))
    while reply is not None and reply.sequence != 7:
        assert reply.code in (Code.DAMAGED, Code.TOO_LONG)
        reply = wire.read()
    assert steps_of(reply) == 1


def test_an_oversize_frame_is_refused(wire: Wire) -> None:
    head = struct.pack("<4sIBBH", b"SNNC", 9, Type.INPUT, 0, MAX_PAYLOAD + 1)
    data = head + bytes(MAX_PAYLOAD + 1)
    refused = wire.answer(data + struct.pack("<I", zlib.crc32(data)))
    assert refused == Frame(9, Type.INPUT, Code.TOO_LONG)
    assert steps_of(wire.answer(request(10, Type.STEP))) == 1


def test_the_largest_frame_is_taken(wire: Wire) -> None:
    payload = struct.pack("<I", 0) + bytes(MAX_PAYLOAD - 4)
    reply = wire.answer(request(1, Type.INPUT, payload))
    assert reply == Frame(1, Type.INPUT, Code.BAD_RANGE)  # the model has fewer inputs


@pytest.mark.parametrize("seed", range(4))
def test_garbage_around_requests(wire: Wire, seed: int) -> None:
    rng = random.Random(seed)
    for sequence in range(1, 7):
        garbage = rng.randbytes(rng.randrange(3000)).replace(b"SNNC", b"----")
        step = request(sequence, Type.STEP)
        assert steps_of(wire.answer(garbage + step + garbage[:3])) == sequence


def test_garbage_that_begins_like_a_frame(wire: Wire) -> None:
    for sequence, garbage in enumerate((b"S", b"SN", b"SNN", b"SNNSNNS", b"SSSSNNC"[:-1]), start=1):
        assert steps_of(wire.answer(garbage + request(sequence, Type.STEP))) == sequence


def test_a_frame_inside_a_damaged_one_is_found(wire: Wire) -> None:
    inner = request(3, Type.STEP)
    outer = bytearray(request(2, Type.INPUT, bytes(100)))
    outer[40 : 40 + len(inner)] = inner
    assert wire.answer(bytes(outer)) == Frame(2, Type.INPUT, Code.DAMAGED)
    assert steps_of(wire.read()) == 1


def test_a_lost_end_is_made_up_for_by_padding(wire: Wire) -> None:
    assert wire.answer(request(1, Type.INPUT, bytes(24))[:-9], timeout=0.3) is None
    reply = wire.answer(bytes(MAX_FRAME) + request(2, Type.STEP))
    assert reply == Frame(1, Type.INPUT, Code.DAMAGED)
    assert steps_of(wire.read()) == 1


def test_requests_one_byte_at_a_time(wire: Wire) -> None:
    data = request(1, Type.STEP)
    for i in range(len(data) - 1):
        wire.qemu.write(data[i : i + 1])
    assert steps_of(wire.answer(data[-1:])) == 1


def test_several_requests_at_once_are_answered_in_order(wire: Wire) -> None:
    wire.qemu.write(b"".join(request(n, Type.STEP) for n in range(1, 5)))
    assert [steps_of(wire.read()) for _ in range(4)] == [1, 2, 3, 4]


# ------------------------------------------------------------- bad requests

U32 = struct.Struct("<I")
BIG = 2**32 - 1
BAD = {
    "unknown type": (0, b"", Code.UNKNOWN_TYPE),
    "type beyond the table": (200, b"", Code.UNKNOWN_TYPE),
    "info without its layer": (Type.INFO, b"", Code.BAD_LENGTH),
    "info beyond the layers": (Type.INFO, U32.pack(3), Code.BAD_RANGE),
    "input with half an offset": (Type.INPUT, b"\0\0", Code.BAD_LENGTH),
    "input beyond the vector": (Type.INPUT, U32.pack(20) + b"\1", Code.BAD_RANGE),
    "input with a huge offset": (Type.INPUT, U32.pack(BIG) + b"\1", Code.BAD_RANGE),
    "step with too much input": (Type.STEP, U32.pack(1) + bytes(20), Code.BAD_RANGE),
    "scores before the steps": (Type.SCORES, struct.pack("<II", 0, 5), Code.NOT_NOW),
    "probe beyond the trace": (Type.PROBE, struct.pack("<II", 77, 1), Code.BAD_RANGE),
    "probe with a huge count": (Type.PROBE, struct.pack("<II", 1, BIG), Code.BAD_RANGE),
    "probe with huge everything": (Type.PROBE, struct.pack("<II", BIG, BIG), Code.BAD_RANGE),
    "benchmark of nothing": (Type.BENCHMARK, struct.pack("<II", 6, 0), Code.BAD_RANGE),
    "benchmark of a sample without a sensor": (
        Type.BENCHMARK,
        struct.pack("<II", 5, 0),
        Code.NOT_HERE,
    ),
    "samples without a sensor": (Type.SAMPLE, U32.pack(0) + bytes(8), Code.NOT_HERE),
    "benchmark of scores before the steps": (
        Type.BENCHMARK,
        struct.pack("<II", 4, 0),
        Code.NOT_NOW,
    ),
    "parts without marks": (Type.PARTS, U32.pack(0), Code.NOT_HERE),
    "stack of the counter's loop": (Type.STACK, U32.pack(0), Code.BAD_RANGE),
    "stack of nothing": (Type.STACK, U32.pack(BIG), Code.BAD_RANGE),
    "benchmark of no loop": (Type.BENCHMARK, struct.pack("<II", 0, 0), Code.BAD_RANGE),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_request_is_refused_and_changes_nothing(wire: Wire, name: str) -> None:
    kind, payload, code = BAD[name]
    assert wire.answer(request(1, kind, payload)) == Frame(1, kind, code)
    assert steps_of(wire.answer(request(2, Type.STEP))) == 1


def test_no_step_follows_the_last(qemu: Qemu, model: Model) -> None:
    device = Device(Client(qemu, SECONDS))
    assert model.steps is not None
    for t in range(model.steps):
        assert device.step() == t + 1
    for refused in (device.step, lambda: device.trace_step(1)):
        with pytest.raises(RefusedError) as error:
            refused()
        assert error.value.code == Code.NOT_NOW
    with pytest.raises(RefusedError, match=r"BENCHMARK.*steps are all done"):
        device.benchmark(What.STEP)
    device.scores(model.outputs)
    with pytest.raises(RefusedError) as error:
        device._ask_scores(0, model.outputs + 1)
    assert error.value.code == Code.BAD_RANGE
    device.reset()
    assert device.step() == 1


def test_random_requests_never_crash_the_firmware(wire: Wire) -> None:
    rng = random.Random(11)
    interesting = (0, 1, 2, 3, 19, 20, 40, 76, 77, PROBE_WORDS, 2**16, 2**31, BIG - 3, BIG)
    for sequence in range(1, 3000):
        kind = rng.choice((*Type, rng.randrange(256)))
        words = [rng.choice(interesting) for _ in range(rng.randrange(4))]
        payload = b"".join(U32.pack(w) for w in words) + rng.randbytes(rng.choice((0, 1, 2, 20)))
        if kind == Type.BENCHMARK and words[:1] == [0]:
            payload = struct.pack("<II", 0, rng.randrange(1, 99))  # else it counts for hours
        reply = wire.answer(request(sequence, kind, payload))
        assert reply is not None
        assert (reply.sequence, reply.type) == (sequence, kind)
        assert len(reply.payload) <= MAX_PAYLOAD


# ----------------------------------------------------------------- bad links


class LossyLink:
    """Flips a bit of some pieces, drops others, in both directions."""

    def __init__(self, qemu: Qemu, seed: int, rate: float) -> None:
        self.qemu, self.rng, self.rate = qemu, random.Random(seed), rate
        self.faults = 0

    def _spoil(self, data: bytes) -> bytes:
        if not data or self.rng.random() >= self.rate:
            return data
        self.faults += 1
        spoiled = bytearray(data)
        place = self.rng.randrange(len(data))
        if self.rng.random() < 0.3:
            del spoiled[place:]
        elif self.rng.random() < 0.3:
            spoiled[place:place] = self.rng.randbytes(7)
        else:
            spoiled[place] ^= 1 << self.rng.randrange(8)
        return bytes(spoiled)

    def read(self, timeout: float) -> bytes:
        return self._spoil(self.qemu.read(timeout))

    def write(self, data: bytes) -> None:
        self.qemu.write(self._spoil(data))


@pytest.mark.parametrize("seed", range(3))
def test_a_bad_link_changes_no_result(elf: Path, model: Model, seed: int) -> None:
    x = np.random.default_rng(seed).integers(0, 17, (6, 20), dtype=np.uint8)
    expected = model.run(x, trace=True)
    assert expected.scores is not None
    assert expected.v is not None
    assert model.steps is not None
    with Qemu(find_board("qemu-m4"), elf) as qemu:
        link = LossyLink(qemu, seed, rate=0.3)
        device = Device(Client(link, timeout=0.1, resends=60))
        for row, scores, v0, v1 in zip(x, expected.scores, *expected.v, strict=True):
            device.reset(row.tobytes())
            for t in range(model.steps):
                words = device.trace_step(2 + 40 + 2 + 33)
                np.testing.assert_array_equal(words[2:42].view(np.int32), v0[t])
                np.testing.assert_array_equal(words[44:].view(np.int32), v1[t])
            np.testing.assert_array_equal(device.scores(model.outputs)[1], scores)
        assert link.faults > 10
