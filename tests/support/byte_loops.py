"""The loops of first layers on bytes, without a model around them: on a core, and their twins.

A program has both: the loops as a core takes them, and portable C alone. It takes a map, taps and
limits, and answers with what each loop made of them and how many instructions it took.
"""

from __future__ import annotations

import math
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from calibration.counting import Counting
from numpy.typing import NDArray

from codegen import isa
from codegen.base.closing import Closing
from codegen.kernels.bytes.geometry import Geometry
from codegen.kernels.bytes.images import Images
from codegen.kernels.bytes.layer import slot_of, spread
from codegen.render import environment
from codegen.target.qemu import qemu_command

LOOPS = ("images", "add", "burst_bytes", "turn")

TURNED = 2
"""Times the words of all channels that are turned."""
"""The sums are those of add_bytes, or of add_products where weights multiply."""
MODEL, TWIN = "model", "twin"
SPREAD = 9
"""Different numbers, in the digits and words of what is compared."""


@dataclass(frozen=True)
class Case:
    """Loops of one geometry, with thresholds of `most` spikes.

    products: weights multiply; looped: words are turned in loops
    """

    geometry: Geometry
    most: int = 3
    near: bool = True
    negative: bool = False
    lanes: int = 32
    across: int = 1
    products: bool = False
    looped: bool = False

    @cached_property
    def layer(self) -> Any:
        """What the templates ask of a stage."""
        return SimpleNamespace(
            geometry=self.geometry,
            images=Images(self.geometry, self.negative),
            source=SimpleNamespace(
                ctype="int8_t" if self.negative else "uint8_t", negative=self.negative
            ),
            tap_ctype="uint16_t" if self.wide else "uint8_t",
            tap_bytes=2 if self.wide else 1,
            unit=0 if self.wide else self.unit,
            most=self.most,
            planes=self.most.bit_length(),
            limits=self.most - self.near,
            near=self.near,
            limit_ctype="uint8_t" if self.geometry.bits == 8 else "uint16_t",
            channels=1,
            digit_words=1,
            lanes=self.lanes,
            across=self.across,
            spread=self.spread,
            slot_of=lambda channel: slot_of(channel, self.lanes, self.spread),
            turned_in_loops=self.looped,
            vectors=False,
        )

    @property
    def spread(self) -> int:
        """Words from one of a channel, before it is turned, to that of the next one."""
        return spread(self.lanes, self.geometry.fields)

    @property
    def loops(self) -> tuple[str, ...]:
        """The names of its loops."""
        add = "add_products" if self.products else "add_bytes"
        return tuple(add if loop == "add" else loop for loop in LOOPS)

    @property
    def unit(self) -> int:
        """The power of two that divides all distances of taps."""
        found = math.gcd(*self._distances)
        return (found & -found).bit_length() - 1 if found else 2

    @property
    def wide(self) -> bool:
        """True if a tap takes 16 bits."""
        return max(self._distances) >> self.unit > 255

    @property
    def _distances(self) -> list[int]:
        g = self.geometry
        return [g.tap(*at[:2], at[2]) for at in np.ndindex(*g.kernel, g.grid.channels)]

    def text(self, name: str, sets: tuple[isa.InstructionSet, ...]) -> str:
        """Return the C of all loops with a prefix, for the instruction sets given."""
        program = SimpleNamespace(
            upper=name.upper(),
            name=name,
            layers=[self.layer],
            bringing=partial(isa.bringing, sets=sets),
            rows_with=partial(isa.bringing, sets=sets),
        )
        context = {"p": program, "m": name, "vector_loops": frozenset()}
        env = environment()
        parts = [
            f"#define {program.upper}_PROBE 0",
            f"#define {program.upper}_UNUSED __attribute__((unused))",
            f"#define {program.upper}_APART __attribute__((noinline))",
            f'#define {program.upper}_HOLD(x) __asm__("" : "+r"(x))',
        ]
        parts += [
            f"#define {program.upper}_{row.macro} (defined(__GNUC__) && {row.condition})"
            for row in sets
            if row.variant
        ]
        for loop in self.loops:
            contract = env.get_template(f"kernels/loops/{loop}/contract.c.j2")
            parts.append(contract.render(context))
        for loop in self.loops:
            variants = env.get_template("kernels/loops/variants.c.j2")
            parts.append(variants.render(context | {"name": loop}))
        return "\n".join(parts)


PROGRAM = """
#include <stdint.h>
#include <string.h>
#include "semihosting.h"
#include "spikemcu/counter.h"
#pragma GCC diagnostic ignored "-Wexpansion-to-defined"
{model}
{twin}
static struct {{
    uint32_t own, minus, plus, start;
    uint8_t x[{x}];
    {tap} taps[{taps}];
    int8_t weights[{taps}];
    {limit} limits[8];
    uint32_t words[{words}];
}} request;
static struct {{
    uint32_t counts[4];
    uint32_t corners;
    uint32_t images[{length}];
    uint32_t sums[{sums}];
    uint32_t digits[{parts} * {groups}][{planes}];
    uint32_t words[{words}];
}} answer;
#define BOTH(call) \\
    do {{ \\
        if (request.own != 0u) {{ \\
            model_##call; \\
        }} else {{ \\
            twin_##call; \\
        }} \\
    }} while (0)
static void images(uintptr_t a, uintptr_t b, uintptr_t c)
{{
    (void)a; (void)b; (void)c;
    BOTH(images((const void *)request.x, answer.images));
}}
static void add(uintptr_t a, uintptr_t b, uintptr_t c)
{{
    uint32_t *sums = answer.sums;
    (void)a; (void)b; (void)c;
    for (uint32_t part = 0u; part < {parts}u; part++) {{
        BOTH({add}(answer.images + part * {part_words}u, request.taps, {given}, request.start,
            sums, {blocks}u));
        sums += {blocks}u * (answer.corners == 1u ? 2u : 8u);
    }}
}}
static void burst(uintptr_t a, uintptr_t b, uintptr_t c)
{{
    (void)a; (void)b; (void)c;
    for (uint32_t g = 0u; g < {parts}u * {groups}u; g++) {{
        const uint32_t part = g / {groups}u;
        const uint32_t number = g % {groups}u;
        const uint32_t at = part * {blocks}u * (8u / {per_block}u) + number * {group}u;
        const uint32_t words = number == {groups}u - 1u ? {last}u : {group}u;

        BOTH(burst_bytes(answer.sums + at * {per_word}, {limits}words, answer.digits[g]));
    }}
}}
static void turn(uintptr_t a, uintptr_t b, uintptr_t c)
{{
    (void)a; (void)b; (void)c;
    BOTH(turn(answer.words, {turned}u));
}}
int main(void)
{{
    static const counter_function functions[4] = {{ images, add, burst, turn }};
    const int32_t from = semihosting_open_console(0);
    const int32_t to = semihosting_open_console(1);
    const counter_calibration calibration = counter_calibrate();

    while (semihosting_read(from, &request, sizeof request) == 0u) {{
        memset(&answer, 0xaa, sizeof answer);
        memcpy(answer.words, request.words, sizeof answer.words);
        answer.corners = {corners};
        for (uint32_t k = 0u; k < 4u; k++) {{
            const counter_span span = counter_measure(functions[k], 0, 0, 0);
            answer.counts[k] = (uint32_t)counter_count(&calibration, span);
        }}
        (void)semihosting_write(to, &answer, sizeof answer);
    }}
    return 0;
}}
"""


@dataclass(frozen=True)
class Request:
    """What the loops are given: a map, taps, where the sums start, limits, words to turn.

    weights: of the taps, those of minus first
    """

    x: NDArray[Any]
    minus: NDArray[np.int64]
    plus: NDArray[np.int64]
    start: int
    limits: NDArray[np.int64]
    words: NDArray[np.uint32]
    weights: NDArray[np.int64]

    def packed(self, case: Case, own: bool) -> bytes:
        """Return the bytes that the program reads."""
        head = np.array([own, len(self.minus), len(self.plus), self.start % 2**32], "<u4")
        taps = np.zeros(sizes(case)["taps"], "<u2" if case.wide else "u1")
        listed = np.concatenate([self.minus, self.plus])
        assert not (listed % 2**case.layer.unit).any()
        taps[: len(listed)] = listed >> case.layer.unit
        weights = np.zeros(sizes(case)["taps"], "i1")
        weights[: len(listed)] = self.weights
        limits = np.zeros(8, "u1" if case.geometry.bits == 8 else "<u2")
        limits[: len(self.limits)] = self.limits
        x = np.zeros(sizes(case)["x"], self.x.dtype)
        x[: self.x.size] = self.x.ravel()
        parts = (head, x, taps, weights, limits, self.words.astype("<u4"))
        return b"".join(part.tobytes() for part in parts)


@dataclass(frozen=True, eq=False)
class Answer:
    """What the loops made, and the instructions of each."""

    counts: NDArray[np.uint32]
    corners: int
    images: NDArray[np.uint32]
    sums: NDArray[np.uint32]
    digits: NDArray[np.uint32]
    words: NDArray[np.uint32]


def sizes(case: Case) -> dict[str, int]:
    """Return the lengths of the program's arrays."""
    g = case.geometry
    most = g.kernel[0] * g.kernel[1] * g.grid.channels
    return {
        "x": -(-g.grid.size // 4) * 4,
        "taps": -(-most // 4) * 4,
        "words": TURNED * case.lanes * case.across,
        "length": g.length,
        "sums": g.parts * g.blocks * 8,
        "parts": g.parts,
        "groups": g.groups,
        "planes": case.layer.planes,
    }


def program(case: Case, sets: tuple[isa.InstructionSet, ...]) -> str:
    """Return the C of the program."""
    g = case.geometry
    corners = "request.own != 0u ? MODEL_CORNERS : 4u" if g.pooled else "1u"
    return PROGRAM.format(
        model=case.text(MODEL, sets),
        twin=case.text(TWIN, ()),
        tap=case.layer.tap_ctype,
        limit=case.layer.limit_ctype,
        add=case.loops[LOOPS.index("add")],
        turned=TURNED * case.lanes,
        given="request.weights, request.minus + request.plus"
        if case.products
        else "request.minus, request.plus",
        limits="request.limits, " if case.layer.limits else "",
        part_words=g.part_bytes // 4 if g.pooled else 0,
        blocks=g.blocks,
        group=g.group,
        per_block=g.corners,
        last=g.last,
        per_word="answer.corners" if g.pooled else "1u",
        corners=corners,
        **sizes(case),
    )


class Bench(Closing):
    """The program of a case on a board; a context manager."""

    def __init__(self, case: Case, counting: Counting) -> None:
        self.case, self.counting = case, counting
        self.folder = tempfile.TemporaryDirectory(prefix="spikemcu-")
        path = Path(self.folder.name)
        (path / "loop.c").write_text(program(case, isa.SETS))
        self.elf = path / "loop.elf"
        counting._compile(path, ["loop.c", *counting._objects, *counting._linker, "-o", "loop.elf"])

    def close(self) -> None:
        """Remove the program."""
        self.folder.cleanup()

    def ask(self, requests: list[Request], own: bool) -> list[Answer]:
        """Return the answers of the core's loops, or of the twins."""
        done = subprocess.run(
            qemu_command(self.counting.machine, self.elf, counting=True),
            input=b"".join(one.packed(self.case, own) for one in requests),
            capture_output=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-500:]
        answers = np.frombuffer(done.stdout, "<u4").reshape(len(requests), -1)
        return [self._answer(words) for words in answers]

    def _answer(self, words: NDArray[np.uint32]) -> Answer:
        n = sizes(self.case)
        lengths = (4, 1, n["length"], n["sums"], n["parts"] * n["groups"] * n["planes"], n["words"])
        counts, corners, images, sums, digits, turned = np.split(words, np.cumsum(lengths)[:-1])
        shaped = digits.reshape(-1, n["planes"])
        return Answer(counts, int(corners[0]), images, sums, shaped, turned)
