"""Programs for an ATmega2560, whose int has 16 bits, run in simavr: they say what they found."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

RAM = 8192
"""Bytes of RAM of the chip; on AVR constants lie there too."""

ROOM = RAM - 600
"""Bytes of it for a model, a state and vectors: what is left is for the stack."""

WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wundef", "-Werror")
COMPILER = ("avr-gcc", "-std=c99", "-mmcu=atmega2560", "-Os", *WARNINGS)

START = """
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>
#include <stdint.h>

static void say(char letter)
{
    while ((UCSR0A & _BV(UDRE0)) == 0) {
    }
    UDR0 = (uint8_t)letter;
}

static uint32_t found(void);

int main(void)
{
    char text[12];
    uint8_t at = 0u;
    uint32_t number;

    UCSR0B = _BV(TXEN0);
    number = found();
    do {
        text[at++] = (char)('0' + (char)(number % 10u));
        number /= 10u;
    } while (number != 0u);
    while (at != 0u) {
        say(text[--at]);
    }
    say('\\n');
    while ((UCSR0A & _BV(TXC0)) == 0) {
    }
    cli();
    sleep_enable();
    sleep_cpu(); /* without interrupts: the simulator ends */
    return 0;
}
"""

VECTORS = """
#include "vectors.h"

static NAME_state state;

static uint32_t found(void)
{
    return NAME_check_vectors(&state);
}
"""
"""0, or the number of the first vector that differs."""


def refused(name: str, files: Mapping[str, str], folder: Path) -> list[str]:
    """Return the errors of the compiler for a model's own files; none if it takes them."""
    for end in ("h", "c"):
        (folder / f"{name}.{end}").write_text(files[f"{name}.{end}"])
    command = [*COMPILER, "-fsyntax-only", f"{name}.c"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return [line for line in done.stderr.splitlines() if "error:" in line]


def answer(files: Mapping[str, str], found: str, folder: Path) -> int:
    """Return the number that a program's `found` gives, on the chip."""
    for name, text in {**files, "main.c": START + found}.items():
        (folder / name).write_text(text)
    sources = sorted(name for name in {**files, "main.c": ""} if name.endswith(".c"))
    command = [*COMPILER, *sources, "-o", "program.elf"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    numbers = re.findall(r"^(\d+)$", simulated(folder), re.MULTILINE)
    assert numbers, "the program said nothing"
    return int(numbers[-1])


def simulated(folder: Path) -> str:
    """Return the lines that `program.elf` of a folder writes to its first serial port."""
    command = ["simavr", "-m", "atmega2560", "-f", "16000000", "program.elf"]
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=300, check=False)
    said = re.findall(r"\x1b\[32m(.*?)\.?\n\x1b\[0m", (done.stdout + done.stderr).decode("latin-1"))
    return "\n".join(said)
