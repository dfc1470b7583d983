"""Serial ports: which one a board is behind, and how to use it as a link."""

from __future__ import annotations

import contextlib
import errno
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from codegen.base.closing import Closing
from codegen.base.errors import BootloaderError, LinkError
from codegen.target.boards import Board, Hardware

USB_DEVICES = Path("/sys/bus/usb/devices")
"""Where Linux lists what is on USB, also what has no serial port."""

REOPEN_SECONDS = 5.0
"""Time in which a port that went away, as a board's own USB does at a reset, may come back."""
REOPEN_PAUSE = 0.1

WRITE_SECONDS = 1.0
"""Time that the port has to take a request: eleven times what the longest needs at 115200 baud."""

REASONS = {
    errno.ENOENT: "there is no such port",
    errno.EBUSY: "it is busy: another program, perhaps a serial monitor, has it open",
    errno.EAGAIN: "it is busy: another program, perhaps a serial monitor, has it open",
    errno.EACCES: "permission denied: on Linux, join the group that owns it, often `dialout`",
}


# ---------------------------------------------------------------- finding one


def _id(port: Any) -> str:
    """Return the id "vendor:product" of a port, "" if it is not on USB."""
    return "" if port.vid is None else f"{port.vid:04x}:{port.pid:04x}"


def serial_ports() -> dict[str, str]:
    """Return the serial ports of this machine: {device: its USB id or ""}."""
    from serial.tools.list_ports import comports  # noqa: PLC0415  # only for boards of hardware

    return {port.device: _id(port) for port in sorted(comports())}


def serial_number(device: str) -> str:
    """Return the serial number that what is behind a port tells of itself on USB; "" for none."""
    from serial.tools.list_ports import comports  # noqa: PLC0415  # only for boards of hardware

    found = [port.serial_number for port in comports() if port.device == device]
    return found[0] or "" if found else ""


def usb_devices(folder: Path = USB_DEVICES) -> set[str]:
    """Return the ids of everything on USB, where the system lists it."""
    found = set()
    for device in folder.glob("*"):
        with contextlib.suppress(OSError):
            words = [
                (device / name).read_text("utf-8").strip() for name in ("idVendor", "idProduct")
            ]
            found.add(":".join(words))
    return found


def _listed(ports: Iterable[str]) -> str:
    return f"serial ports here: {', '.join(ports) or 'none'}"


def _hardware(board: Board) -> Hardware:
    if board.hardware is None:
        raise ValueError(f"{board.name}: is emulated and has no serial port; leave --port out")
    return board.hardware


def find_port(board: Board) -> str:
    """Return the serial port that the board is behind, by what it says of itself on USB.

    Raises BootloaderError if the board is there but waits for an upload, LinkError if it is not
    there, if there are several, or if nothing on it names itself.
    """
    hardware, ports = _hardware(board), serial_ports()
    mine = [device for device, usb in ports.items() if usb in hardware.usb]
    if len(mine) == 1:
        return mine[0]
    if mine:
        raise LinkError(
            f"{board.name}: could be behind {' or '.join(mine)}; choose one with --port"
        )
    _require_no_bootloader(board, {*ports.values(), *usb_devices()})
    if not hardware.usb:
        raise LinkError(
            f"{board.name}: its serial line is {hardware.via}; name its port with --port; "
            f"{_listed(ports)}"
        )
    raise LinkError(
        f"{board.name}: not found behind {hardware.via}; {_listed(ports)}. Connect it, or name its "
        "port with --port"
    )


def check_port(board: Board, port: str) -> None:
    """Raise BootloaderError if a board in its bootloader is behind `port`."""
    usb = serial_ports().get(port)
    if usb:
        _require_no_bootloader(board, {usb})


def _require_no_bootloader(board: Board, found: set[str]) -> None:
    hardware = _hardware(board)
    if found & set(hardware.bootloader):
        raise BootloaderError(
            f"{board.name}: it waits in its bootloader; {hardware.leave}, or write the firmware "
            "with `spikemcu flash`"
        )


# --------------------------------------------------------------------- a link


class SerialLink(Closing):
    """A serial port as a link for codegen.target.protocol.Client.

    port:   such as /dev/ttyACM0
    baud:   bits per second
    name:   what the errors call the target
    reopen: seconds in which a port that goes away may come back

    Raises LinkError, with what to do, if the port cannot be opened or goes away for good.
    """

    def __init__(
        self, port: str, baud: int, name: str = "board", reopen: float = REOPEN_SECONDS
    ) -> None:
        self.port = port
        self.baud = baud
        self.name = name
        self.reopen = reopen
        self._serial = self._open()

    def _open(self) -> Any:
        import serial  # noqa: PLC0415  # only for boards of hardware

        try:
            return serial.Serial(
                self.port, self.baud, timeout=0, write_timeout=WRITE_SECONDS, exclusive=True
            )
        except (OSError, ValueError) as error:
            raise LinkError(f"{self.name}: {self.port}: {_reason(error)}") from None

    def read(self, timeout: float) -> bytes:
        """Wait for bytes of the board, at most `timeout` seconds; return b"" if none came."""
        try:
            self._serial.timeout = timeout
            data = bytes(self._serial.read(1))
            return data + bytes(self._serial.read(self._serial.in_waiting)) if data else b""
        except (OSError, TypeError):  # TypeError: what pyserial makes of a closed port
            self._come_back()
            return b""

    def write(self, data: bytes) -> None:
        """Send `data`; what the port does not take is lost, and the request will be repeated."""
        import serial  # noqa: PLC0415  # only for boards of hardware

        try:
            self._serial.write(data)
        except serial.SerialTimeoutException:
            self._serial.reset_output_buffer()
        except OSError:
            self._come_back()

    def _come_back(self) -> None:
        """Open the port once more; a board that resets takes its own USB port with it."""
        self.close()
        deadline = time.monotonic() + self.reopen
        while True:
            try:
                self._serial = self._open()
                return
            except LinkError:
                if time.monotonic() > deadline:
                    raise LinkError(
                        f"{self.name}: {self.port} went away and did not come back within "
                        f"{self.reopen:g} s: was the board unplugged?"
                    ) from None
            time.sleep(REOPEN_PAUSE)

    def close(self) -> None:
        """Give the port back."""
        with contextlib.suppress(OSError):
            self._serial.close()


def _reason(error: Exception) -> str:
    """Return why a port cannot be opened; pyserial's exceptions carry the system's number."""
    number = getattr(error, "errno", None)
    return REASONS.get(number or 0, str(error))
