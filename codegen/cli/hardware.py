"""The verbs of boards: flash, and the list of them all."""

from __future__ import annotations

import shlex
import shutil
from argparse import Namespace
from collections.abc import Iterable
from typing import Any

from codegen.base.errors import MissingRegistryError
from codegen.cli.output import Output
from codegen.target.boards import Board, all_boards
from codegen.target.hardware import flash as flash_board
from codegen.target.registry import answers, installed, needs_registry, pinned, user_core
from qat.model import Model

MHZ = 10**6
KB = 1024
NO = "no"
"""How the answer begins where a platform is neither here nor to be had."""
WHAT_TO_DO = (
    "no: PlatformIO's registry, which has these platforms, does not answer: check the network and "
    "HTTPS_PROXY"
)


def flash(arguments: Namespace) -> int:
    """Write a model's firmware to a connected board."""
    out = Output(arguments)
    model = Model.load(arguments.model)
    with flash_board(model, arguments.board, arguments.port, out.progress) as target:
        info = target.info()
        port = target.link_port
    out.say(
        f"{target.board.name} on {port} holds {info.name}, digest {info.digest[:8]}, at "
        f"{info.clock_hz / MHZ:g} MHz"
    )
    at = ["--port", port] if arguments.port else []
    command = ["spikemcu", "run", arguments.model, "--board", target.board.name, *at]
    out.say(f"prove it there: {shlex.join(command)}")
    values = {"model": model.name, "digest": info.digest, "clock_hz": info.clock_hz}
    out.result({"board": target.board.name, "port": port, **values})
    return 0


def buildable(boards: Iterable[Board], out: Output) -> dict[str, str]:
    """Return for every board "yes", or what building for it takes first."""
    found = {}
    missing = [b for b in boards if needs_registry(b) and not _is_here(b)]
    registry = bool(missing) and _asked(missing[0], out)
    for board in boards:
        if not needs_registry(board):
            compiler = board.architecture.tools.compiler
            found[board.name] = "yes" if shutil.which(compiler) else f"needs {compiler}"
        elif board not in missing:
            found[board.name] = "yes"
        elif registry:
            found[board.name] = f"after a download: {board.platform} {pinned(board)}"
        else:
            found[board.name] = f"{NO}: needs {board.platform} {pinned(board)}"
    return found


def _is_here(board: Board) -> bool:
    try:
        return installed(board, user_core())
    except MissingRegistryError:  # the user has no home folder
        return False


def _asked(board: Board, out: Output) -> bool:
    out.progress("asking PlatformIO's registry")
    return answers(board.platform)


def _row(board: Board, builds: str) -> tuple[Any, ...]:
    waits = board.hardware.wait_states if board.hardware else ""
    sizes = (board.clock_hz // MHZ, board.flash // KB, board.ram // KB, waits)
    return (board.name, board.core, *sizes, builds, board.title)


def _values(board: Board, builds: str) -> dict[str, Any]:
    hardware = board.hardware
    values = {
        "board": board.name,
        "core": board.core,
        "clock_hz": board.clock_hz,
        "flash": board.flash,
        "ram": board.ram,
        "title": board.title,
        "chip": board.chip,
        "emulated": hardware is None,
        "builds": builds == "yes",
        "building": builds,
        "sources": dict(board.sources),
    }
    if hardware is not None:
        waits = {"flash": hardware.wait_states, "conditions": hardware.conditions}
        values |= {"wait_states": waits | {"source": hardware.source}, "serial": hardware.via}
        values["upload"] = hardware.protocol
    return values


def boards(arguments: Namespace) -> int:
    """List the boards."""
    out = Output(arguments)
    known = list(all_boards().values())
    builds = buildable(known, out)
    header = ("board", "core", "MHz", "flash, KB", "RAM, KB", "waits", "builds here", "what it is")
    out.table(header, [_row(b, builds[b.name]) for b in known])
    out.say("waits: wait states of the flash at this clock; --json names the source of each figure")
    if any(answer.startswith(NO) for answer in builds.values()):
        out.say(WHAT_TO_DO)
    out.result({"boards": [_values(b, builds[b.name]) for b in known]})
    return 0
