"""Frames shorter than 1024 bytes, for chips with little RAM: firmware says so, the host obeys."""

from __future__ import annotations

import struct

import pytest

from codegen.base.errors import ProtocolError
from codegen.base.paths import assets
from codegen.target.device import Device
from codegen.target.protocol import LEAST_FRAME, Client, Frame, Type, encode


def test_the_least_length_is_that_of_the_firmware() -> None:
    text = (assets() / "firmware" / "include" / "spikemcu" / "frame.h").read_text()
    assert f"FRAME_LEAST {LEAST_FRAME}u" in text


# --------------------------------------------------------------- what OPEN tells


class Told:
    """A link whose firmware answers OPEN with given words."""

    def __init__(self, *words: int) -> None:
        self.words, self.sent = words, b""

    def write(self, data: bytes) -> None:
        (sequence,) = struct.unpack_from("<I", data, 4)
        payload = struct.pack(f"<{len(self.words)}I", *self.words)
        self.sent = encode(Frame(sequence, Type.OPEN, payload=payload))

    def read(self, timeout: float) -> bytes:
        sent, self.sent = self.sent, b""
        return sent


@pytest.mark.parametrize(("words", "payload"), [((2,), 1008), ((2, 1024), 1008), ((2, 192), 176)])
def test_a_firmware_says_how_long_its_frames_are(words: tuple[int, ...], payload: int) -> None:
    client = Client(Told(*words), 0.1)
    Device(client).open()
    assert client.payload == payload


@pytest.mark.parametrize("frame", [0, 16, 188, 190, 254, 1028, 2**31])
def test_a_length_that_is_none_is_refused(frame: int) -> None:
    with pytest.raises(ProtocolError, match=rf"frames: found {frame} bytes; 192 to 1024"):
        Device(Client(Told(2, frame), 0.1, name="board")).open()
