"""Options that several verbs have."""

from __future__ import annotations

from codegen.cli.options.option import Option
from codegen.cli.parsing import density, one_of, positive, seed

WEIGHT_BITS = (2, 4, 8, 16)

MODEL = Option("model", "a model file, as `spikemcu train` writes it", metavar="MODEL")

DATA_SET = Option("data", "as for `spikemcu train`", metavar="DATASET|FILE")

OUTPUT = Option("-o --output", metavar="DIR")

SEED = Option("--seed", type=seed, default=0)

BITS = Option("--bits", **one_of(*WEIGHT_BITS))

OUTPUT_BITS = BITS.but(words="--output-bits")

STEPS = Option("--steps", type=positive)

SAMPLE = Option("--sample", metavar="N")

PICTURES = Option("--format", "png, svg or both (default: png)", metavar="F,F", default="png")

BOARD = Option(
    "--board",
    "a name of `spikemcu boards`, or all: one for each core",
    metavar="B|all",
    required=True,
)

ONE_BOARD = Option("--board", metavar="B")

DENSITY = Option(
    "--assume-density",
    "spikes per neuron and step, instead of those that the model file tells",
    density,
    metavar="D",
)

PORT = Option(
    "--port",
    "serial port of a board of hardware, such as /dev/ttyACM0 (default: look for it)",
    metavar="P",
)
