"""What a firmware answers may be anything: an answer of a wrong length is a ProtocolError."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from codegen.base.errors import ProtocolError
from codegen.target.device import Device
from codegen.target.protocol import Client, Frame, encode


class Answers:
    """A link on which every request gets the same payload."""

    def __init__(self, payload: bytes) -> None:
        self.payload, self.answer = payload, b""

    def write(self, data: bytes) -> None:
        sequence, kind = int.from_bytes(data[4:8], "little"), data[8]
        self.answer = encode(Frame(sequence, kind, 0, self.payload))

    def read(self, timeout: float) -> bytes:
        answer, self.answer = self.answer, b""
        return answer


INFO = bytes(64) + b"".join(
    n.to_bytes(4, "little") for n in (2, 0, 1, 1, 1, 1, 2**31, 9, 9, 0, 0, 1, 9)
)


@pytest.mark.parametrize(
    ("payload", "ask"),
    [
        (b"", Device.info),
        (INFO, Device.info),
        (INFO + bytes(4), Device.info),
        (INFO[:-8] + bytes(8) + bytes(4), Device.info),
        (b"abc", Device.step),
        (b"", lambda device: device.trace_step(3)),
        (bytes(400), lambda device: device.trace_step(3)),
        (b"", lambda device: device.probe(0, 3)),
        (bytes(4), lambda device: device.infer(3)),
        (bytes(8), lambda device: device.scores(3)),
        (bytes(8), lambda device: device.sample(np.zeros((1, 1), np.int16))),
        (bytes(8), Device.parts),
        (bytes(16), Device.parts),
        (b"\1\0\0\0" * 2 + bytes(4) + b"\xff" * 4 + bytes(12), Device.parts),
        (b"", lambda device: device.benchmark(2)),
        (b"", lambda device: device.stack(2)),
    ],
)
def test_answers_of_a_wrong_length_are_refused(
    payload: bytes, ask: Callable[[Device], object]
) -> None:
    device = Device(Client(Answers(payload), 0.1, name="board"))
    with pytest.raises(ProtocolError, match=r"board: the answer to .* does not fit"):
        ask(device)
