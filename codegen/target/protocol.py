"""The host's side of the framed protocol; firmware/include/spikemcu describes it.

A request travels with a sequence number and may be sent again: the firmware answers a number
that it has seen with the stored reply and does not execute it twice.
"""

from __future__ import annotations

import secrets
import struct
import time
import zlib
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from codegen.base.errors import HangError, RefusedError, RestartedError

MAGIC = b"SNNC"
MAX_FRAME = 1024
LEAST_FRAME = 192
"""Bytes of the longest frame that a firmware takes: it says so when a session is opened."""
HEADER = struct.Struct("<4sIBBH")
CRC = struct.Struct("<I")
MAX_PAYLOAD = MAX_FRAME - HEADER.size - CRC.size
PADDING = bytes(MAX_FRAME)
"""Sent before a repeated request: completes whatever damaged frame the firmware waits for."""


class Type(IntEnum):
    """What is asked for."""

    INFO = 1
    INPUT = 2
    RESET = 3
    STEP = 4
    TRACE = 5
    INFER = 6
    SCORES = 7
    PROBE = 8
    BENCHMARK = 9
    PARTS = 10
    STACK = 11
    OPEN = 12
    SAMPLE = 13


class Code(IntEnum):
    """Why a request was refused."""

    OK = 0
    UNKNOWN_TYPE = 1
    BAD_LENGTH = 2
    BAD_RANGE = 3
    NOT_NOW = 4
    NOT_HERE = 5
    DAMAGED = 6
    TOO_LONG = 7
    NO_SESSION = 8


REASONS: dict[int, str] = {
    Code.UNKNOWN_TYPE: "it knows no such request",
    Code.BAD_LENGTH: "the payload has the wrong length",
    Code.BAD_RANGE: "an offset or count lies outside of what the model has",
    Code.NOT_NOW: "the model's steps are all done, or not yet",
    Code.NOT_HERE: "this kind of model has no such thing",
    Code.DAMAGED: "the request arrived damaged, however often it was sent",
    Code.TOO_LONG: "the request is longer than a frame can be",
    Code.NO_SESSION: "it belongs to a session that the firmware does not know",
}
DAMAGES = (Code.DAMAGED, Code.TOO_LONG)


@dataclass(frozen=True)
class Frame:
    """A request (code 0) or a reply."""

    sequence: int
    type: int
    code: int = 0
    payload: bytes = b""


class Link(Protocol):
    """A stream of bytes to a target and back."""

    def read(self, timeout: float) -> bytes:
        """Wait for bytes, at most `timeout` seconds; return b"" if none came."""

    def write(self, data: bytes) -> None:
        """Send all of `data`."""


def encode(frame: Frame) -> bytes:
    """Return the bytes of a frame."""
    if len(frame.payload) > MAX_PAYLOAD:
        raise ValueError(f"payload: found {len(frame.payload)} bytes; at most {MAX_PAYLOAD}")
    length = len(frame.payload)
    data = HEADER.pack(MAGIC, frame.sequence, frame.type, frame.code, length) + frame.payload
    return data + CRC.pack(zlib.crc32(data))


class Decoder:
    """Finds frames in a stream of bytes, skipping whatever is none."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> None:
        """Append bytes of the stream."""
        self._data += data

    def give_up(self) -> None:
        """Wait no longer for the rest of a frame: whole ones inside of it are found by `next`."""
        del self._data[:1]

    def next(self) -> Frame | None:
        """Return the next whole frame, or None if it needs more bytes."""
        data = self._data
        while True:
            start = data.find(MAGIC)
            del data[: start if start >= 0 else max(0, len(data) - len(MAGIC) + 1)]
            if start < 0 or len(data) < HEADER.size:
                return None
            _, sequence, kind, code, length = HEADER.unpack_from(data)
            covered = HEADER.size + length
            if length <= MAX_PAYLOAD:
                if len(data) < covered + CRC.size:
                    return None
                if zlib.crc32(data[:covered]) == CRC.unpack_from(data, covered)[0]:
                    payload = bytes(data[HEADER.size : covered])
                    del data[: covered + CRC.size]
                    return Frame(sequence, kind, code, payload)
            del data[:1]


SESSION_BITS = 16
"""The upper half of a sequence number names the session, the lower half counts requests."""


class Client:
    """Asks a target over a link, one request at a time.

    timeout: seconds to wait for each reply
    resends: how often a request is sent again when it got lost or damaged
    name:    what the errors call the target
    payload: the most bytes of a request, and of a reply

    No request takes longer than timeout * (resends + 1) seconds beyond what the link itself needs.
    """

    def __init__(self, link: Link, timeout: float, resends: int = 0, name: str = "target") -> None:
        self.link = link
        self.name = name
        self.payload = MAX_PAYLOAD
        self.timeout = timeout
        self.resends = resends
        self.resent = 0
        self._session = 0
        self._count = 0
        self._decoder = Decoder()

    def agree(self, frame_bytes: int) -> None:
        """Send no longer frames than the firmware takes; ValueError if it names no such length."""
        if not LEAST_FRAME <= frame_bytes <= MAX_FRAME or frame_bytes % 4:
            raise ValueError(
                f"frames: found {frame_bytes} bytes; {LEAST_FRAME} to {MAX_FRAME} are allowed, a "
                "multiple of 4"
            )
        self.payload = frame_bytes - HEADER.size - CRC.size

    def open(self) -> bytes:
        """Begin a session and return the reply; see firmware/include/spikemcu/link.h.

        Requests made without one belong to session 0, which no restart of a firmware ends.
        """
        self._session = 1 + secrets.randbelow((1 << SESSION_BITS) - 1)
        return self.request(Type.OPEN)

    def request(self, kind: Type, payload: bytes = b"") -> bytes:
        """Return the payload of the reply.

        Raises RefusedError if the firmware says no, RestartedError if it knows nothing of the
        session, HangError if it says nothing, and what the link raises when it ends.
        """
        self._count = (self._count + 1) % (1 << SESSION_BITS)
        frame = Frame(self._session << SESSION_BITS | self._count, kind, payload=payload)
        reply = self._ask(frame)
        if reply is None:
            seconds = self.timeout * (self.resends + 1)
            raise HangError(
                f"{self.name}: the firmware hangs: no answer to {kind.name} within {seconds:g} s"
            )
        if reply.code == Code.NO_SESSION:
            raise RestartedError(
                f"{self.name}: the firmware has restarted, or another program has taken the board"
            )
        if reply.code:
            reason = REASONS.get(reply.code, f"code {reply.code}")
            raise RefusedError(
                f"{self.name}: the firmware refused {kind.name}: {reason}", reply.code
            )
        return reply.payload

    def _ask(self, request: Frame) -> Frame | None:
        """Send a request until there is a reply; None, or a complaint of damage, if none comes."""
        data = encode(request)
        complaint: Frame | None = None
        for attempt in range(self.resends + 1):
            self.link.write(PADDING + data if attempt else data)
            self.resent += attempt > 0
            reply = self._wait(request, patient=attempt == self.resends)
            if reply is None:
                self._decoder.give_up()
            elif reply.code not in DAMAGES:
                return reply
            complaint = reply or complaint
        return complaint

    def _wait(self, request: Frame, patient: bool) -> Frame | None:
        """Return the reply to the request; None on timeout.

        What has arrived by the end of the time counts, even if this machine was too busy to look.
        A complaint of damage is returned at once, to send again; if `patient`, only when no reply
        follows it: it may be about bytes that came before the request.
        """
        deadline = time.monotonic() + self.timeout
        complaint: Frame | None = None
        over = False
        while True:
            while (frame := self._decoder.next()) is not None:
                if frame.code in DAMAGES:
                    complaint = frame
                elif frame.sequence == request.sequence and frame.type == request.type:
                    return frame
            if over or not (patient or complaint is None):
                return complaint
            left = deadline - time.monotonic()
            over = left <= 0  # then the last look, at what is there
            data = self.link.read(max(left, 0.0))
            if not data:
                return complaint
            self._decoder.feed(data)
