"""Does a model fit on a board: known before anything is built."""

from __future__ import annotations

from collections.abc import Callable

from codegen.boards import Board
from codegen.errors import TooLargeError
from codegen.stages import Stage, plan
from qat.model import Model

FIRMWARE_FLASH = 8 * 1024
"""Bytes of flash that startup, protocol and C library take at most, on any core."""
FIRMWARE_RAM = 4096 + 2304
"""Bytes of RAM beside the model: the stack and two frames with what belongs to them."""


def require_fit(board: Board, model: Model, flash: int, ram: int) -> None:
    """Raise TooLargeError if a model cannot fit on `board` together with the firmware.

    flash: bytes of the model's code and constants
    ram:   bytes of its state, one input vector, its scores and its output spikes

    On a board of hardware the framework takes more, which the linker sees.
    """
    for what, bytes_of, needs, firmware, room in (
        ("flash", stage_flash, flash, FIRMWARE_FLASH, board.flash),
        ("RAM", stage_ram, ram, FIRMWARE_RAM, board.ram),
    ):
        over = needs + firmware - room
        if over > 0:
            raise TooLargeError(
                f"{board.name}: the model takes {needs} bytes of {what} and the firmware "
                f"{firmware}; the board has {room}, {over} too few. "
                + _advice(model, bytes_of, over)
            )


def stage_flash(stage: Stage) -> int:
    """Return the bytes of a stage's weights and constants."""
    return sum(table.bytes for table in stage.tables)


def stage_ram(stage: Stage) -> int:
    """Return the bytes that a stage keeps."""
    return sum(field.bytes for field in stage.fields)


def _advice(model: Model, bytes_of: Callable[[Stage], int], over: int) -> str:
    """Return which layer takes most, and how many neurons of it would fit.

    A neuron takes its own share of its layer, and its share, as an input, of the one that follows.
    """
    stages = plan(model).stages
    sizes = [bytes_of(stage) for stage in stages]
    largest = max(range(len(model.layers)), key=lambda index: sizes[index])
    synapses = model.synapses()
    neurons = synapses[largest][1].n_out
    each = sizes[largest] / neurons
    if largest + 1 < len(synapses):
        each += sizes[largest + 1] / neurons
    shape = f"{synapses[largest][1].n_in} -> {neurons}"
    start = f"{synapses[largest][0].capitalize()} ({shape}) takes {sizes[largest]} of them"
    fitting = int(neurons - over / each) if each else 0
    if fitting < 1:
        return f"{start}; no width of it alone is small enough: choose a larger board"
    return f"{start}: with about {fitting} neurons in place of {neurons} it would fit"
