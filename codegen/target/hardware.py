"""A model on a board of hardware: written to it by PlatformIO, asked over its serial port."""

from __future__ import annotations

import time
from collections.abc import Callable

from codegen.base.errors import (
    BootloaderError,
    HangError,
    LinkError,
    RefusedError,
    RestartedError,
    TargetError,
    WrongModelError,
)
from codegen.render.generated import Generated, generated, model_of
from codegen.target.boards import Board, find_board
from codegen.target.build import upload
from codegen.target.device import Device
from codegen.target.emulated import footprint
from codegen.target.fit import require_fit
from codegen.target.ports import SerialLink, check_port, find_port
from codegen.target.protocol import Client
from codegen.target.runner import Runner
from qat.model import Model

ANSWER_SECONDS = 2.0
"""Time for one reply: the longest frame takes 0.1 s at 115200 baud, the rest is the model's."""
RESENDS = 6
HELLO_SECONDS = 0.5
HELLO_RESENDS = 3
"""A firmware answers the first request at once: together 2 s."""
STARTUP_SECONDS = 20.0
"""Time in which a board must come back after an upload."""
STARTUP_PAUSE = 0.3


class BoardModel(Runner):
    """A model that a connected board holds, run there.

    model: what the firmware must hold: a Model, or what was generated of it
    board: a board of hardware or its name
    port:  its serial port; by default it is looked for
    trace_membranes: with a trace, fetch the membranes of every step as well as the spikes

    The board is looked for with the first call. Raises LinkError, BootloaderError,
    ProtocolError, WrongModelError, and what a run raises. Use it as a context manager, or call
    close().
    """

    def __init__(
        self,
        model: Model | Generated,
        board: str | Board,
        port: str | None = None,
        *,
        timeout: float = ANSWER_SECONDS,
        trace_membranes: bool = True,
    ) -> None:
        board = find_board(board)
        if board.hardware is None:
            raise ValueError(
                f"{board.name}: is emulated and has no serial port; use `spikemcu run`"
            )
        super().__init__(model_of(model), board, timeout)
        self.hardware = board.hardware
        self.port = port
        self._port_used = port or ""
        self.trace_membranes = trace_membranes

    def connect(self, counting: bool = False) -> tuple[SerialLink, Device]:
        """Open the port and return the board once it has said that it holds this model."""
        self.close()
        if self.port is not None:
            check_port(self.board, self.port)
        port = find_port(self.board) if self.port is None else self.port
        self._port_used = port
        link = SerialLink(port, self.hardware.baud, self.board.name)
        try:
            client = Client(link, HELLO_SECONDS, HELLO_RESENDS, self.board.name)
            device = Device(client)
            self._greet(device, port)
            self._check(device.info())
            client.timeout, client.resends = self.timeout, RESENDS
        except BaseException:
            link.close()
            raise
        return link, device

    @property
    def link_port(self) -> str:
        """The serial port that is or was last in use; the one that was asked for, or found."""
        return self._port_used

    def _greet(self, device: Device, port: str) -> None:
        try:
            device.open()
        except (HangError, RefusedError):
            seconds = HELLO_SECONDS * (HELLO_RESENDS + 1)
            raise LinkError(
                f"{self.board.name}: nothing on {port} speaks our protocol (asked for "
                f"{seconds:g} s): is it the board's port, and was the board written with `spikemcu "
                f"flash`? If it waits in its bootloader: {self.hardware.leave}"
            ) from None

    def _wrong_model(self) -> str:
        return f"; write it with `spikemcu flash MODEL --board {self.board.name}`"


def flash(
    model: Model | Generated,
    board: str | Board,
    port: str | None = None,
    progress: Callable[[str], None] = lambda text: None,
) -> BoardModel:
    """Build a model's firmware, write it to the board, and return it running there.

    progress: called with what is being done

    Raises ValueError for an emulated board, TooLargeError before anything is built, what
    `build` raises, UploadError, and LinkError if the board does not come back.
    """
    target = BoardModel(model, board, port)
    made = generated(model)
    require_fit(target.board, made, footprint)
    progress(f"building firmware for {target.board.name} and writing it there")
    upload(made.files, target.board, port if target.hardware.uploads else None)
    progress(f"waiting for {target.board.name}")
    _wait(target)
    return target


def _wait(target: BoardModel) -> None:
    """Wait until the board answers with the model's digest.

    Raises the last error if it does not within STARTUP_SECONDS; a wrong model is waited for as
    well, because the old firmware may answer until the reset.
    """
    deadline = time.monotonic() + STARTUP_SECONDS
    while True:
        try:
            target.info()
            return
        except (LinkError, BootloaderError, WrongModelError, HangError, RestartedError) as error:
            if time.monotonic() > deadline:
                raise TargetError(f"after the upload: {error}") from None
        time.sleep(STARTUP_PAUSE)
