"""Firmware that talks over an emulated serial port, as one on a board of hardware would."""

from __future__ import annotations

from codegen.target.boards import Board


def uart_flags(board: Board) -> tuple[str, ...]:
    """Return the compiler options of a firmware that talks over the board's emulated serial port.

    QEMU then needs `-serial pty`, or another of its character devices, in place of a console.
    """
    if board.uart is None:
        raise ValueError(f"{board.name}: its JSON names no emulated serial port")
    uart = board.uart
    flags = ("-DLINK_UART=1", f"-DUART_BASE={uart.base:#x}u", f"-DUART_{uart.kind.upper()}=1")
    return flags if uart.interrupt is None else (*flags, f"-DUART_INTERRUPT={uart.interrupt}u")
