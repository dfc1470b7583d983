"""The kernels of the least flash for a model, counted in what is linked."""

from __future__ import annotations

from codegen.plan.choose import serving
from codegen.plan.named import with_kernels
from codegen.render.generated import generated
from codegen.report.linked import link, read
from codegen.target.boards import Board, find_board
from qat.machine.scratch import scratch
from qat.model import Model

BOARD = "qemu-m4"
"""The board whose flash counts: as for instructions, one pair serves every core."""


def smallest(model: Model, board: str | Board = BOARD) -> Model:
    """Return a model whose file names the kernels of the least flash on a board's core.

    Stage by stage: of the kernels that could serve one, the smallest beside those of the other
    stages as they are by then; of equal ones the one that the planner chooses by instructions.

    Raises MissingCompilerError without the core's compiler.
    """
    board, start = find_board(board), with_kernels(model, None)
    program = generated(start).program
    stages = (*program.layers, *(() if program.readout is None else (program.readout,)))
    names = [stage.kernel for stage in stages]
    least = flash_of(start, board)
    for index, candidates in enumerate(serving(start)):
        for name in candidates:
            tried = [*names[:index], name, *names[index + 1 :]]
            if tried == names:
                continue
            size = flash_of(with_kernels(start, tried), board)
            if size < least:
                least, names = size, tried
    return with_kernels(start, names)


def flash_of(model: Model, board: str | Board = BOARD) -> int:
    """Return the bytes of flash of what is generated of a model, as linked for a board's core."""
    made = generated(model)
    with scratch() as folder:
        return read(link(made.files, made.program, find_board(board), folder), made.program).flash
