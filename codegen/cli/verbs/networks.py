"""The verbs that train: demo, data, train, accuracy, compare."""

from __future__ import annotations

from argparse import ArgumentParser

from codegen.cli.options import (
    WEIGHT_BITS,
    file_options,
    number,
    one_of,
    positive,
    positive_number,
    seed,
    whole_number,
    whole_numbers,
)
from codegen.cli.verbs.table import DATA_SETS, Verb

INPUT_KINDS = ("analog", "frames", "spikes", "rate", "latency", "delta")
"""How data reach a network, as in qat.data.encode, which --help does not load."""


def demo_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `demo`."""
    parser.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        default="spikemcu-demo",
        help="folder for the model and its C (default: %(default)s)",
    )
    parser.add_argument("--seed", type=seed, default=0, help="seed of the training (default: 0)")
    parser.add_argument(
        "--short",
        action="store_true",
        help="few epochs and samples: a quick look, not the real figures",
    )


def data_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `data`."""
    parser.add_argument("data", metavar="DATASET|FILE", nargs="?", help="one data set to prepare")
    file_options(parser)


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
    _rate_argument(parser)
    _network_arguments(parser)
    _training_arguments(parser)


def _rate_argument(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--rate",
        type=positive_number,
        metavar="HZ",
        help="samples a second of the recording; the model file and what is generated keep it",
    )


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
        **one_of(*WEIGHT_BITS),
        default=2,
        help="bits of a weight; 2 is ternary (default: 2)",
    )
    network.add_argument(
        "--output-bits",
        **one_of(*WEIGHT_BITS),
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
        **one_of(*INPUT_KINDS),
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
    network.add_argument(
        "--threshold",
        **one_of("layer", "neuron"),
        default="layer",
        help="learn one threshold a layer, or one a neuron: slower C, on MNIST 0.1 points more "
        "(default: layer)",
    )
    network.add_argument("--reset", **one_of("subtract", "zero"), default="subtract")
    network.add_argument("--readout", **one_of("accumulate", "count"), default="accumulate")
    network.add_argument("--name", help="prefix of the generated C (default: the data's name)")


def _training_arguments(parser: ArgumentParser) -> None:
    training = parser.add_argument_group("training (defaults: the data set's recipe)")
    training.add_argument(
        "--recipe", metavar="NAME", help="settings of another data set, for instance mnist"
    )
    training.add_argument("--epochs", type=positive)
    training.add_argument("--batch-size", type=positive)
    training.add_argument("--learning-rate", type=number)
    training.add_argument("--weight-decay", type=number)
    training.add_argument(
        "--averaging", type=number, help="what an update keeps of the mean of the weights, below 1"
    )
    training.add_argument("--rate-penalty", type=number, help="weight of the firing-rate penalty")
    training.add_argument(
        "--cost-target",
        type=number,
        metavar="N",
        help="instructions of an inference that its spikes may take; more is penalised",
    )
    training.add_argument(
        "--cost-penalty", type=number, help="loss for twice the --cost-target (default: 0.1)"
    )
    training.add_argument(
        "--cost-board",
        metavar="B",
        default="qemu-m4",
        help="board whose instructions per spike --cost-target counts (default: %(default)s)",
    )
    training.add_argument("--seed", type=seed, default=0)
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
    file_options(parser)


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
    parser.add_argument("--output-bits", **one_of(*WEIGHT_BITS), help="default: the same")
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
    file_options(parser)


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
        (DATA_SETS,),
    ),
    Verb(
        "train",
        "train a network and write its integer model",
        "Train a network with low-bit weights; the best epoch on validation data is kept, also "
        "after Ctrl-C.",
        train_arguments,
        "train:train",
        (DATA_SETS,),
    ),
    Verb(
        "accuracy",
        "train the accuracy table: float beside low-bit weights",
        "Train networks on the named data sets, with low-bit and with real weights, and print what "
        "they reach on test data. Settings were chosen on validation data.",
        accuracy_arguments,
        "accuracy:accuracy",
        (DATA_SETS,),
    ),
    Verb(
        "compare",
        "float against 8, 4 and 2 bits, trained and rounded: accuracy, flash, instructions",
        "Train one task in float and in few bits, round the float network as well, and set "
        "accuracy against bytes of flash and instructions: a table and a picture.",
        compare_arguments,
        "compare:compare",
        (DATA_SETS,),
    ),
)
