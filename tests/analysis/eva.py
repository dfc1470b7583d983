"""Show by abstract interpretation that the portable C has no run-time error: Frama-C's EVA.

EVA follows every function of the generated C with sets of values: any input, any state, and where
membranes are integers any within the ranges of Model.bounds(). It must end without an alarm: then
no access leaves its object, nothing is read before it is written, no signed sum overflows and no
shift is too far, for any input whatever. Of working memory nothing is assumed: it holds anything.
What is assumed of a state, such as zeros in lanes without a neuron, is asserted behind the call
that leaves it so, and EVA has to prove that.

EVA reads the loops of MODEL_PORTABLE, over the bits of a word as MODEL_ANALYSIS writes them: one
after the other, so that their number is bounded. Every other loop returns the same, which the
tests compare. What is inserted for EVA are comments, which tell it what to keep apart.

The columns of active inputs are added as far as the list goes, so every length of it is a state
of its own. Their number is what bounds the models that EVA ends with, see `lengths`.
"""

from __future__ import annotations

import math
import os
import re
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from codegen.kernels.ranges import Range
from codegen.plan.build import ALONG_LISTS
from codegen.plan.program import Program
from codegen.render import environment, render_program, template_context

FRAMA_C = "frama-c"
INSTALL = "apt-get install frama-c-base"

DEFINES = "-DMODEL_PORTABLE=1 -DMODEL_ANALYSIS=1 -DMODEL_PROBE=1 -I."
MOST = 4000
"""Iterations that are unrolled and states that are kept apart, at most; more than there are."""

OPTIONS = (
    "-machdep gcc_x86_32 -warn-right-shift-negative -warn-left-shift-negative -eva "
    f"-eva-precision 2 -eva-auto-loop-unroll {MOST} -eva-split-limit {MOST} -eva-plevel {MOST} "
    "-eva-slevel 0 -eva-no-show-progress"
).split()
"""Little endian, 32 bits, as the Cortex-M."""

MOST_LENGTHS = 130
"""States of a list with which EVA ends within minutes: the models of the tests have no more."""

SECONDS = 1800.0

TEMPLATE = Path(__file__).with_name("analysis.c.j2")


@dataclass(frozen=True)
class Analysis:
    """What EVA said of a model.

    alarms:     run-time errors that it could not exclude
    unproved:   assertions and preconditions that it could not prove
    ended:      True if it reached the end of every call
    functions:  "21 of 25": those that were analysed; the others are not called on this machine
    statements: "310 of 310", within these functions
    first:      (place, what it says) of the first alarms
    """

    alarms: int
    unproved: int
    ended: bool
    functions: str
    statements: str
    seconds: float
    first: tuple[tuple[str, str], ...]

    @property
    def clean(self) -> bool:
        """True if nothing is left to doubt."""
        return self.alarms == 0 and self.unproved == 0 and self.ended


class NoEndError(RuntimeError):
    """EVA did not end in time, or could not read the C."""


# ----------------------------------------------------------------- the entry point


def entry(program: Program) -> str:
    """Return the C that calls every function of a model with all that it may be given."""
    context = template_context(program) | {
        "steps": 1 if program.held else max(program.steps, 1),
        "kept": list(_kept(program)),
        "streamed": list(_streamed(program)),
        "loose": None if program.encoder is None else program.encoder.loose_bits,
    }
    return environment().from_string(TEMPLATE.read_text("utf-8")).render(context)


def _kept(program: Program) -> list[tuple[str, int, str, int, int]]:
    """Return (member, elements or 0, C type, low, high) of what is kept as integers."""
    ranges: dict[str, Range] = {}
    for layer in program.layers:
        ranges |= layer.integers
    found = [
        (field.name, math.prod(field.shape), field.ctype, ranges[field.name].low,
         ranges[field.name].high)
        for field in program.fields
        if field.name in ranges
    ]  # fmt: skip
    return found + ([("steps", 0, "uint32_t", 0, program.steps)] if program.stop else [])


def _streamed(program: Program) -> list[tuple[str, int, int]]:
    """Return (member, low, high) of the counters of a stream, apart from those of a group."""
    stream = program.sensor
    if stream is None:
        return []
    if stream.mode == "steps":
        return [("vectors", 0, stream.hop - 1)]
    if stream.mode == "ring":
        return [("vectors", 1, max(program.steps, stream.hop)), ("next", 0, program.steps - 1)]
    return []


# -------------------------------------------------------------------- the analysis


def lengths(program: Program) -> int:
    """Return in how many states EVA keeps the longest list of active inputs.

    The length of a list of spikes takes one of inputs + 1 values. The digits of bytes are listed
    side by side, and those of counts one after the other: every combination of lengths is a state.
    """
    return max(stage.list_lengths for stage in program.stages)


def options(program: Program, code: str) -> list[str]:
    """Return the options of Frama-C for a program: where states are kept apart."""
    listing = [stage for stage in program.stages if stage.along_lists]
    apart = [*ALONG_LISTS, *(name for stage in listing for name in stage.along_lists)]
    names = [f"{program.name}_{name}" for name in apart]
    each = [f"{name}:{MOST}" for name in names if f" {name}(" in code or f"*{name}(" in code]
    if program.sensor is not None:
        each.append(f"any_sample:{MOST}")
    # the neurons of plain integers are no states of their own
    merged = [f"{program.name}_{name}" for y in program.layers for name in y.merged]
    inactive = f"{program.name}_list_inactive"
    return [
        *OPTIONS,
        *([f"-eva-split-return-function={inactive}:full"] if f" {inactive}(" in code else []),
        *([f"-eva-slevel-function={','.join(each)}"] if each else []),
        *([f"-eva-slevel-merge-after-loop={','.join(merged)}"] if merged else []),
    ]


def analyse(
    program: Program, files: dict[str, str] | None = None, seconds: float = SECONDS
) -> Analysis:
    """Analyse the C of a program.

    files: instead of what is rendered; with directives, without which hardly an analysis ends

    Raises NoEndError where EVA does not end in time or refuses the C.
    """
    files = files or render_program(program, directives=True)
    name = f"{program.name}.c"
    arguments = options(program, files[name])
    files = {**files, "analysis.c": entry(program)}
    with tempfile.TemporaryDirectory() as folder:
        for file, text in files.items():
            Path(folder, file).write_text(text, "utf-8")
        return _run([*arguments, name, "analysis.c"], folder, seconds)


def _run(arguments: list[str], folder: str, seconds: float) -> Analysis:
    command = [FRAMA_C, f"-cpp-extra-args={DEFINES}", *arguments]
    environment = os.environ | {"PWD": folder}  # which Frama-C believes
    start = time.monotonic()
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NoEndError(f"Frama-C did not end within {seconds:,.0f} s") from None
    if done.returncode:
        raise NoEndError(f"Frama-C: {' '.join((done.stdout + done.stderr).splitlines()[-3:])}")
    return read(done.stdout, time.monotonic() - start)


def read(said: str, seconds: float) -> Analysis:
    """Return what EVA said; raises NoEndError if that is no report."""
    alarms = re.search(r"^ +(\d+) alarms? generated by the analysis", said, re.MULTILINE)
    counts = re.findall(r"^ +(?:Assertions|Preconditions) .*$", said, re.MULTILINE)
    functions = re.search(r"(\d+) functions analyzed \(out of (\d+)\)", said)
    statements = re.search(r"(\d+) statements reached \(out of (\d+)\)", said)
    if not (alarms and functions and statements):
        raise NoEndError(f"Frama-C: {' '.join(said.splitlines()[-3:])}")
    return Analysis(
        alarms=int(alarms[1]),
        unproved=sum(_unproved(line) for line in counts),
        ended="NON TERMINATING" not in said and "Values at end of function main" in said,
        functions=f"{functions[1]} of {functions[2]}",
        statements=f"{statements[1]} of {statements[2]}",
        seconds=round(seconds, 1),
        first=tuple(
            re.findall(r"^\[eva:alarm\] (\S+): Warning: *\n? *(.*)$", said, re.MULTILINE)[:5]
        ),
    )


def _unproved(line: str) -> int:
    unknown, invalid = re.findall(r"(\d+) (?:unknown|invalid)", line)
    return int(unknown) + int(invalid)
