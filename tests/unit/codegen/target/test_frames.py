"""Frames on the host's side: found in any stream, and the constants that C has as well."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen.base.errors import HangError, RefusedError
from codegen.base.paths import assets
from codegen.isa import ARM
from codegen.target import counting, device, faults, protocol
from codegen.target.protocol import MAX_PAYLOAD, Client, Code, Decoder, Frame, Type, encode

FRAMES = st.builds(
    Frame,
    st.integers(0, 2**32 - 1),
    st.integers(0, 255),
    st.integers(0, 255),
    st.binary(max_size=40) | st.just(b"S" * MAX_PAYLOAD) | st.just(b"SNNC" * 20),
)
GARBAGE = st.binary(max_size=30).filter(lambda b: b"SNNC" not in b)


def decode(data: bytes, sizes: Iterator[int]) -> list[Frame]:
    decoder, found = Decoder(), []
    while data:
        size = next(sizes)
        decoder.feed(data[:size])
        data = data[size:]
        while (frame := decoder.next()) is not None:
            found.append(frame)
    return found


@given(st.lists(st.tuples(GARBAGE, FRAMES), max_size=5), st.integers(1, 50))
def test_frames_are_found_between_garbage(parts: list[tuple[bytes, Frame]], size: int) -> None:
    stream = b"".join(garbage + encode(frame) for garbage, frame in parts)
    assert decode(stream, iter(lambda: size, None)) == [frame for _, frame in parts]


@given(FRAMES, st.data())
def test_a_flipped_bit_is_found(frame: Frame, data: st.DataObject) -> None:
    spoiled = bytearray(encode(frame))
    bit = data.draw(st.integers(0, 8 * len(spoiled) - 1))
    spoiled[bit // 8] ^= 1 << bit % 8
    assert decode(bytes(spoiled) + bytes(2000), iter(lambda: 4096, None)) == []


def test_a_payload_that_no_frame_holds() -> None:
    with pytest.raises(ValueError, match=f"found {MAX_PAYLOAD + 1} bytes; at most {MAX_PAYLOAD}"):
        encode(Frame(1, 1, payload=bytes(MAX_PAYLOAD + 1)))


class Script:
    """A link that answers every request with the next of the given pieces."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.pending = b""
        self.sent: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.sent.append(data)
        self.pending += self.answers.pop(0)

    def read(self, timeout: float) -> bytes:
        data, self.pending = self.pending, b""
        return data


def reply(sequence: int, code: int = 0, payload: bytes = b"") -> bytes:
    return encode(Frame(sequence, Type.STEP, code, payload))


def test_late_and_foreign_replies_are_passed_over() -> None:
    other = encode(Frame(2, Type.INFO, 0, b"other"))
    link = Script(
        reply(1, payload=b"a"), reply(1, payload=b"late") + other + reply(2, payload=b"b")
    )
    client = Client(link, 1.0)
    assert client.request(Type.STEP) == b"a"
    assert client.request(Type.STEP) == b"b"


def test_a_damaged_or_lost_request_is_sent_again_behind_padding() -> None:
    link = Script(reply(99, Code.DAMAGED), b"", reply(1, payload=b"a"))
    assert Client(link, 0.01, resends=2).request(Type.STEP) == b"a"
    request = link.sent[0]
    assert link.sent[1:] == [bytes(1024) + request] * 2


def test_a_refusal_and_silence() -> None:
    with pytest.raises(RefusedError, match="refused STEP: the model's steps are all done"):
        Client(Script(reply(1, Code.NOT_NOW)), 1.0).request(Type.STEP)
    with pytest.raises(RefusedError, match="code 77") as error:
        Client(Script(reply(1, 77)), 1.0).request(Type.STEP)
    assert error.value.code == 77
    with pytest.raises(
        HangError, match=r"target: the firmware hangs: no answer to STEP within 0\.03 s"
    ):
        Client(Script(b"", b"", b""), 0.01, resends=2).request(Type.STEP)


# ------------------------------------------- the same numbers in C and Python

FIRMWARE = assets() / "firmware"


def enumerators(text: str, prefix: str) -> list[str]:
    block = next(b for b in re.findall(r"enum \{(.*?)\}", text, re.DOTALL) if prefix in b)
    return re.findall(rf"\b{prefix}(\w+)", re.sub(r"/\*.*?\*/", "", block, flags=re.DOTALL))


def test_constants_agree_with_the_firmware() -> None:
    text = (FIRMWARE / "include" / "spikemcu" / "protocol.h").read_text()
    assert enumerators(text, "TYPE_") == [t.name for t in sorted(Type)]
    assert enumerators(text, "CODE_") == [c.name for c in sorted(Code)]
    assert enumerators(text, "BENCHMARK_") == [w.name for w in sorted(counting.What)]
    assert enumerators(text, "COUNTER_") == [c.name for c in sorted(counting.Counter)]
    assert f"PROTOCOL_VERSION {device.VERSION}u" in text
    frame = (FIRMWARE / "include" / "spikemcu" / "frame.h").read_text()
    assert f"FRAME_MAGIC 0x{int.from_bytes(protocol.MAGIC, 'little'):08X}u" in frame
    assert f"FRAME_BYTES {protocol.MAX_FRAME}u" in frame
    counter = (FIRMWARE / "include" / "spikemcu" / "counter.h").read_text()
    assert f"COUNTER_LOOPS {counting.KNOWN_INSTRUCTIONS // 2}u" in counter
    counter = (FIRMWARE / "src" / "qemu" / "arm" / "counter.c").read_text()
    assert f"HANDLER_INSTRUCTIONS {ARM.wrapping}u" in counter
    startup = (FIRMWARE / "platform" / "startup" / "startup.h").read_text()
    assert f"EXIT_FAULT {faults.EXIT_FAULT}u" in startup
