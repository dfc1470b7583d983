"""The errors on the way to a target: a class for each cause, and one clear line."""

from __future__ import annotations


class UnknownBoardError(ValueError):
    """No board has this name."""


class TargetError(RuntimeError):
    """Something went wrong between the generated C and the answer of a target."""


class MissingToolError(TargetError):
    """A program is missing on this machine."""


class MissingCompilerError(MissingToolError):
    """There is no compiler for a board's core, and PlatformIO's registry gives none either."""


class MissingQemuError(MissingToolError):
    """There is no QEMU for a board's core."""


class MissingRegistryError(MissingToolError):
    """PlatformIO needs a package from its registry and cannot get it."""


class BuildError(TargetError):
    """The compiler or the linker refused the firmware."""


class TooLargeError(TargetError):
    """The model does not fit into the flash or RAM of the board."""


class CrashError(TargetError):
    """The firmware ended with a fault; `registers` holds the core's registers by name."""

    def __init__(self, message: str, registers: dict[str, int]) -> None:
        super().__init__(message)
        self.registers = registers


class EmulatorError(TargetError):
    """The emulator ended although nobody asked it to."""


class HangError(TargetError):
    """The firmware did not answer in time."""


class WrongModelError(TargetError):
    """The firmware holds another model than the one that was asked for."""


class ProtocolError(TargetError):
    """The firmware speaks another version of the protocol."""


class RestartedError(TargetError):
    """The firmware has restarted, or another host has taken it: what it was told is gone."""


class LinkError(TargetError):
    """The serial port is not there, busy, or ends."""


class BootloaderError(TargetError):
    """The board runs its bootloader, not the firmware."""


class UploadError(TargetError):
    """PlatformIO could not write the firmware to the board."""


class RefusedError(TargetError):
    """The firmware refused a request; `code` says why."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class InconsistentError(TargetError):
    """Two ways to the same number on the target disagree."""
