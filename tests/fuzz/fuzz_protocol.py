"""Fuzzes the host's side of the protocol: any bytes from a line give an answer or a TargetError.

The first byte says what the rest is. Odd: the bytes of a line, in pieces, among which the decoder
finds the same frames however they are cut. Even: the payloads of the replies to each method of a
Device, divided by their length in one byte, so that what lies behind the CRC is reached.

    python tests/fuzz/fuzz_protocol.py -max_total_time=600 NEW tests/fuzz/corpus/protocol
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

import atheris

with atheris.instrument_imports(
    include=["codegen.target.protocol", "codegen.target.device", "codegen.base.errors"]
):
    import numpy as np
    from support.fuzzing import check_line, start

    from codegen.base.errors import TargetError
    from codegen.target.counting import What
    from codegen.target.device import Device
    from codegen.target.protocol import CRC, HEADER, Client, Decoder, Frame, encode

OUTPUTS, WORDS = 300, 700
"""Of the model that the host believes to be there: more than a reply holds."""

METHODS: tuple[Callable[[Device], object], ...] = (
    Device.open,
    Device.info,
    Device.step,
    Device.reset,
    lambda device: device.input(bytes(1500)),
    lambda device: device.trace_step(WORDS),
    lambda device: device.probe(3, WORDS),
    lambda device: device.infer(OUTPUTS, b"xyz"),
    lambda device: device.scores(OUTPUTS),
    lambda device: device.scores(2),
    lambda device: device.sample(np.zeros((9, 3), np.int16)),
    lambda device: device.benchmark(What.STEP),
    Device.parts,
    lambda device: device.stack(What.STEP),
)
MOST_REQUESTS = 2_000
"""That a method makes before it counts as one that never ends."""


class Scripted:
    """A link on which every request is answered with the next payload, and then none."""

    def __init__(self, script: bytes) -> None:
        self.script, self.answer, self.requests = script, b"", 0

    def write(self, data: bytes) -> None:
        """Take a request and make its reply."""
        self.requests += 1
        assert self.requests < MOST_REQUESTS, "the method goes on asking"
        _, sequence, kind, _, _ = HEADER.unpack_from(data, data.find(b"SNNC"))
        code, length = self.script[:1] or b"\0", self.script[1:2] or b"\0"
        size = min(4 * length[0], 1008) if code[0] < 128 else length[0]
        payload, self.script = self.script[2 : 2 + size], self.script[2 + size :]
        refusal = code[0] % 32 if code[0] % 32 < 12 and code[0] & 32 else 0
        self.answer = encode(Frame(sequence, kind, refusal, payload))

    def read(self, timeout: float) -> bytes:
        """Return the reply."""
        answer, self.answer = self.answer, b""
        return answer


class Endless(Scripted):
    """A link on which the script begins anew when it is at its end."""

    def __init__(self, script: bytes) -> None:
        super().__init__(script)
        self.whole = script

    def write(self, data: bytes) -> None:
        """Take a request and make its reply."""
        self.script = self.script or self.whole
        super().write(data)


def ask(data: bytes) -> None:
    """Let a method of a device have any replies."""
    method = METHODS[data[0] % len(METHODS)]
    link = (Endless if data[0] & 128 else Scripted)(data[1:])
    try:
        method(Device(Client(link, 0.5, resends=1, name="fuzzed")))
    except TargetError as error:
        check_line(error, "fuzzed: ")


def frames(data: bytes, cuts: list[int]) -> list[Frame]:
    """Return what the decoder finds in bytes that come in pieces."""
    decoder, found, start_ = Decoder(), [], 0
    for end in (*cuts, len(data)):
        decoder.feed(data[start_:end])
        start_ = max(start_, end)
        while (frame := decoder.next()) is not None:
            found.append(frame)
    return found


def decode(data: bytes) -> None:
    """Find frames, which must be in the bytes and do not depend on the pieces."""
    cuts = sorted(byte * 7 % (len(data) + 1) for byte in data[:8])
    found = frames(data, [])
    assert found == frames(data, cuts), "the frames depend on the pieces"
    for frame in found:
        assert encode(frame) in data
        assert zlib.crc32(encode(frame)[: -CRC.size]) == CRC.unpack(encode(frame)[-CRC.size :])[0]


def one_input(data: bytes) -> None:
    """Do one of both."""
    if len(data) >= 2:
        (decode if data[0] % 2 else ask)(data[1:])


if __name__ == "__main__":
    start(one_input)
