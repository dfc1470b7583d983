"""What an option of a verb is, and the options that several verbs or one long verb have.

A row of codegen.cli.verbs lists its options in the order of its `--help`.
"""

from __future__ import annotations

from argparse import ArgumentParser, _ArgumentGroup
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

from codegen.cli.parsing import (
    decimal,
    density,
    hearing,
    names,
    number,
    numbers,
    one_of,
    positive,
    positive_number,
    seed,
    separator,
    share,
    whole_numbers,
    words,
)
from qat.data.reading import ENCODINGS

WEIGHT_BITS = (2, 4, 8, 16)
INPUT_KINDS = ("analog", "frames", "spikes", "rate", "latency", "delta")
"""How data reach a network, as in qat.data.encode, which --help does not load."""

ENCODED_KINDS = ("rate", "latency", "delta")
"""The inputs that an encoder makes spikes of."""


@dataclass(frozen=True)
class Option:
    """One argument of a verb; all but `words` is as argparse has it, None or False for nothing.

    words: "-o --output", what an option is called; or "model", the name of what stands by its place
    type:  makes the value of the word, or raises ArgumentTypeError
    """

    words: str
    help: str | None = None
    type: Callable[[str], Any] | None = None
    metavar: str | None = None
    default: Any = None
    required: bool = False
    choices: Iterable[Any] | None = None
    nargs: str | None = None
    const: Any = None
    action: str | None = None
    dest: str | None = None

    def but(self, **changed: Any) -> Option:
        """Return the same option with other settings, as another verb has it."""
        return replace(self, **changed)

    def add_to(self, parser: ArgumentParser | _ArgumentGroup) -> None:
        """Give the option to a parser, or to a group of one."""
        settings = {name: getattr(self, name) for name in _SETTINGS}
        given = {k: v for k, v in settings.items() if v is not None and v is not False}
        parser.add_argument(*self.words.split(), **given)


_SETTINGS = [field.name for field in fields(Option) if field.name != "words"]


@dataclass(frozen=True)
class Group:
    """Options that `--help` shows below a title of their own."""

    title: str
    options: tuple[Option, ...]
    description: str | None = None

    def add_to(self, parser: ArgumentParser) -> None:
        """Give the group to a parser."""
        group = parser.add_argument_group(self.title, self.description)
        for option in self.options:
            option.add_to(group)


# --------------------------------------------------------- what several verbs have

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

DIALECTS = ("snntorch", "norse", "spikingjelly", "sinabs", "rockpool", "spyx", "plain")
"""As in qat.nir.dialects, which --help does not load."""

FOREIGN = Group(
    "how the file is read",
    (
        Option(
            "--dialect",
            "the framework that wrote it (default: auto, told by names and numbers)",
            default="auto",
            **one_of("auto", *DIALECTS),
        ),
        Option("--dt", "seconds of a step (default: the file's)", positive_number, metavar="S"),
        Option(
            "--reset",
            "subtract, zero, value, none; subtract-now, zero-now (reset_delay=False): a word, or "
            "one for each spiking node",
            words,
            metavar="R,R",
        ),
        Option("--compare", "gt, ge, floor (several spikes a step)", words, metavar="C,C"),
        Option("--gain", "of the inputs: one, leak (norm_input), file (r)", words, metavar="G,G"),
        Option(
            "--reference",
            "an .npz of what the framework computed: x and output, (time, batch, ...), and "
            "spikes/NODE: settles what is open, and must be reproduced",
            metavar="FILE.npz",
        ),
    ),
)

QUANTIZED = Group(
    "the integer model",
    (
        Option(
            "--bits",
            "of the weights, for all layers or each (default: 8, or as few as --drift allows)",
            whole_numbers,
            metavar="B,B",
        ),
        Option(
            "--data",
            "an .npz with x, (time, batch, ...), and y if there are labels: on it bits and "
            "thresholds are chosen and the drift is measured (default: the reference's x)",
            metavar="FILE.npz",
            dest="recorded",  # a file alone: no name of a data set that is fetched
        ),
        Option("--steps", "time steps, where there are no data", positive, metavar="T"),
        Option(
            "--score",
            "of a last node that does not spike: its membrane at the end, its largest, their sum "
            "(default: last)",
            default="last",
            **one_of("last", "max", "sum"),
        ),
        Option(
            "--drift",
            "largest share of a layer's spikes that may differ (default: 2%%)",
            share,
            metavar="SHARE",
            default=0.02,
        ),
        Option(
            "--finetune",
            "train on for so many epochs, on the data with labels (default: never)",
            positive,
            metavar="EPOCHS",
        ),
        Option("--name", "of the model (default: the file's)"),
    ),
)

FILE = Group(
    "a file of your own",
    (
        Option(
            "--label",
            "label column of a table: its name, its number from 1, first or last (default: label, "
            "class, activity or target, else y, else the last)",
            metavar="COLUMN",
        ),
        Option(
            "--window",
            "the lines are samples of a sensor in the order of time: classify windows of N",
            positive,
            metavar="N",
        ),
        Option("--hop", "samples from one window to the next (default: N)", positive, metavar="N"),
        Option("--group", "samples of a time step, its mean (default: 1)", positive, metavar="N"),
        Option(
            "--bins",
            "time steps of a sample of events (default: the format's), or points of a stroke",
            positive,
            metavar="N",
        ),
        Option(
            "--span",
            "seconds of a sample of events (default: of the longest that trains)",
            positive_number,
            metavar="S",
        ),
        Option(
            "--merge", "so many places of a sensor, in a row, are one input", positive, metavar="N"
        ),
        Option(
            "--most",
            "largest count of events of an input in a step (default: 1, or 15 with --bins 1)",
            positive,
            metavar="N",
        ),
        Option(
            "--spectrum",
            "the recordings are sound, .wav files: log mel bands of frames are the input. Of "
            "bands=20 (default), frame, hop (samples; default: about 32 ms, and half of that), "
            "rate, low, high (Hz)",
            hearing,
            metavar="NAME=N,NAME=N",
            nargs="?",
            const="",
        ),
        Option(
            "--pattern",
            "of the names of .wav files, such as '{label}_{speaker}_*' (default: a folder a class)",
            metavar="TEXT",
        ),
        Option(
            "--by",
            "column, or field of the pattern, that names recordings or subjects: whole ones are "
            "kept for the test",
            metavar="COLUMN",
        ),
        Option(
            "--ignore",
            'columns to leave out, by name or number from 1; "" is the one without a name',
            names,
            metavar="C,C",
            default=(),
        ),
        Option(
            "--separator",
            "between the cells of a .csv: comma, semicolon, tab or bar (default: found)",
            separator,
            metavar="S",
        ),
        Option(
            "--decimal",
            "decimal sign of a .csv: point or comma (default: found)",
            decimal,
            metavar="S",
        ),
        Option("--encoding", "of a .csv (default: found)", choices=ENCODINGS),
        Option(
            "--unit",
            "what 1 in a sample of the device stands for, or one for each channel (default: 1 "
            "for whole numbers that fit 16 bits, else a power of ten)",
            numbers,
            metavar="U",
        ),
    ),
    "a verb with a MODEL reads it as the data that trained that; say only what is otherwise",
)
"""What a file of data needs to be read; qat.data.reading.Reading has the same names."""

DATA = Option(
    "--data",
    "inputs: a data set's test part (a name of `spikemcu data`), or a file of yours, read "
    "as the one that trained the model: of that file the test part, of another one all of it. "
    "By default those that the model was trained on if they are here, else made ones",
    metavar="NAME|FILE",
)

LIMIT = Option("--limit", "use the first N samples only", positive, metavar="N")

INPUTS = (DATA, LIMIT, FILE)
"""Where the inputs of a model come from."""


def judged(which: str) -> tuple[Option | Group, ...]:
    """Return the options of data that a model is to answer; which: of them."""
    text = (
        f"a name of `spikemcu data`, or a file of yours, {which} (default: what trained the "
        "model, if it is a named set and here)"
    )
    return DATA.but(help=text), LIMIT, FILE


# ------------------------------------------------------------- what `train` has

RATE = Option(
    "--rate",
    "samples a second of the recording; the model file and what is generated keep it",
    positive_number,
    metavar="HZ",
)

NETWORK = Group(
    "network",
    (
        Option(
            "--hidden",
            "neurons of the hidden layers (default: 64 for digits, else 128)",
            whole_numbers,
            metavar="N,N",
        ),
        Option(
            "--layers",
            "the hidden layers, in place of --hidden: 32c3 is a convolution of 32 channels, kernel "
            "3x3 (v: no padding, s2: stride 2), d3 a depthwise one, p2 a maximum over 2x2 (pg: "
            "over the whole map), a2, ag a sum, 64 a dense layer: 32c3-p2-32c3-p2-32c3v; 64r a "
            "recurrent one, 64t15 one with delays, 64+i one that reads the input too",
            metavar="L-L",
        ),
        Option(
            "--recurrent",
            "every dense hidden layer reads what it sent in the step before; with --delays, in "
            "earlier steps",
            action="store_true",
        ),
        Option(
            "--delays",
            "learn delays of 0 to N steps, at most 31, one for each neuron or spike input that a "
            "hidden layer reads",
            positive,
            metavar="N",
        ),
        Option(
            "--norm",
            "a batch norm before the neurons, which becomes part of their constants (default: with "
            "convolutions and counts)",
            action="store_true",
        ),
        Option(
            "--neuron",
            "lif, cuba: with a synaptic current before the membrane, or burst: neurons "
            "without memory that emit a count, in one step (default: burst "
            "with convolutions, else lif)",
            **one_of("lif", "cuba", "burst"),
        ),
        Option(
            "--leak-c",
            "of --neuron cuba, the leak of the synaptic current, as --leak (default: 2)",
            whole_numbers,
            metavar="K,K",
        ),
        Option(
            "--levels",
            "the largest count of a neuron in one step, 1 to 7 (default: 3 for burst, else 1)",
            positive,
            metavar="N",
        ),
        BITS.but(help="bits of a weight; 2 is ternary (default: 2)", default=2),
        OUTPUT_BITS.but(help="bits of the output layer's weights (default: those of --bits)"),
        Option(
            "--input-bits",
            "keep the upper N bits of the inputs (default: all)",
            positive,
            metavar="N",
        ),
        Option(
            "--input",
            "how the data reach the network: one vector held as it is (analog), as spike rates "
            "(rate) or spike times (latency); a vector per step as it is (frames, or spikes of 0 "
            "and 1) or its changes as events (delta) (default: analog or frames, as the data are)",
            **one_of(*INPUT_KINDS),
        ),
        Option(
            "--event-threshold",
            "change of an input value that is an event of --input delta (default: a sixteenth of "
            "the range)",
            positive,
            metavar="N",
        ),
        STEPS.but(help="time steps T (default: 1 for burst, those of the data, else 8)"),
        Option(
            "--leak",
            "leak: v >> K per term, -K subtracts; '' for none (default: 3)",
            whole_numbers,
            metavar="K,K",
            default=[3],
        ),
        Option(
            "--resolution",
            "least threshold in units of the membrane: half of it takes a bit off membranes and "
            "currents (default: 16, more for slow leaks)",
            positive,
            metavar="N",
        ),
        Option(
            "--threshold",
            "learn one threshold a layer, or one a neuron: slower C, on MNIST 0.1 points more "
            "(default: layer)",
            default="layer",
            **one_of("layer", "neuron"),
        ),
        Option("--reset", default="subtract", **one_of("subtract", "zero", "value")),
        Option(
            "--reset-to",
            "membrane that a spike leaves with --reset value; thresholds begin at 1",
            number,
            metavar="V",
        ),
        Option(
            "--readout",
            "accumulate: the summed currents of the classes; count: their spikes; li: leaky "
            "integrators (default: accumulate)",
            default="accumulate",
            **one_of("accumulate", "count", "li"),
        ),
        Option(
            "--score",
            "of --readout li: the last membrane, the largest, their sum over the steps, or first: "
            "the class that is the first to reach --readout-threshold (default: last)",
            default="last",
            **one_of("last", "max", "sum", "first"),
        ),
        Option(
            "--readout-leak",
            "of --readout li, as --leak (default: 3)",
            whole_numbers,
            metavar="K,K",
            default=[3],
        ),
        Option(
            "--readout-threshold",
            "of --score first, in units of the real currents (default: 1)",
            number,
            metavar="V",
        ),
        Option("--name", "prefix of the generated C (default: the data's name)"),
    ),
)

TRAINING = Group(
    "training (defaults: the data set's recipe)",
    (
        Option("--recipe", "settings of another data set, for instance mnist", metavar="NAME"),
        Option("--epochs", type=positive),
        Option("--batch-size", type=positive),
        Option("--learning-rate", type=number),
        Option("--weight-decay", type=number),
        Option("--averaging", "what an update keeps of the mean of the weights, below 1", number),
        Option("--rate-penalty", "weight of the firing-rate penalty", number),
        Option(
            "--truncate",
            "steps after which membranes and recurrent edges pass no gradient on (default: never)",
            positive,
            metavar="N",
        ),
        Option(
            "--cost-target",
            "instructions of an inference that its spikes may take; more is penalised",
            number,
            metavar="N",
        ),
        Option("--cost-penalty", "loss for twice the --cost-target (default: 0.1)", number),
        ONE_BOARD.but(
            words="--cost-board",
            help="board whose instructions per spike --cost-target counts (default: %(default)s)",
            default="qemu-m4",
        ),
        SEED,
        Option(
            "--run",
            "folder for settings, history, checkpoint and best model, written after every epoch "
            "(default: MODEL.run, beside the model)",
            metavar="DIR",
            dest="run_folder",
        ),
        Option(
            "--resume",
            "go on from the checkpoint of an interrupted run with the same settings",
            action="store_true",
        ),
    ),
)
