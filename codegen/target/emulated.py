"""A model on an emulated board: the same call and result as Model.run, from the real firmware."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from codegen.kernels.pack import words_for
from codegen.render.generated import Generated, generated
from codegen.target.boards import Board, find_board
from codegen.target.build import build
from codegen.target.device import Device
from codegen.target.fit import require_fit
from codegen.target.protocol import Client
from codegen.target.qemu import Qemu, find_qemu
from codegen.target.runner import Runner
from qat.model import Model, Spikes

TIMEOUT = 60.0
"""Seconds after which a firmware that does not answer counts as hanging."""


class TargetModel(Runner):
    """A model built for an emulated board and run there.

    model:   what the firmware must hold: a Model, or what was generated of it
    board:   an emulated board or its name
    files:   the generated files, {name: text}; by default they are generated now
    timeout: seconds that one answer may take
    flags:   compiler options on top of the project's own
    elf:     firmware that was built elsewhere, with these flags; by default it is built now

    A model too large for the board is refused before anything is built. Building is done at
    once, QEMU starts with the first call. Raises the errors of
    codegen.base.errors, each for one cause. Use it as a context manager, or call close().
    """

    def __init__(
        self,
        model: Model | Generated,
        board: str | Board,
        *,
        files: Mapping[str, str] | None = None,
        timeout: float = TIMEOUT,
        flags: Sequence[str] = (),
        elf: Path | None = None,
    ) -> None:
        made = generated(model)
        super().__init__(made.model, find_board(board), timeout)
        self.flags = tuple(flags)
        require_emulated(self.board)
        require_link(self.board)
        require_fit(self.board, made, footprint)
        find_qemu(self.board.architecture)
        if elf is None:
            files = made.files if files is None else files
            elf = build(files, self.board, flags=flags)[self.board.name]
        self.elf = elf

    def connect(self, counting: bool = False) -> tuple[Qemu, Device]:
        """Start the firmware and return it once it has said that it holds this model."""
        qemu = Qemu(self.board, self.elf, counting)
        try:
            device = Device(Client(qemu, self.timeout, name=self.board.name))
            device.open()
            self._check(device.info())
        except BaseException:
            qemu.close()
            raise
        return qemu, device


def require_emulated(board: Board) -> None:
    """Raise ValueError for a board of hardware."""
    if board.hardware is not None:
        raise ValueError(
            f"{board.name}: is a board of hardware; `spikemcu flash` writes a model to it, "
            "`spikemcu run` runs it there"
        )


def require_link(board: Board) -> None:
    """Raise ValueError for a board whose firmware has no link."""
    if board.lean:
        raise ValueError(
            f"{board.name}: its firmware has no link and runs test vectors from flash: `spikemcu "
            "run`, `bench MODEL` and `report` take it, nothing else"
        )


def footprint(given: Model | Generated) -> tuple[int, int]:
    """Return what a model takes on a board, (flash, ram) in bytes, its code left out.

    Flash: weights and constants. RAM: the state with its probes, one input vector, scores, output
    spikes; for a model with a sensor a stream, one sample, and scores and spikes of its own.
    """
    program = generated(given).program
    model = program.model
    if isinstance(model.input, Spikes):
        vector = 4 * words_for(model.input.size)
    else:
        vector = model.input.size
    scores = 4 * model.outputs if model.readout else 0
    spikes = 4 * program.last.signal_words
    probes = program.probed_bytes - program.ram_bytes
    ram = program.probed_bytes + vector + scores + spikes
    if program.sensor is not None:
        ram += program.stream_bytes + probes + 2 * program.sensor.channels + scores + spikes
    return program.flash_bytes, ram
