"""Whether a model fits on a board: known before anything is built."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from codegen.base.errors import TooLargeError
from codegen.kernels.stage import Layer, Stage
from codegen.render.generated import Generated, generated
from codegen.target.boards import Board
from qat.model import Layer as Record
from qat.model import Model, Synapse

FIRMWARE_FLASH = 8 * 1024
"""Bytes of flash that startup, protocol and C library take at most, on any core."""
LEAN_FLASH = 1024
"""The same of a firmware without a link."""
FIRMWARE_VARIABLES = 256
"""Bytes of RAM that the firmware takes beside the model, its stack and two frames."""
LEAN_VARIABLES = 32
"""The same of a firmware without a link."""


def firmware_flash(board: Board) -> int:
    """Return the bytes of flash that the firmware takes beside the model, at most."""
    return LEAN_FLASH if board.lean else FIRMWARE_FLASH


def firmware_ram(board: Board) -> int:
    """Return the bytes of RAM that the firmware of an emulated board takes beside the model."""
    if board.lean:
        return board.stack + LEAN_VARIABLES
    return board.stack + 2 * board.frame + FIRMWARE_VARIABLES


Footprint = Callable[[Model | Generated], tuple[int, int]]
"""Returns the bytes of flash and of RAM that a model takes, its code left out."""


def require_fit(board: Board, model: Model | Generated, footprint: Footprint) -> None:
    """Raise TooLargeError if a model cannot fit on `board` together with the firmware.

    On a board of hardware the framework takes more, which the linker sees.
    """
    told = misfit(board, model, footprint)
    if told is not None:
        raise TooLargeError(told)


def misfit(board: Board, model: Model | Generated, footprint: Footprint) -> str | None:
    """Return one line about a model that cannot fit on `board` together with the firmware.

    It says which layer takes most, and how wide it could be. None if the model may fit.
    """
    made = generated(model)
    flash, ram = footprint(made)
    for which, what, needs, firmware, room in (
        (0, "flash", flash, firmware_flash(board), board.flash),
        (1, "RAM", ram, firmware_ram(board), board.ram),
    ):
        if needs + firmware > room:
            fits = partial(_fits, footprint, which, room - firmware)
            return (
                f"{board.name}: the model takes {needs} bytes of {what} and the firmware "
                f"{firmware}; the board has {room}, {needs + firmware - room} too few. "
                + _advice(made, SIZES[which], fits)
            )
    return None


def _fits(footprint: Footprint, which: int, most: int, model: Model) -> bool:
    """Return True if a model takes at most so many bytes: of flash (which = 0), or of RAM (1)."""
    return footprint(model)[which] <= most


def _stage_flash(stage: Stage) -> int:
    return sum(table.bytes for table in stage.tables)


def _stage_ram(stage: Stage) -> int:
    return sum(field.bytes for field in stage.fields)


SIZES = (_stage_flash, _stage_ram)
"""Bytes of flash, and of RAM, of one stage."""


def _advice(made: Generated, size: Callable[[Stage], int], fits: Callable[[Model], bool]) -> str:
    """Return which layer takes most, and with how many neurons the model would fit."""
    stages, synapses = made.program.stages, made.model.synapses()
    free = [  # the last one has as many neurons as outputs, a depthwise one as many as its map
        index
        for index in range(len(synapses) - 1)
        if synapses[index][1].narrowed(channels=1).channels == 1
    ]
    largest = max(range(len(synapses)), key=lambda index: size(stages[index]))
    where, synapse = synapses[largest]
    stage = stages[largest]
    title = stage.title if isinstance(stage, Layer) else ""
    shape = title or f"{synapse.n_in} -> {synapse.n_out}"
    start = f"{where.capitalize()} ({shape}) takes {size(stage)}"
    narrowest = max(free, key=lambda index: size(stages[index]), default=None)
    if narrowest is None:
        return f"{start} of them: choose a larger board"
    neurons = _most_neurons(made.model, narrowest, fits)
    if neurons < 1:
        return f"{start} of them; no width of a layer makes it fit: choose a larger board"
    width, kind = synapses[narrowest][1].channels, "neurons"
    if synapses[narrowest][1].shape.positions > 1:
        kind = "channels"
    name = "" if narrowest == largest else f" in {synapses[narrowest][0]}"
    return f"{start} of them: with {neurons} {kind} in place of {width}{name} it would fit"


def _most_neurons(model: Model, index: int, fits: Callable[[Model], bool]) -> int:
    """Return the most neurons of a layer with which the model fits; 0 if not even one does."""
    low, high = 0, model.layers[index].channels
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(narrowed(model, index, middle)) else (low, middle)
    return low


def narrowed(model: Model, index: int, channels: int) -> Model:
    """Return the model with only the first channels of layer `index`: a dense layer's neurons.

    A depthwise convolution behind it loses its own channels too, and so on.
    """
    layers, readout = list(model.layers), model.readout
    layers[index] = _with(layers[index], layers[index].synapse.narrowed(channels=channels))
    for i in range(index + 1, len(layers)):
        if layers[i - 1].shape == model.layers[i - 1].shape:
            return replace(model, layers=tuple(layers))
        layers[i] = _with(layers[i], layers[i].synapse.narrowed(layers[i - 1].shape))
    if readout is not None and layers[-1].shape != model.layers[-1].shape:
        readout = readout.narrowed(layers[-1].shape)
    return replace(model, layers=tuple(layers), readout=readout)


def _with(layer: Record, synapse: Synapse) -> Record:
    """Return a layer with what is left of its synapse, and of its neurons."""
    return replace(layer, synapse=synapse, neuron=layer.neuron.narrowed(synapse.channels))
