"""What serial lines do, ten thousand times: no wrong answer is accepted, and the run goes on.

The firmware's own frame.c, link.c and commands.c, compiled for this machine, behind a channel that
loses, doubles, flips and inserts bytes, and resets the board. `pytest -s` prints the figures.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from support.clock import Clock
from support.host_firmware import HostFirmware
from support.models import inputs_for
from support.results import assert_same
from support.zoo.small import small_model

from codegen.base.errors import HangError, RestartedError, TargetError
from codegen.base.paths import assets
from codegen.render import render
from codegen.target.boards import find_board
from codegen.target.device import Device
from codegen.target.protocol import (
    LEAST_FRAME,
    MAX_PAYLOAD,
    PADDING,
    Client,
    Code,
    Decoder,
    Frame,
    Type,
    encode,
)
from codegen.target.runner import Runner
from qat.model import LIF, Accumulate, Analog, Count, Dense, Layer, Model

FAULTS = 10_000
RATE = 0.2
RESET_RATE = 0.002
RESENDS = 40

Fault = Callable[[bytearray, random.Random], None]


def _span(data: bytearray, rng: random.Random) -> slice:
    start = rng.randrange(len(data))
    return slice(start, start + rng.choice((1, 1, 2, 7, 100)))


def lose(data: bytearray, rng: random.Random) -> None:
    del data[_span(data, rng)]


def lose_the_end(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(len(data)) :]


def lose_all(data: bytearray, rng: random.Random) -> None:
    data.clear()


def double(data: bytearray, rng: random.Random) -> None:
    span = _span(data, rng)
    data[span.start : span.start] = data[span]


def double_all(data: bytearray, rng: random.Random) -> None:
    data.extend(bytes(data))


def flip(data: bytearray, rng: random.Random) -> None:
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def burst(data: bytearray, rng: random.Random) -> None:
    span = _span(data, rng)
    data[span] = rng.randbytes(len(data[span]))


def insert(data: bytearray, rng: random.Random) -> None:
    place = rng.randrange(len(data) + 1)
    garbage = rng.randbytes(rng.choice((1, 3, 20, 1500)))
    data[place:place] = rng.choice((garbage, b"SNNC", b"SNNC" + garbage, b"\0" * 5))


FAULT_KINDS: tuple[Fault, ...] = (
    *(lose, lose_the_end, lose_all, double, double_all, flip, burst, insert),
)


class FaultyLink:
    """A link to a firmware in this process that spoils what passes, in both directions."""

    def __init__(self, firmware: HostFirmware, seed: int, rate: float, resets: float) -> None:
        self.firmware, self.rng = firmware, random.Random(seed)
        self.rate, self.resets = rate, resets
        self.faults: Counter[str] = Counter()
        self._arrived = b""

    def _spoil(self, data: bytes) -> bytes:
        if not data or self.rng.random() >= self.rate:
            return data
        spoiled, fault = bytearray(data), self.rng.choice(FAULT_KINDS)
        fault(spoiled, self.rng)
        self.faults[fault.__name__] += 1
        return bytes(spoiled)

    def write(self, data: bytes) -> None:
        data = self._spoil(data)
        if self.rng.random() < self.resets:
            self.faults["reset"] += 1
            cut = self.rng.randrange(len(data) + 1)
            self._arrived += self.firmware.exchange(data[:cut])[: self.rng.randrange(20)]
            self.firmware.reset()
            self._arrived += self._spoil(b"boot\r\n")
            data = data[cut:]
        self._arrived += self._spoil(self.firmware.exchange(data))

    def read(self, timeout: float) -> bytes:
        """Return what has arrived, in pieces; nothing more will come without another request."""
        size = self.rng.choice((1, 5, 64, 4096))
        data, self._arrived = self._arrived[:size], self._arrived[size:]
        return data

    def close(self) -> None:
        """There is nothing to give back."""


class FaultyRunner(Runner):
    """Runs a model on a firmware behind a faulty link."""

    def __init__(self, model: Model, link: FaultyLink) -> None:
        super().__init__(model, find_board("qemu-m4"), 1.0)
        self.link = link

    def connect(self, counting: bool = False) -> tuple[FaultyLink, Device]:
        device = Device(Client(self.link, self.timeout, RESENDS, "faulty"))
        device.open()
        self._check(device.info())
        return self.link, device


def wide_model() -> Model:
    """Return a model whose input and trace take several frames, and all sizes of the last."""
    rng = np.random.default_rng(5)
    layer = Layer(Dense(rng.integers(-1, 2, (400, 1311))), LIF(60, (3,)))
    return Model(Analog(1311, 0, 3), (layer,), Accumulate(Dense(rng.integers(-9, 9, (5, 400)), 8)),
                 steps=2, name="wide")  # fmt: skip


MODELS = {"small": small_model(), "wide": wide_model()}


@pytest.fixture(scope="module")
def firmwares(tmp_path_factory: pytest.TempPathFactory) -> dict[str, HostFirmware]:
    return {
        name: HostFirmware(render(model), tmp_path_factory.mktemp(name))
        for name, model in MODELS.items()
    }


def run_faulty(
    name: str, firmware: HostFirmware, seed: int, samples: int
) -> tuple[SimpleNamespace, Counter[str]]:
    """Run samples over a faulty link and compare every value; return counts."""
    model = MODELS[name]
    x = inputs_for(model, samples, seed)
    expected = model.run(x, trace=True)
    firmware.reset()
    link = FaultyLink(firmware, seed, RATE, RESET_RATE)
    with FaultyRunner(model, link) as target:
        found = target.run(x, trace=True)
    assert_same(replace(expected, u=None), found)
    return SimpleNamespace(restarts=target.restarts), link.faults


def run_seeds(name: str, firmware: HostFirmware) -> None:
    for seed in range(20):
        run_faulty(name, firmware, seed, 40)


def test_ten_thousand_faults_change_no_result(firmwares: dict[str, HostFirmware]) -> None:
    started, faults, restarts, seed = time.process_time(), Counter[str](), 0, 0
    while faults.total() < FAULTS:
        for name, samples in (("small", 40), ("wide", 10)):
            result, more = run_faulty(name, firmwares[name], seed, samples)
            faults += more
            restarts += result.restarts
        seed += 1
    seconds = time.process_time() - started
    print(f"{faults.total()} faults in {seconds:.1f} s of processor time")
    print(f"{restarts} samples run anew")
    print(dict(faults))
    assert restarts > 20
    assert all(faults[kind.__name__] > 500 for kind in FAULT_KINDS)
    assert seconds < 60


# -------------------------------------------------------------- planted bugs

PLANTED = {
    "no check of the CRC": ("frame.c", "crc != frame_crc(bytes, covered)", "crc == 0x12345678u"),
    "no sessions": ("link.c", "session != state.session", "session > 0xFFFFu"),
    "executed again": ("link.c", "if (!repeated)", "if (!repeated || state.size > 0)"),
}


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_shows(bug: str, tmp_path: Path) -> None:
    name, old, new = PLANTED[bug]
    text = (assets() / "firmware" / "src" / name).read_text()
    assert text.count(old) == 1
    files = render(MODELS["small"]) | {name: text.replace(old, new)}
    firmware = HostFirmware(files, tmp_path)
    with pytest.raises((AssertionError, TargetError)):
        run_seeds("small", firmware)


# ------------------------------------------------------------- single events


class Wire:
    """Raw bytes to a firmware in this process, and the frames that come back."""

    def __init__(self, firmware: HostFirmware) -> None:
        self.firmware = firmware
        firmware.reset()

    def frames(self, data: bytes) -> list[Frame]:
        decoder = Decoder()
        decoder.feed(self.firmware.exchange(data))
        return list(iter(decoder.next, None))


@pytest.fixture
def wire(firmwares: dict[str, HostFirmware]) -> Wire:
    return Wire(firmwares["wide"])


class DirectLink:
    """A link to a firmware in this process without a fault; `lose` replies get lost first."""

    def __init__(self, firmware: HostFirmware) -> None:
        self.firmware, self.arrived, self.lose = firmware, b"", 0

    def write(self, data: bytes) -> None:
        reply = self.firmware.exchange(data)
        self.arrived += b"" if self.lose else reply
        self.lose = max(0, self.lose - 1)

    def read(self, timeout: float) -> bytes:
        data, self.arrived = self.arrived, b""
        return data


def test_frames_of_every_size(wire: Wire) -> None:
    """The first four bytes are the offset; every size is taken, and what it wrote is used."""
    for size in range(MAX_PAYLOAD + 1):
        payload = (b"\0\0\0\0" + bytes(size))[:size] if size else b""
        (reply,) = wire.frames(encode(Frame(size + 1, Type.INPUT, payload=payload)))
        assert reply.sequence == size + 1
        assert reply.code == (Code.BAD_LENGTH if 0 < size < 4 else Code.OK)


def test_garbage_at_the_start(wire: Wire) -> None:
    rng = random.Random(3)
    for trial in range(300):
        garbage = rng.randbytes(rng.randrange(2100)) + rng.choice((b"", b"S", b"SNN", b"SNNC"))
        request = encode(Frame(trial + 1, Type.INFO, payload=b"\0\0\0\0"))
        frames = wire.frames(garbage) + wire.frames(PADDING + request)
        assert frames[-1].sequence == trial + 1
        assert frames[-1].code == Code.OK


def test_a_restart_is_noticed_and_nothing_is_executed(wire: Wire) -> None:
    device = Device(Client(DirectLink(wire.firmware), 1.0))
    device.open()
    assert device.step() == 1
    wire.firmware.reset()
    with pytest.raises(RestartedError, match="the firmware has restarted, or another program"):
        device.step()
    device.open()
    assert device.step() == 1


def test_a_restart_is_noticed_by_every_request(wire: Wire) -> None:
    for kind in Type:
        wire.firmware.reset()
        (reply,) = wire.frames(encode(Frame(0x70001, kind, payload=b"")))
        assert reply.code == (Code.OK if kind == Type.OPEN else Code.NO_SESSION)


def test_a_host_that_disappears_leaves_the_line_to_the_next(wire: Wire) -> None:
    """It ends in the middle of a frame, at every byte of it."""
    whole = encode(Frame(0x50002, Type.INPUT, payload=bytes(40)))
    for cut in range(len(whole)):
        wire.firmware.reset()
        Client(DirectLink(wire.firmware), 1.0).open()
        wire.firmware.exchange(whole[:cut])
        device = Device(Client(DirectLink(wire.firmware), 0.01, resends=1))
        device.open()
        assert device.step() == 1


def test_another_host_takes_the_board(wire: Wire) -> None:
    first, second = (Device(Client(DirectLink(wire.firmware), 1.0)) for _ in range(2))
    first.open()
    first.step()
    second.open()
    with pytest.raises(RestartedError):
        first.step()
    assert second.step() == 1


def test_opening_starts_the_model_anew(wire: Wire) -> None:
    device = Device(Client(DirectLink(wire.firmware), 1.0))
    device.open()
    device.reset(bytes([3] * 1311))
    driven = [device.trace_step(13 + 400) for _ in range(2)][1]
    device.open()
    silent = [device.trace_step(13 + 400) for _ in range(2)][1]
    assert driven.any()
    assert not silent.any()


def test_a_lost_reply_is_sent_again_and_the_step_done_once(wire: Wire) -> None:
    link = DirectLink(wire.firmware)
    device = Device(Client(link, 0.01, resends=3))
    device.open()
    link.lose = 2
    assert device.step() == 1
    assert device.client.resent == 2


class Silence:
    """A link on which nothing comes; reading waits as long as it may, on a clock of its own."""

    def __init__(self, clock: Clock, noise: bytes = b"") -> None:
        self.clock, self.noise = clock, noise

    def write(self, data: bytes) -> None:
        """Take everything."""

    def read(self, timeout: float) -> bytes:
        self.clock.sleep(min(timeout, 0.001) if self.noise else timeout)
        return self.noise


@pytest.mark.parametrize("noise", [b"", b"SNNC", b"garbage", encode(Frame(9, 9))])
def test_nothing_hangs_longer_than_its_timeout(
    noise: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the line is silent, or never stops to send what is no reply."""
    clock = Clock()
    monkeypatch.setattr("codegen.target.protocol.time", clock)
    with pytest.raises(HangError, match=r"no answer to OPEN within 0\.3 s"):
        Device(Client(Silence(clock, noise), 0.1, resends=2)).open()
    assert clock.now == pytest.approx(0.3)


def test_part_of_a_long_reply_does_not_hide_the_next(wire: Wire) -> None:
    """A reply that lost its end makes the host wait for bytes that the next reply would fill."""
    decoder = Decoder()
    long = encode(Frame(1, Type.PROBE, payload=bytes(900)))
    decoder.feed(long[:100])
    assert decoder.next() is None
    decoder.feed(encode(Frame(2, Type.STEP)))
    assert decoder.next() is None
    decoder.give_up()
    assert decoder.next() == Frame(2, Type.STEP)


# ---------------------------------------------- short frames, where RAM is short


def deep() -> Model:
    """Return a model of more layers than one INFO of the shortest frames can tell."""
    rng = np.random.default_rng(2)
    layers = [Layer(Dense(rng.integers(-1, 2, (3, 3))), LIF(2)) for _ in range(31)]
    return Model(Analog(3, 0, 9), tuple(layers), Count(), 4, "deep")


@pytest.mark.parametrize(("name", "frame"), [("wide", 256), ("deep", LEAST_FRAME)])
def test_a_faulty_line_of_short_frames(name: str, frame: int, tmp_path: Path) -> None:
    model = {**MODELS, "deep": deep()}[name]
    firmware = HostFirmware(render(model), tmp_path, [f"-DFRAME_BYTES={frame}u"])
    x = inputs_for(model, 4, 1)
    link = FaultyLink(firmware, 1, RATE, RESET_RATE)
    with FaultyRunner(model, link) as target:
        found = target.run(x, trace=True)
        assert target.device.client.payload == frame - 16
        assert target.info().layers == tuple(layer.size for layer in model.layers)
    assert_same(replace(model.run(x, trace=True), u=None), found)
    assert link.faults.total() > 10
