"""What stands in for a C library on RISC-V, compiled for this machine, at every alignment."""

from __future__ import annotations

import ctypes
import subprocess

import pytest

from codegen.base.paths import assets
from codegen.checks.host import WARNINGS, find_compiler
from codegen.isa import RISCV

NAMES = ("memcpy", "memmove", "memset", "memcmp", "strlen")
LENGTHS = (0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """Return the functions under names of their own: this machine has others."""
    folder = assets() / "firmware" / str(RISCV.firmware.library)
    built = tmp_path_factory.mktemp("string") / "string.so"
    renamed = [f"-D{name}=our_{name}" for name in NAMES]
    flags = ["-O2", "-std=gnu99", "-shared", "-fPIC", *renamed, *WARNINGS]
    flags = [flag for flag in flags if flag not in ("-std=c99", "-pedantic-errors")]
    command = [find_compiler(), *flags, str(folder / "string.c"), "-o", str(built)]
    subprocess.run(command, check=True)
    return ctypes.CDLL(str(built))


def pattern(count: int) -> bytes:
    return bytes((37 * i + 11) % 251 for i in range(count))


@pytest.mark.parametrize("name", ["memcpy", "memmove"])
def test_copies(library: ctypes.CDLL, name: str) -> None:
    copy = getattr(library, f"our_{name}")
    copy.restype = ctypes.c_void_p
    for count in LENGTHS:
        for to in range(5):
            for start in range(5):
                source = ctypes.create_string_buffer(pattern(80), 80)
                target = ctypes.create_string_buffer(bytes(80), 80)
                place = ctypes.addressof(target) + to
                assert copy(ctypes.c_void_p(place), ctypes.byref(source, start), count) == place
                wanted = bytes(to) + pattern(80)[start : start + count] + bytes(80 - to - count)
                assert target.raw == wanted


def test_moves_within_one_array(library: ctypes.CDLL) -> None:
    for to in range(9):
        for start in range(9):
            data = ctypes.create_string_buffer(pattern(80), 80)
            library.our_memmove(ctypes.byref(data, to), ctypes.byref(data, start), 64)
            wanted = bytearray(pattern(80))
            wanted[to : to + 64] = pattern(80)[start : start + 64]
            assert data.raw == bytes(wanted)


def test_fills(library: ctypes.CDLL) -> None:
    for count in LENGTHS:
        for to in range(5):
            data = ctypes.create_string_buffer(pattern(80), 80)
            library.our_memset(ctypes.byref(data, to), 0x1A5, count)
            wanted = bytearray(pattern(80))
            wanted[to : to + count] = b"\xa5" * count
            assert data.raw == bytes(wanted)


def test_compares_and_measures(library: ctypes.CDLL) -> None:
    for count in LENGTHS:
        left = pattern(count)
        assert library.our_memcmp(left, bytes(left), count) == 0
        for place in range(count):
            more = left[:place] + bytes([left[place] + 1]) + bytes(count - place - 1)
            assert library.our_memcmp(left, more, count) < 0 < library.our_memcmp(more, left, count)
        text = bytes(byte | 1 for byte in left)
        assert library.our_strlen(text) == count
