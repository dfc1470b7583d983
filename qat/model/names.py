"""Names of models: the prefix of every symbol of the generated C, and the stem of its files.

A name that is chosen is checked against what it would meet in a build: words of the languages,
headers that `<name>.h` would hide, on Windows and macOS whatever the case (those of C++ have no
ending, so that none is hidden), names that Windows
keeps for devices, prefixes of symbols of ours and of the libraries that boards are used with.
Names that C keeps for itself without using them so far (`str...`, `E...`) are free, since ours
go on with an underscore and a word: str_reset hides nothing.

CMake's targets, Kconfig's symbols and include guards are no reason to refuse a name: there the
generated files put a prefix before it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

MAX_NAME = 31

PREFIX = "snn_"
"""Stands before a word that is no name by itself."""

FALLBACK = "snn"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


C_KEYWORDS = _words(
    "auto break case char const continue default do double else enum extern float for goto if "
    "inline int long register restrict return short signed sizeof static struct switch typedef "
    "union unsigned void volatile while _Bool _Complex _Imaginary _Alignas _Alignof _Atomic "
    "_Generic _Noreturn _Static_assert _Thread_local alignas alignof and asm bool catch class "
    "constexpr delete explicit export false friend mutable namespace new not nullptr operator "
    "or private protected public template this throw true try typename using virtual xor"
)
LATER_KEYWORDS = _words(
    "and_eq bitand bitor compl not_eq or_eq xor_eq char8_t char16_t char32_t wchar_t concept "
    "consteval constinit const_cast co_await co_return co_yield decltype dynamic_cast noexcept "
    "reinterpret_cast requires static_assert static_cast thread_local typeid typeof "
    "typeof_unqual final override import module unix linux arm near far interrupt NULL EOF "
    "stdin stdout stderr"
)
"""Further words of C23 and C++23, and those that compilers add or define."""

FILE_NAMES = _words("stdbool stddef stdint string binding driver recording vectors")
"""Headers that stand beside the generated one, or that it includes."""

OWN = _words(
    "model device link take call append prepare main driver_stream model_marks device_hold "
    "device_may"
)
"""Files of ours, and prefixes of symbols of our firmware: no C of such a model could be built."""

HEADERS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "the C library": _words(
            "aio aliases alloca ar argp argz assert byteswap complex cpio crypt ctype cxxabi "
            "devctl dirent dlfcn elf endian envlock envz err errno error execinfo fastmath "
            "fcntl features fenv float fmtmsg fnmatch fstab fts ftw gconv getopt glob grp "
            "gshadow iconv ieeefp ifaddrs inttypes io iso646 langinfo lastlog libgen libintl "
            "limits link locale malloc math mcheck memory mntent monetary mqueue ndbm netdb "
            "newlib nl_types nss obstack paths poll printf proc_service process pthread pty "
            "pwd re_comp reent regdef regex regexp resolv sched search semaphore setjmp sgtty "
            "shadow signal spawn stab stdalign stdarg stdatomic stdbit stdckdint stddef stdfix "
            "stdint stdio stdio_ext stdlib stdnoreturn string strings syscall sysexits "
            "syslimits syslog tar termio termios tgmath thread_db threads time ttyent uchar "
            "ucontext ulimit unctrl unistd unwind utime utmp utmpx values varargs wait wchar "
            "wctype windows winsock wordexp"
        ),
        "a compiler": _words(
            "arm_acle arm_bf16 arm_cde arm_cmse arm_fp16 arm_mve arm_neon cpuid emmintrin gcov "
            "immintrin omp quadmath"
        ),
        "Arduino": _words(
            "arduino avr binary bluetooth boot bridge cdc client command console dns dhcp "
            "eeprom ethernet firmata hardwareserial hardwareserial_private hid ipaddress "
            "keyboard liquidcrystal mouse new pdm pgmspace pins_arduino pin_defs pluggableusb "
            "print printable robot sd server servo softwareserial spi stepper stream tft tone "
            "twi udp update usb usbapi usbcore usbdesc variant wcharacter webserver wifi wire "
            "wiring wiring_private wmath wstring"
        ),
        "Zephyr": _words(
            "app_version autoconf board device devicetree generated_dts_board init kernel "
            "kernel_arch_data kernel_structs linker_defs offsets pinmux soc syscall_list "
            "toolchain version zephyr"
        ),
        "ESP-IDF": _words(
            "croutine deprecated_definitions esp_err esp_log esp_system event_groups freertos "
            "freertosconfig list message_buffer nvs nvs_flash portable portmacro projdefs "
            "queue rom sdkconfig semphr soc stream_buffer task timers ulp xtensa"
        ),
    }
)
"""Stems of headers, in small letters: `<name>.h` would be found in their place."""

DEVICES = _words("con prn aux nul") | {f"{port}{n}" for port in ("com", "lpt") for n in range(10)}
"""No file on Windows may be called so, with any ending."""

SYMBOLS = _words("byte sig wdt")
"""BYTE_ORDER, SIG_HOLD and wdt_reset are macros of C libraries."""


class KnownName(str):
    """A name that a file has already: it is taken if C takes it, so that old files still load."""

    __slots__ = ()


def check_c_name(name: Any) -> str:
    """Return `name` if every symbol of the generated C may start with it, else ValueError."""
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
        raise ValueError(f"name: found {name!r}; must be a C identifier: a letter, then letters, "
                         "digits or underscores")  # fmt: skip
    if len(name) > MAX_NAME:
        raise ValueError(f"name: found {len(name)} characters; at most {MAX_NAME}")
    met = always_meets(name) if isinstance(name, KnownName) else meets(name)
    if met is not None:
        raise ValueError(f"name: {name!r} is {met}; choose another, such as {safe_name(name)!r}")
    return name


def always_meets(name: str) -> str | None:
    """Return what no generated C of such a name could be built with; None for a usable one."""
    if name in C_KEYWORDS:
        return "a keyword of C or C++"
    return "the name of another header" if name.lower() in FILE_NAMES else None


def meets(name: str) -> str | None:
    """Return what a name would collide with, in words; None if with nothing that is known."""
    small = name.lower()
    if (met := always_meets(name)) is not None:
        return met
    if name in LATER_KEYWORDS:
        return "a keyword of C or C++, or a word that a compiler defines"
    if small in OWN:
        return "the name of files or symbols of spikemcu itself"
    if small in DEVICES:
        return "a device of Windows, where no file can be called so"
    if small in SYMBOLS:
        return "the beginning of a macro of the C library"
    found = [who for who, stems in HEADERS.items() if small in stems]
    return f"the name of a header of {found[0]}" if found else None


def safe_name(name: str) -> str:
    """Return a name that meets nothing: the same, or the same behind a prefix."""
    return name if meets(name) is None else f"{PREFIX}{name}"[:MAX_NAME]


def known_name(name: Any) -> Any:
    """Return the name that a model file gives its model, a KnownName.

    One of ours, with which no C of it could be built, gets a prefix.
    """
    if not isinstance(name, str):
        return name
    return safe_name(name) if name.lower() in OWN else KnownName(name)


# ---------------------------------------------------------------------- from any word

SPELLED = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "ẞ": "SS",
     "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "ø": "o", "Ø": "O", "å": "aa", "Å": "Aa",
     "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ł": "l", "Ł": "L",
     "ħ": "h", "\N{LATIN SMALL LETTER DOTLESS I}": "i", "ŋ": "n"}
)  # fmt: skip
"""Letters that are no letter with a mark: how they are written without."""


def ascii_of(text: str) -> str:
    """Return a text in ASCII: letters spelled without their marks, what is left as underscores."""
    spelled = unicodedata.normalize("NFC", text).translate(SPELLED)
    plain = unicodedata.normalize("NFKD", spelled)
    bare = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return re.sub(r"[^A-Za-z0-9_]", "_", bare)


def c_name(text: str) -> str:
    """Return a name for a model, made of any text, such as the stem of a file."""
    name = ascii_of(text)
    if not name.strip("_"):
        return FALLBACK
    if not name[0].isalpha():
        name = f"{PREFIX}{name}"
    return safe_name(name[:MAX_NAME])
