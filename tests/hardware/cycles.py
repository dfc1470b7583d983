"""Estimates of cycles beside counts that others measured on boards and published with their code.

    python tests/hardware/cycles.py --aes DIR [--x25519 DIR] [--x25519-m0 DIR]

    --aes         github.com/jnk0le/cortexm-AES: for Cortex-M0, M3, M4, M7, M33 and QingKe V2
    --x25519      github.com/Emill/X25519-Cortex-M4
    --x25519-m0   github.com/pornin/x25519-cm0

All of it is assembly, so that the instructions are those that were measured, whatever the
compiler. They run on the emulated core, are traced, and take what codegen.isa.timings says, as a
model's do. The published counts are those without wait states. What a function computes is compared
with the vector of its standard. Nothing is copied: the sources stay where they are.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import places  # noqa: F401  # first: it finds what comes next

# isort: split
from calibration.cycles import TRACE
from support.core_program import CoreProgram

from codegen import isa
from codegen.target.qemu import qemu_command
from codegen.target.stack import disassemble


@dataclass(frozen=True)
class Row:
    """A function of which somebody published the cycles.

    option: that names the folder of its sources; board: an emulated one of its core
    chip:   on which it was measured; cycles: as published
    function, sources: its name, and the files that it needs, below the folder
    main:   C that calls it and ends with 0 if the result is right
    """

    option: str
    board: str
    chip: str
    function: str
    cycles: float
    sources: tuple[str, ...]
    main: str


# ------------------------------------------------------------------- what was published

AES_MAIN = """
#include <stdint.h>
#include <string.h>
static const uint8_t wanted[16] = {WANTED};
static uint32_t round_keys[64], key[8], in[4], out[4];
void SCHEDULE(uint8_t *rk, const uint8_t *key);
void CIPHER(const uint8_t *rk, const uint8_t *in, uint8_t *out, size_t rounds);
int main(void)
{
    for (unsigned i = 0; i < 32; i++) {
        ((uint8_t *)key)[i] = (uint8_t)i;
        ((uint8_t *)in)[i % 16] = (uint8_t)(i % 16 * 0x11);
    }
    SCHEDULE((uint8_t *)round_keys, (const uint8_t *)key);
    CIPHER((const uint8_t *)round_keys, (const uint8_t *)in, (uint8_t *)out, ROUNDS);
    return memcmp(out, wanted, 16) != 0;
}
"""
X25519_MAIN = """
#include <stdint.h>
#include <string.h>
static const uint8_t scalar[32] = {SCALAR}, point[32] = {POINT}, wanted[32] = {WANTED};
static uint32_t out[8];
void FUNCTION(uint8_t *out, const uint8_t *FIRST, const uint8_t *SECOND);
int main(void)
{
    FUNCTION((uint8_t *)out, FIRST, SECOND);
    return memcmp(out, wanted, 32) != 0;
}
"""


def octets(text: str) -> str:
    """Return hexadecimal digits as an initialiser of C."""
    return ", ".join(f"0x{byte:02X}" for byte in bytes.fromhex(text))


CIPHERTEXT = {128: "69c4e0d86a7b0430d8cdb78070b4c55a", 256: "8ea2b7ca516745bfeafc49904b496089"}
"""FIPS 197, appendix C."""

SCALAR = "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"
POINT = "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"
PRODUCT = "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"
"""RFC 7748, 5.2."""

AES_COUNTS = (
    ("qemu-m0", "STM32F0", "CM0_sBOX", "CM0_sBOX", (399, 1646, 568, 2306)),
    ("qemu-m0", "STM32F0", "CM0_sBOX", "CM0_FASTMULsBOX", (399, 1567, 568, 2195)),
    ("qemu-m0", "STM32F0", "CM0_d4T", "CM0_d4T", (439, 1152, 620, 1588)),
    ("qemu-m3", "STM32F1", "CM3_1T", "CM3_1T", (302, 627, 378, 859)),
    ("qemu-m4", "STM32F4", "CM3_1T", "CM3_1T", (302, 626, 378, 858)),
    ("qemu-m4", "STM32F4", "CM3_sBOX", "CM4_DSPsBOX", (302, 844, 378, 1172)),
    ("qemu-m7", "STM32H7", "CM7_1T", "CM7_1T", (139, 292, 178, 400)),
    ("qemu-m7", "STM32H7", "CM7_sBOX", "CM7_DSPsBOX", (139, 400, 178, 556)),
    ("qemu-m33", "RP2350", "CM33_1T", "CM33_1T", (271, 574, 307, 790)),
    ("qemu-rv32ec", "CH32V003", "QKv2_sBOX", "QKv2_sBOX", (461, 1835, 582, 2571)),
)
"""Board, chip, key schedule, cipher; cycles of schedule and block for keys of 128, of 256 bits."""


def aes_rows() -> Iterator[Row]:
    """Yield key schedules and encryption of a block."""
    for board, chip, schedule, cipher, counts in AES_COUNTS:
        for bits, rounds, pair in ((128, 10, counts[:2]), (256, 14, counts[2:])):
            names = f"{schedule}_AES{bits}_keyschedule_enc", f"{cipher}_AES_encrypt"
            main = AES_MAIN.replace("WANTED", octets(CIPHERTEXT[bits])).replace(
                "ROUNDS", f"{rounds}u"
            )
            main = main.replace("SCHEDULE", names[0]).replace("CIPHER", names[1])
            sources = (
                "aes/lookup_tables.c",
                f"aes/target/{schedule}/{names[0]}.S",
                f"aes/target/{cipher}/{names[1]}.S",
            )
            for name, cycles in zip(names, pair, strict=True):
                yield Row("aes", board, chip, name, cycles, sources, main)


def x25519_row(place: tuple[str, str], chip: str, function: str, cycles: float, file: str) -> Row:
    """Return the product of a scalar and a point; place: the option, and a board of the core."""
    option, board = place
    first, second = ("point", "scalar") if option == "x25519_m0" else ("scalar", "point")
    main = X25519_MAIN
    for name, text in (("SCALAR", SCALAR), ("POINT", POINT), ("WANTED", PRODUCT)):
        main = main.replace(name, octets(text))
    for name, text in (("FUNCTION", function), ("FIRST", first), ("SECOND", second)):
        main = main.replace(name, text)
    return Row(option, board, chip, function, cycles, (file,), main)


ROWS = (
    *{(row.board, row.function, row.cycles): row for row in aes_rows()}.values(),
    x25519_row(
        ("x25519", "qemu-m4"), "nRF52", "curve25519_scalarmult", 548_873, "x25519-cortex-m4-gcc.s"
    ),
    x25519_row(("x25519_m0", "qemu-m0"), "SAM D20", "x25519", 3_229_950, "src/x25519-cm0.S"),
)

PLAIN_LOADS = """
.macro xw_.c.lbu rd, rs, uimm=0
    lbu \\rd, \\uimm(\\rs)
.endm
"""
"""In place of QKv2_common.inc: QEMU has no load of QingKe's own; the load that every core has
takes as long, without wait states."""

# --------------------------------------------------------------------------- estimating


@dataclass(frozen=True)
class Estimate:
    """A row, the instructions that it executed, and the cycles that these take by the timings."""

    row: Row
    instructions: int
    cycles: float

    @property
    def error(self) -> float:
        """The relative error of the estimate."""
        return self.cycles / self.row.cycles - 1


def estimate(row: Row, folder: Path) -> Estimate:
    """Build, run and trace a row; SystemExit if it does not compute what it should."""
    with CoreProgram(row.board) as core, tempfile.TemporaryDirectory() as name:
        place = Path(name)
        own = place / "aes" / "target" / "QKv2_sBOX" / "QKv2_common.inc"
        own.parent.mkdir(parents=True)
        own.write_text(PLAIN_LOADS)
        sources = [str(folder / source) for source in row.sources]
        done = core.run(row.main, place, f"-I{place}", f"-I{folder}", *sources)
        if done.returncode:
            raise SystemExit(
                f"{row.function} on {row.board}: a wrong result: {done.stderr.strip()}"
            )
        log = place / "trace"
        command = [*qemu_command(core.machine, place / "program.elf"), *TRACE, str(log)]
        subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)
        return _of_trace(row, core, place / "program.elf", log)


def _of_trace(row: Row, core: CoreProgram, elf: Path, log: Path) -> Estimate:
    """Sum what the function executed, and what it called, from its entry to its return."""
    architecture = core.board.architecture
    clock = architecture.clock(isa.timing(core.board.core))
    functions = disassemble(elf, architecture)
    code = {i.address: i for f in functions.values() for i in f.code}
    after = dict(zip(sorted(code), sorted(code)[1:], strict=False))
    begin, caller = functions[row.function].start, {i.address for i in functions["main"].code}
    previous, count, cycles = 0, 0, 0.0
    for address in addresses(log):
        if previous:
            count += 1
            cycles += clock.takes(code[previous], after.get(previous) != address)
            if address in caller:
                return Estimate(row, count, cycles)
        if previous or address == begin:
            previous = address
    raise SystemExit(f"{row.function} on {row.board}: never returned")


def addresses(log: Path) -> Iterator[int]:
    """Yield the address of every instruction that a trace of QEMU lists."""
    with log.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.startswith("Trace"):
                yield int(line.split("/")[1], 16)


def show(found: list[Estimate]) -> None:
    """Print a table, and the errors of each core."""
    print(
        "| core | measured on | function | instructions | cycles, published | estimated | error |"
    )
    print("|---|---|---|---|---|---|---|")
    errors: dict[str, list[float]] = defaultdict(list)
    for one in found:
        row = one.row
        errors[row.board].append(one.error)
        print(f"| {row.board} | {row.chip} | `{row.function}` | {one.instructions:,} | "
              f"{row.cycles:,.0f} | {one.cycles:,.0f} | {one.error:+.1%} |")  # fmt: skip
    for board, each in errors.items():
        mean = sum(each) / len(each)
        span = f"{min(each):+.1%} to {max(each):+.1%}, mean {mean:+.1%}"
        print(f"{board}: {len(each)} functions, {span}")


def main() -> None:
    """Estimate what the folders given have."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for option in dict.fromkeys(row.option for row in ROWS):
        parser.add_argument(f"--{option.replace('_', '-')}", type=Path, metavar="DIR")
    folders = vars(parser.parse_args())
    show([estimate(row, folders[row.option].resolve()) for row in ROWS if folders[row.option]])


if __name__ == "__main__":
    main()
