"""The table of verbs: names, arguments, and where the work is done."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Verb:
    """One row: `function` is "module:function" below codegen.cli."""

    name: str
    help: str
    description: str
    arguments: Callable[[ArgumentParser], object]
    function: str


INPUT_KINDS = ("analog", "frames", "spikes", "rate", "latency", "delta")
"""How data reach a network, as in qat.encode, which --help does not load."""

ENCODED_KINDS = ("rate", "latency", "delta")
"""Those that an encoder makes spikes of."""


# ------------------------------------------------------------ argument types


def whole_numbers(text: str) -> list[int]:
    """Parse `128,64`."""
    try:
        return [int(part) for part in text.split(",") if part]
    except ValueError:
        raise ArgumentTypeError(f"found {text!r}; must be whole numbers like 128,64") from None


def densities(text: str) -> list[float]:
    """Parse `0.01,0.1,0.5`."""
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        raise ArgumentTypeError(f"found {text!r}; must be numbers like 0.01,0.1,0.5") from None
    if not all(0 <= value <= 1 for value in values):
        raise ArgumentTypeError(f"found {text!r}; each must lie in 0 to 1")
    return values


def fraction(text: str) -> float:
    """Parse `0.42`."""
    (value, *more) = densities(text)
    if more or value == 1:
        raise ArgumentTypeError(f"found {text!r}; must be one number from 0 to below 1")
    return value


def layer_shape(text: str) -> tuple[int, int]:
    """Parse `784x128`."""
    parts = text.split("x")
    if len(parts) != 2 or not all(part.isdigit() and int(part) for part in parts):
        raise ArgumentTypeError(f"found {text!r}; must be INPUTSxNEURONS like 784x128")
    return int(parts[0]), int(parts[1])


def positive(text: str) -> int:
    """Parse a whole number of at least 1."""
    if not text.isdigit() or not int(text):
        raise ArgumentTypeError(f"found {text!r}; must be a whole number of at least 1")
    return int(text)


def whole_number(text: str) -> int:
    """Return a whole number of at least 0."""
    if not text.isdigit():
        raise ArgumentTypeError(f"found {text!r}; must be a whole number of at least 0")
    return int(text)


# ----------------------------------------------------------------- arguments


def _model(parser: ArgumentParser) -> None:
    parser.add_argument(
        "model", metavar="MODEL", help="a model file, as `spikemcu train` writes it"
    )


def numbers(text: str) -> tuple[float, ...]:
    """Parse `0.001` or `0.001,0.01`, all above 0."""
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = ()
    if not values or not all(0 < value < float("inf") for value in values):
        raise ArgumentTypeError(f"found {text!r}; must be numbers above 0 like 0.001,0.01")
    return values


def names(text: str) -> tuple[str, ...]:
    """Parse `time,battery`."""
    return tuple(part for part in text.split(",") if part)


def _file(parser: ArgumentParser) -> None:
    """Add what a file of data needs to be read; qat.files.Reading has the same names."""
    group = parser.add_argument_group("a file of your own")
    group.add_argument(
        "--label",
        metavar="COLUMN",
        help="label column of a .csv: first, last or its name (default: label, class, target or "
        "y, else the last)",
    )
    group.add_argument(
        "--window",
        type=positive,
        metavar="N",
        help="the lines are samples of a sensor in the order of time: classify windows of N",
    )
    group.add_argument(
        "--hop", type=positive, metavar="N", help="samples from one window to the next (default: N)"
    )
    group.add_argument(
        "--group", type=positive, metavar="N", help="samples of a time step, its mean (default: 1)"
    )
    group.add_argument(
        "--by",
        metavar="COLUMN",
        help="column that names recordings or subjects: whole ones are kept for the test",
    )
    group.add_argument(
        "--ignore", type=names, default=(), metavar="C,C", help="columns to leave out"
    )
    group.add_argument(
        "--unit",
        type=numbers,
        metavar="U",
        help="what 1 in a sample of the device stands for, or one for each channel (default: 1 "
        "for whole numbers that fit 16 bits, else a power of ten)",
    )


def _data(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--data",
        metavar="NAME|FILE",
        help="inputs: a data set's test part (a name of `spikemcu data`, or a file of yours). "
        "By default those that the model was trained on if they are here, else made ones",
    )
    parser.add_argument("--limit", type=positive, metavar="N", help="use the first N samples only")
    _file(parser)


def _board(parser: ArgumentParser, required: bool = True) -> None:
    parser.add_argument(
        "--board", metavar="B|all", required=required, help="a name of `spikemcu boards`, or all"
    )


def density(text: str) -> float:
    """Parse a density."""
    return densities(text)[0]


def _density(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--assume-density",
        type=density,
        metavar="D",
        help="spikes per neuron and step, instead of those that the model file tells",
    )


def demo_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `demo`."""
    parser.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        default="spikemcu-demo",
        help="folder for the model and its C (default: %(default)s)",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the training (default: 0)")
    parser.add_argument(
        "--short",
        action="store_true",
        help="few epochs and samples: a quick look, not the real figures",
    )


def data_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `data`."""
    parser.add_argument("data", metavar="DATASET|FILE", nargs="?", help="one data set to prepare")
    _file(parser)


def train_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `train`."""
    parser.add_argument(
        "data",
        metavar="DATASET|FILE",
        help="a name of `spikemcu data`, an .npz with x and y, a .csv, or an IDX images file",
    )
    parser.add_argument(
        "-o", "--output", metavar="MODEL", required=True, help="model file to write"
    )
    _network_arguments(parser)
    _training_arguments(parser)


def _network_arguments(parser: ArgumentParser) -> None:
    network = parser.add_argument_group("network")
    network.add_argument(
        "--hidden",
        type=whole_numbers,
        metavar="N,N",
        help="neurons of the hidden layers (default: 64 for digits, else 128)",
    )
    network.add_argument(
        "--bits",
        type=int,
        choices=(2, 4, 8, 16),
        default=2,
        help="bits of a weight; 2 is ternary (default: 2)",
    )
    network.add_argument(
        "--output-bits",
        type=int,
        choices=(2, 4, 8, 16),
        help="bits of the output layer's weights (default: those of --bits)",
    )
    network.add_argument(
        "--input-bits",
        type=positive,
        metavar="N",
        help="keep the upper N bits of the inputs (default: all)",
    )
    network.add_argument(
        "--input",
        choices=INPUT_KINDS,
        help="how the data reach the network: one vector held as it is (analog), as spike rates "
        "(rate) or spike times (latency); a vector per step as it is (frames, or spikes of 0 and "
        "1) or its changes as events (delta) (default: analog or frames, as the data are)",
    )
    network.add_argument(
        "--event-threshold",
        type=positive,
        metavar="N",
        help="change of an input value that is an event of --input delta (default: a sixteenth of "
        "the range)",
    )
    network.add_argument(
        "--steps", type=positive, help="time steps T (default: those of the data, else 8)"
    )
    network.add_argument(
        "--leak",
        type=whole_numbers,
        default=[3],
        metavar="K,K",
        help="leak: v >> K per term, -K subtracts; '' for none (default: 3)",
    )
    network.add_argument(
        "--resolution",
        type=positive,
        metavar="N",
        help="least threshold in units of the membrane: half of it takes a bit off membranes and "
        "currents (default: 16, more for slow leaks)",
    )
    network.add_argument("--reset", choices=("subtract", "zero"), default="subtract")
    network.add_argument("--readout", choices=("accumulate", "count"), default="accumulate")
    network.add_argument("--name", help="prefix of the generated C (default: the data's name)")


def _training_arguments(parser: ArgumentParser) -> None:
    training = parser.add_argument_group("training (defaults: the data set's recipe)")
    training.add_argument(
        "--recipe", metavar="NAME", help="settings of another data set, for instance mnist"
    )
    training.add_argument("--epochs", type=positive)
    training.add_argument("--batch-size", type=positive)
    training.add_argument("--learning-rate", type=float)
    training.add_argument("--rate-penalty", type=float, help="weight of the firing-rate penalty")
    training.add_argument(
        "--cost-target",
        type=float,
        metavar="N",
        help="instructions of an inference that its spikes may take; more is penalised",
    )
    training.add_argument(
        "--cost-penalty", type=float, help="loss for twice the --cost-target (default: 0.1)"
    )
    training.add_argument(
        "--cost-board",
        metavar="B",
        default="qemu-m4",
        help="board whose instructions per spike --cost-target counts (default: %(default)s)",
    )
    training.add_argument("--seed", type=int, default=0)
    training.add_argument(
        "--run",
        dest="run_folder",
        metavar="DIR",
        help="folder for settings, history, checkpoint and best model, written after every epoch "
        "(default: MODEL.run, beside the model)",
    )
    training.add_argument(
        "--resume",
        action="store_true",
        help="go on from the checkpoint of an interrupted run with the same settings",
    )
    _file(parser)


def accuracy_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `accuracy`."""
    parser.add_argument("--row", metavar="NAME,NAME", help="these rows of the table only")
    parser.add_argument(
        "--seeds", type=whole_number, metavar="N", help="seeds 0 to N - 1 (default: the row's)"
    )
    parser.add_argument(
        "--float-seeds",
        type=whole_number,
        metavar="N",
        help="seeds of the float network of the same shape (default: as many)",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="RESULTS",
        default="accuracy.json",
        help="file of results; what it holds is not trained again (default: %(default)s)",
    )
    parser.add_argument(
        "--markdown",
        metavar="FILE",
        help="put the table between <!-- accuracy --> and <!-- end accuracy --> of this file",
    )
    parser.add_argument("--table-only", action="store_true", help="train nothing, print the table")


def compare_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `compare`."""
    parser.add_argument("data", metavar="DATASET|FILE", help="as for `spikemcu train`")
    parser.add_argument(
        "-o", "--output", metavar="DIR", default=".", help="folder for table and pictures"
    )
    parser.add_argument(
        "--widths",
        type=whole_numbers,
        default=[64],
        metavar="N,N",
        help="neurons of the hidden layer, a network for each (default: 64)",
    )
    parser.add_argument(
        "--bits",
        type=whole_numbers,
        default=[2, 4, 8],
        metavar="B,B",
        help="bits of a weight (default: 2,4,8)",
    )
    parser.add_argument("--output-bits", type=int, choices=(2, 4, 8, 16), help="default: the same")
    parser.add_argument("--input-bits", type=positive, metavar="N", help="upper bits of inputs")
    parser.add_argument("--steps", type=positive, help="time steps (default: the data's, else 8)")
    parser.add_argument("--epochs", type=positive, help="default: the data set's recipe")
    parser.add_argument(
        "--seeds", type=positive, default=3, metavar="N", help="seeds 0 to N - 1 (default: 3)"
    )
    parser.add_argument(
        "--board", metavar="B", default="qemu-m4", help="whose flash and instructions (qemu-m4)"
    )
    parser.add_argument(
        "--format", metavar="F,F", default="png", help="png, svg or both (default: png)"
    )
    _file(parser)


def generate_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `generate`."""
    _model(parser)
    parser.add_argument("-o", "--output", metavar="DIR", required=True, help="folder to write to")
    parser.add_argument("--name", help="prefix of all C names (default: the model's name)")
    parser.add_argument(
        "--board", metavar="B", help="choose kernels for this board; the C serves every core"
    )
    parser.add_argument(
        "--format",
        default="c",
        metavar="F",
        help="a package for c, arduino, platformio, cmake or zephyr (default c: the pair alone, "
        "with an example)",
    )
    parser.add_argument(
        "--vectors",
        type=positive,
        default=1,
        metavar="N",
        help="test vectors of the example (default 1), test samples of --data NAME|FILE",
    )
    parser.add_argument(
        "--data", metavar="NAME|FILE", help="data set of the vectors; by default the model's own"
    )
    _file(parser)
    _density(parser)


def weights_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `weights`."""
    parser.add_argument(
        "source", metavar="FILE.npy|MODEL", help="integer codes (n_out, n_in), or a model file"
    )
    parser.add_argument("-o", "--output", metavar="HEADER", required=True, help="header to write")
    parser.add_argument(
        "--bits", type=int, choices=(2, 4, 8, 16), help="bits of a weight of a .npy (default: 2)"
    )
    parser.add_argument(
        "--layout",
        choices=("planes", "rows", "strips"),
        default="rows",
        help="rows of fields, or bit planes of 32 neurons (default: rows)",
    )
    parser.add_argument("--name", help="prefix of the arrays")


def check_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `check`."""
    _model(parser)
    _data(parser)
    parser.add_argument(
        "--code", metavar="DIR", help="check the C in this folder instead of freshly generated C"
    )
    parser.add_argument("--compiler", help="C compiler (default: $CC, cc, gcc or clang)")


def _port(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--port",
        metavar="P",
        help="serial port of a board of hardware, such as /dev/ttyACM0 (default: look for it)",
    )


def run_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `run`."""
    _model(parser)
    _board(parser)
    _data(parser)
    _port(parser)
    parser.add_argument(
        "--probe",
        action="store_true",
        help="on a board of hardware, compare the membranes of every step as well, as is always "
        "done on emulated ones",
    )


def flash_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `flash`."""
    _model(parser)
    parser.add_argument(
        "--board", metavar="B", required=True, help="a board of hardware, see `spikemcu boards`"
    )
    _port(parser)


def build_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `build`."""
    _model(parser)
    _board(parser)
    parser.add_argument("-o", "--output", metavar="DIR", help="copy the firmware here as well")


def plot_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `plot`."""
    _model(parser)
    parser.add_argument(
        "-o", "--output", metavar="DIR", default=".", help="folder for the pictures (default: .)"
    )
    parser.add_argument(
        "--kind",
        metavar="K,K",
        help="raster, membranes, firing, confusion (default: all that can be drawn)",
    )
    parser.add_argument(
        "--sample",
        type=whole_number,
        default=0,
        metavar="N",
        help="sample whose spikes and membranes are drawn (default: 0)",
    )
    parser.add_argument(
        "--format", metavar="F,F", default="png", help="png, svg or both (default: png)"
    )
    _data(parser)


def anytime_arguments(parser: ArgumentParser) -> None:
    """Arguments of `anytime`."""
    _model(parser)
    parser.add_argument(
        "--data",
        metavar="NAME|FILE",
        help="a data set with labels; by default the one that the model was trained on",
    )
    _file(parser)
    parser.add_argument(
        "--lose",
        type=float,
        default=0.1,
        metavar="POINTS",
        help="accuracy that the rule may cost on validation data, in points (default 0.1)",
    )
    parser.add_argument("--margin", type=positive, metavar="N", help="this rule, none chosen")
    parser.add_argument("--first", type=positive, metavar="STEP", help="its first step (default 1)")
    parser.add_argument(
        "--board", default="qemu-m4", metavar="B", help="predict instructions for this board"
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="write the model with its rule")


def bench_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `bench`."""
    parser.add_argument("model", metavar="MODEL", nargs="?", help="a model file")
    parser.add_argument(
        "--layer",
        type=layer_shape,
        metavar="NxM",
        help="a random LIF layer with N inputs and M neurons",
    )
    parser.add_argument(
        "--bits",
        type=int,
        choices=(2, 4, 8, 16),
        help="bits of the layer's weights (default: 2)",
    )
    parser.add_argument(
        "--density",
        type=densities,
        default=[0.1],
        metavar="D,D",
        help="fractions of the layer's inputs that spike (default: 0.1)",
    )
    parser.add_argument(
        "--zeros",
        type=fraction,
        metavar="Z",
        help="fraction of zeros among ternary weights (default: 0.42)",
    )
    parser.add_argument(
        "--input",
        choices=ENCODED_KINDS,
        help="bytes that become spikes in front of the layer: what the encoder takes "
        "(--density: values of delta that change)",
    )
    parser.add_argument(
        "--input-bits", type=int, choices=range(1, 9), metavar="N", help="of the bytes (default: 8)"
    )
    parser.add_argument(
        "--portable", action="store_true", help="the layer in portable C99, without assembly"
    )
    _board(parser)
    _data(parser)


def report_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `report`."""
    _model(parser)
    _board(parser)
    _density(parser)


def info_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `info`."""
    _model(parser)


def no_arguments(parser: ArgumentParser) -> None:
    """Add nothing."""


VERBS: tuple[Verb, ...] = (
    Verb(
        "demo",
        "data -> train -> C -> equal on this machine and on every emulated core",
        "Train a ternary network on the UCI digits, generate its C, and prove it equal on this "
        "machine and on six emulated Cortex-M cores.",
        demo_arguments,
        "demo:demo",
    ),
    Verb(
        "data",
        "the data sets; fetch and prepare one",
        "List the data sets that have a name, or fetch one, keep it, and print what it holds.",
        data_arguments,
        "datasets:data",
    ),
    Verb(
        "train",
        "train a network and write its integer model",
        "Train a network with low-bit weights; the best epoch on validation data is kept, also "
        "after Ctrl-C.",
        train_arguments,
        "train:train",
    ),
    Verb(
        "accuracy",
        "train the accuracy table: float beside low-bit weights",
        "Train networks on the named data sets, with low-bit and with real weights, and print what "
        "they reach on test data. Settings were chosen on validation data.",
        accuracy_arguments,
        "accuracy:accuracy",
    ),
    Verb(
        "compare",
        "float against 8, 4 and 2 bits, trained and rounded: accuracy, flash, instructions",
        "Train one task in float and in few bits, round the float network as well, and set "
        "accuracy against bytes of flash and instructions: a table and a picture.",
        compare_arguments,
        "compare:compare",
    ),
    Verb(
        "info",
        "layers, bits, proved ranges, sparsity, sizes of a model",
        "Print what a model is made of, every byte of flash and RAM itemised.",
        info_arguments,
        "models:info",
    ),
    Verb(
        "anytime",
        "accuracy when stopped early, and a rule that does so",
        "Print the accuracy of a model when it is stopped after each of its steps. Choose, on "
        "validation data, the lead of the best score at which an inference may end, and say what "
        "it saves; -o writes the model with this rule, which its C obeys.",
        anytime_arguments,
        "anytime:anytime",
    ),
    Verb(
        "plot",
        "draw spikes, membranes, firing rates and confusion",
        "Draw a model at work, as PNG or SVG: spike rasters, membranes with their thresholds, "
        "firing rates, and which class was taken for which. Needs the extra `plot`.",
        plot_arguments,
        "pictures:plot",
    ),
    Verb(
        "generate",
        "write the .h/.c pair of a model and a manifest",
        "Write the generated C of a model: one header, one source, a manifest.",
        generate_arguments,
        "models:generate",
    ),
    Verb(
        "weights",
        "write packed weight arrays alone",
        "Write packed weight arrays as a C header, for kernels of your own.",
        weights_arguments,
        "models:weights",
    ),
    Verb(
        "check",
        "prove the C equal to the model on this machine",
        "Compile the C for this machine and compare every spike, membrane and score; exit "
        "status 1 and the first difference if it is not equal.",
        check_arguments,
        "models:check",
    ),
    Verb(
        "build",
        "build firmware for a board",
        "Build the firmware of a model with PlatformIO.",
        build_arguments,
        "targets:build",
    ),
    Verb(
        "flash",
        "build a model's firmware and write it to a connected board",
        "Build the firmware of a model, write it to a board of hardware through PlatformIO, wait "
        "until the board answers, and check that it holds this model.",
        flash_arguments,
        "hardware:flash",
    ),
    Verb(
        "run",
        "run a model on a board, every spike compared",
        "Stream inputs through the firmware and compare every spike, membrane and score: on "
        "emulated boards, or on a connected one that `spikemcu flash` has written, which also "
        "counts its cycles.",
        run_arguments,
        "targets:run",
    ),
    Verb(
        "bench",
        "count instructions, exactly, on emulated cores",
        "Count the instructions of a model or of a single layer on emulated cores.",
        bench_arguments,
        "targets:bench",
    ),
    Verb(
        "report",
        "kernels, memory, stack, instructions and time of a model on a board",
        "Say what a model takes on a board, layer by layer: the kernel and why, instructions "
        "typical and at worst, flash, RAM, stack, and an estimate of the time. Needs the ARM "
        "compiler only.",
        report_arguments,
        "reports:report",
    ),
    Verb(
        "boards",
        "the boards that firmware can be built for",
        "List the boards, emulated and of hardware, and whether this machine can build for them.",
        no_arguments,
        "hardware:boards",
    ),
    Verb(
        "doctor",
        "what is missing on this machine, and how to get it",
        "Look for every tool that spikemcu uses; exit status 1 if one is missing.",
        no_arguments,
        "targets:doctor",
    ),
)
