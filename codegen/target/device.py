"""The requests of the protocol, as methods with types."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from codegen.base.errors import LinkError, ProtocolError, RefusedError
from codegen.target.counting import Count, Counter, Part, Parts, Span, What
from codegen.target.protocol import MAX_PAYLOAD, Client, Code, Type
from qat.model import MAX_LAYERS

VERSION = 2
PROBE_WORDS = MAX_PAYLOAD // 4
"""Words of the longest reply of all."""

Words = NDArray[np.uint32]


@dataclass(frozen=True)
class Info:
    """What a firmware says about itself.

    kind: of the input, as in codegen.render.INPUT_KINDS; steps: 0 for a free-running model;
    state_bytes: of the model's struct; cpuid_part: part number of the core; stack_used: the most
    so far, in bytes, 0 where that is not known; counter: what a benchmark counts; clock_hz: of the
    core, now
    """

    digest: str
    name: str
    protocol: int
    kind: int
    inputs: int
    input_bytes: int
    steps: int
    outputs: int
    layers: tuple[int, ...]
    state_bytes: int
    cpuid_part: int
    stack_bytes: int
    stack_used: int
    counter: Counter
    clock_hz: int


class Answer(NamedTuple):
    """What an inference gave: its class, the scores (outputs,) int32, the steps it made."""

    winner: int
    scores: NDArray[np.int32]
    steps: int


@dataclass(frozen=True, eq=False)
class Heard:
    """What a firmware says after raw samples.

    results: how many came since the restart; the last one with sample `when`
    winner:  its class
    detected: what a detector says with it; -1 for nothing, and without a detector
    words:   its scores, or the spike words of a step of a model that runs free
    """

    results: int
    when: int
    winner: int
    words: Words
    detected: int = -1


RESTART, KEEP = 1, 2
"""Flags of SAMPLE."""

INFO = struct.Struct("<32s32s13I")
COUNT = struct.Struct("<QIQIQIQI")
MOST_COUNT = 2**62
"""Instructions or cycles of a call; more would be centuries."""
STEPS_DECIDED = 2**31
"""Bit of the steps that STEP and TRACE tell: no step may follow."""
MAX_PARTS = MAX_LAYERS + 4
"""The most parts of a call: the layers, and what comes beside them."""


class Device:
    """A firmware behind a client.

    decided: no step may follow the last one, as the firmware said
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        self.decided = False

    @property
    def _piece(self) -> int:
        """Bytes of an input vector, or of samples, that fit into a request beside a word."""
        return (self.client.payload - 4) // 4 * 4

    @property
    def _words(self) -> int:
        """Words that fit into a reply."""
        return self.client.payload // 4

    @property
    def _score_words(self) -> int:
        """Scores that fit into a reply, beside class and steps."""
        return self._words - 2

    def open(self) -> None:
        """Begin a session: the firmware starts anew, and a restart of it will be noticed.

        Raises ProtocolError if it speaks another version of the protocol, or of frames that are
        none, LinkError if the line only echoes.
        """
        try:
            reply = self.client.open()
        except RefusedError as error:
            if error.code != Code.UNKNOWN_TYPE:
                raise
            reply = struct.pack("<I", 1)  # the first version had no sessions
        if len(reply) < 4:  # a request itself has the form of a reply
            raise LinkError(
                f"{self.client.name}: the line sends back what it is sent: no firmware is there"
            )
        (version,) = struct.unpack_from("<I", reply)
        if version != VERSION:
            raise ProtocolError(
                f"{self.client.name}: the firmware speaks version {version} of the protocol; this "
                f"spikemcu speaks {VERSION}: build and write the firmware anew"
            )
        if len(reply) >= 8:  # a firmware of before takes the longest frames
            self._agree(*struct.unpack_from("<I", reply, 4))

    def _agree(self, frame_bytes: int) -> None:
        try:
            self.client.agree(frame_bytes)
        except ValueError as error:
            raise ProtocolError(
                f"{self.client.name}: {error}: build and write the firmware anew"
            ) from None

    def _refuse(self, kind: Type, words: int) -> NoReturn:
        raise ProtocolError(
            f"{self.client.name}: the answer to {kind.name} does not fit this model and protocol "
            f"({words} words): build and write the firmware anew"
        )

    def _ask(self, kind: Type, payload: bytes, least: int = 0) -> Words:
        """Return a reply of at least `least` words; ProtocolError for any other."""
        reply = self.client.request(kind, payload)
        if len(reply) % 4 or len(reply) < 4 * least:
            self._refuse(kind, len(reply) // 4)
        return np.frombuffer(reply, "<u4")

    def info(self) -> Info:
        """Return what the firmware says about itself."""
        sizes: list[int] = []
        while True:
            asked = struct.pack("<I", len(sizes))
            reply = self._ask(Type.INFO, asked, INFO.size // 4).tobytes()
            digest, name, *words = INFO.unpack_from(reply)
            more = np.frombuffer(reply, "<u4", offset=INFO.size).tolist()
            sizes += more
            if len(sizes) >= words[6]:
                break
            if not more or words[6] > MAX_LAYERS:
                self._refuse(Type.INFO, len(reply) // 4)
        protocol, kind, inputs, size, steps, outputs, _, state, cpuid, *stack, count, hz = words
        if count not in list(Counter) or not hz:
            self._refuse(Type.INFO, len(reply) // 4)
        return Info(
            digest.rstrip(b"\0").decode("ascii", "replace"),
            name.rstrip(b"\0").decode("ascii", "replace"),
            *(protocol, kind, inputs, size, steps, outputs, tuple(sizes), state),
            *(cpuid >> 4 & 0xFFF, *stack, Counter(count), hz),
        )

    def _run(self, kind: Type, x: bytes, least: int = 0) -> Words:
        """Write `x` into the input vector, then do what `kind` says."""
        size = self._piece
        last = max(0, len(x) - 1) // size * size
        for start in range(0, last, size):
            piece = x[start : start + size]
            self.client.request(Type.INPUT, struct.pack("<I", start) + piece)
        return self._ask(kind, struct.pack("<I", last) + x[last:] if x else b"", least)

    def input(self, x: bytes) -> None:
        """Write the input vector."""
        self._run(Type.INPUT, x)

    def reset(self, x: bytes = b"") -> None:
        """Set membranes, counts and steps to zero, after writing `x` if given."""
        self._run(Type.RESET, x)

    def step(self, x: bytes = b"") -> int:
        """Run one step and return the number of steps since the reset."""
        return self._made(self._run(Type.STEP, x, 1)[0])

    def _made(self, word: np.uint32) -> int:
        self.decided = bool(word & STEPS_DECIDED)
        return int(word) % STEPS_DECIDED

    def trace_step(self, size: int, x: bytes = b"") -> Words:
        """Run one step and return its `size` trace words."""
        made, *_ = reply = self._run(Type.TRACE, x, 1)
        self._made(made)
        first = reply[1:]
        if len(first) > size:
            self._refuse(Type.TRACE, len(reply))
        return np.concatenate([first, self.probe(len(first), size - len(first))])

    def probe(self, first: int, count: int) -> Words:
        """Return trace words [first, first + count) of the last step."""
        pieces = [np.empty(0, np.uint32)]
        for start in range(first, first + count, self._words):
            size = min(self._words, first + count - start)
            pieces.append(self._ask(Type.PROBE, struct.pack("<II", start, size), size)[:size])
        return np.concatenate(pieces)

    def infer(self, outputs: int, x: bytes = b"") -> Answer:
        """Run a whole inference by the model's own function."""
        return self._scores(self._run(Type.INFER, x, 2).view("<i4"), outputs)

    def scores(self, outputs: int) -> Answer:
        """Return what the steps that were done give."""
        return self._scores(self._ask_scores(0, min(outputs, self._score_words)), outputs)

    def _ask_scores(self, first: int, count: int) -> NDArray[np.int32]:
        return self._ask(Type.SCORES, struct.pack("<II", first, count), 2 + count).view("<i4")

    def _scores(self, words: NDArray[np.int32], outputs: int) -> Answer:
        winner, steps, pieces, have = int(words[0]), int(words[1]), [words[2:]], len(words) - 2
        while have < outputs:
            pieces.append(self._ask_scores(have, min(outputs - have, self._score_words))[2:])
            have += len(pieces[-1])
        if have > outputs:
            self._refuse(Type.SCORES, have)
        return Answer(winner, np.concatenate(pieces), steps)

    def sample(
        self,
        values: NDArray[np.int16],
        restart: bool = False,
        keep: bool = False,
        detects: bool = False,
    ) -> Heard:
        """Give raw samples, (samples, channels); return the last result and how many came.

        restart: begin anew before; keep: do not take the last sample yet (a benchmark does)
        detects: the model has a detector
        """
        data = np.ascontiguousarray(values, "<i2").tobytes()
        size = self._piece
        pieces = [data[i : i + size] for i in range(0, len(data), size)] or [b""]
        for i, piece in enumerate(pieces):
            flags = RESTART * (restart and i == 0) + KEEP * (keep and i == len(pieces) - 1)
            reply = self._ask(Type.SAMPLE, struct.pack("<I", flags) + piece, 3 + detects)
        results, when, winner, *detected = reply[: 3 + detects].view("<i4").tolist()
        return Heard(results, when, winner, reply[3 + detects :], *detected)

    def benchmark(self, what: What, argument: int = 0) -> Count:
        """Count the instructions of one call on the input vector; see check_count."""
        reply = self._ask(Type.BENCHMARK, struct.pack("<II", what, argument), COUNT.size // 4)
        fields = COUNT.unpack_from(reply.data)
        n, per_1000, ticks, wraps, empty, empty_wraps, known, known_wraps = fields
        if n >= MOST_COUNT:
            self._refuse(Type.BENCHMARK, len(reply))
        spans = (Span(ticks, wraps), Span(empty, empty_wraps), Span(known, known_wraps))
        return Count(n, per_1000, *spans)

    def parts(self) -> Parts:
        """Return the parts of the last benchmark; the firmware must be built with MODEL_MARKS."""
        words: list[int] = []
        while True:
            reply = self._ask(Type.PARTS, struct.pack("<I", len(words) // 3), 4).tolist()
            ticks, marks, first, count, *more = reply
            words += more
            if len(words) >= 3 * count:
                break
            if not more or count > MAX_PARTS:
                self._refuse(Type.PARTS, len(reply))
        if not marks or len(words) % 3:
            self._refuse(Type.PARTS, len(reply))
        parts = tuple(Part(*words[i : i + 3]) for i in range(0, len(words), 3))
        return Parts(first, ticks / marks, parts)

    def stack(self, what: What) -> int:
        """Return the bytes of stack that one call takes, by what it leaves of a painted one."""
        return int(self._ask(Type.STACK, struct.pack("<I", what), 1)[0])
