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

from codegen.kernels.bitsliced.layer import BitslicedLayer
from codegen.kernels.encoders.plan import LatencyEncoder, RateEncoder
from codegen.kernels.pack import LANES, byte_order
from codegen.kernels.plain.layer import PlainLayer
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

LISTING = (
    "list_active list_inactive list_digits sum_digits sum_inactive add_columns "
    "add_batches add_carries add_strips4 add_strips8"
).split()
"""Functions that work along a list: the states of its lengths are kept apart there."""

LISTS = ("bitsliced", "strips", "sparse")
"""Kernels that do."""

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
        "lines": _lines(program),
    }
    return environment().from_string(TEMPLATE.read_text("utf-8")).render(context)


def _kept(program: Program) -> list[tuple[str, int, str, int, int]]:
    """Return (member, elements or 0, C type, low, high) of what is kept as integers."""
    ranges = {}
    for layer in program.layers:
        if isinstance(layer, PlainLayer):
            ranges[f"v{layer.index}"] = layer.ranges.v
            ranges[f"current{layer.index}"] = layer.ranges.current
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


def _lines(program: Program) -> dict[str, int] | None:
    """Return how the last planes of a held input have bits that are no value.

    The planes of rates are 0 there, `planes` of them from `first` on; of latencies the plane
    `done` is 1, what has spiked. `mask` are the bits of values.
    """
    encoder = program.encoder
    if encoder is None or not encoder.sliced:
        return None
    first = encoder.row * (encoder.source.words - 1)
    if isinstance(encoder, LatencyEncoder):
        done = first + encoder.planes
        return {"planes": 0, "first": first, "done": done, "mask": encoder.last_mask}
    assert isinstance(encoder, RateEncoder)
    bits = len(byte_order(encoder.source.size)) - LANES * (encoder.source.words - 1)
    planes = encoder.row - encoder.period_bits
    return {"planes": planes, "first": first, "done": 0, "mask": 2**bits - 1}


# -------------------------------------------------------------------- the analysis


def lengths(program: Program) -> int:
    """Return in how many states EVA keeps the longest list of active inputs.

    The length of a list of spikes takes one of inputs + 1 values. The digits of bytes are listed
    side by side, and those of counts one after the other: every combination of lengths is a state.
    """
    most, readout = 1, program.readout
    if readout is not None and readout.kernel == "bitsliced":
        most = (readout.inputs + 1) ** readout.count_width
    for layer in program.layers:
        source = layer.source
        if isinstance(layer, BitslicedLayer) and source.digits is not None:
            rows = (source.size + 3) // 4 if source.size <= 28 else 8 * source.words
            most = max(most, (4 * rows + 1) ** source.digits.lists)
        elif layer.kernel in ("bitsliced", "strips"):
            most = max(most, source.size + 1)
    return most


def options(program: Program, code: str) -> list[str]:
    """Return the options of Frama-C for a program: where states are kept apart."""
    layers = [y for y in program.layers if y.kernel in LISTS]
    apart = [*LISTING, "currents0", "block_currents0", *(f"layer{y.index}" for y in layers)]
    if layers and layers[0].source.bits:
        apart.remove("layer0")
    names = [f"{program.name}_{name}" for name in apart]
    each = [f"{name}:{MOST}" for name in names if f" {name}(" in code or f"*{name}(" in code]
    if program.sensor is not None:
        each.append(f"any_sample:{MOST}")
    # the neurons of plain integers are no states of their own
    merged = [f"{program.name}_layer{y.index}" for y in layers if isinstance(y, PlainLayer)]
    inactive = f"{program.name}_list_inactive"
    return [
        *OPTIONS,
        *([f"-eva-split-return-function={inactive}:full"] if f" {inactive}(" in code else []),
        *([f"-eva-slevel-function={','.join(each)}"] if each else []),
        *([f"-eva-slevel-merge-after-loop={','.join(merged)}"] if merged else []),
    ]


def directed(program: Program, code: str) -> str:
    """Return the C with directives for EVA, which are comments: to keep every length apart."""
    listing = "    uint32_t base = first;\n"
    code = code.replace(listing, f"{listing}\n    /*@ dynamic_split (end - list); */\n")
    digits = program.layers[0].source.digits
    if digits is None or "_list_digits(" not in code:
        return code
    head, body = code.split(f"{program.name}_list_digits(", 1)
    splits = "".join(f"    /*@ split ends[{k}]; */\n" for k in range(digits.lists))
    body = body.replace("    return total;\n", f"{splits}    return total;\n", 1)
    return f"{head}{program.name}_list_digits({body}"


def analyse(
    program: Program, files: dict[str, str] | None = None, seconds: float = SECONDS
) -> Analysis:
    """Analyse the C of a program; files: instead of what is rendered.

    Raises NoEndError where EVA does not end in time or refuses the C.
    """
    files = files or render_program(program)
    name = f"{program.name}.c"
    arguments = options(program, files[name])
    files = {**files, name: directed(program, files[name]), "analysis.c": entry(program)}
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
