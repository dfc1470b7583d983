"""The verbs of a model that need no board, from evaluate to verify."""

from __future__ import annotations

from argparse import ArgumentParser

from codegen.cli.options import (
    WEIGHT_BITS,
    data_options,
    density_option,
    file_options,
    judged_data,
    model_file,
    number,
    one_of,
    positive,
    whole_number,
)
from codegen.cli.verbs.table import COMPILER, DATA_SETS, Verb


def info_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `info`."""
    model_file(parser)


def anytime_arguments(parser: ArgumentParser) -> None:
    """Arguments of `anytime`."""
    model_file(parser)
    parser.add_argument(
        "--data",
        metavar="NAME|FILE",
        help="a data set with labels; by default the one that the model was trained on",
    )
    file_options(parser)
    parser.add_argument(
        "--lose",
        type=number,
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


def evaluate_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `evaluate`."""
    model_file(parser)
    judged_data(parser, "with labels: their test part if they trained the model, else all of them")
    parser.add_argument(
        "--board", metavar="B", help="run the firmware on this emulated board (default: the model)"
    )


def predict_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `predict`."""
    model_file(parser)
    judged_data(parser, "with or without labels, all of them")
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="write a .csv or .json (default: print the csv)"
    )


def plot_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `plot`."""
    model_file(parser)
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
    data_options(parser)


def generate_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `generate`."""
    model_file(parser)
    parser.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        required=True,
        help="folder to write to; with --format arduino also NAME.zip, as the Arduino IDE takes it",
    )
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
        metavar="N",
        help="test vectors of the example, of the data if they are here (default: one that is "
        "made); for a sensor as many windows are the recording of the streaming example",
    )
    parser.add_argument(
        "--data",
        metavar="NAME|FILE",
        help="vectors from the test samples of this data; with --vectors by default the "
        "model's own",
    )
    file_options(parser)
    density_option(parser)


def weights_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `weights`."""
    parser.add_argument(
        "source", metavar="FILE.npy|MODEL", help="integer codes (n_out, n_in), or a model file"
    )
    parser.add_argument("-o", "--output", metavar="HEADER", required=True, help="header to write")
    parser.add_argument(
        "--bits", **one_of(*WEIGHT_BITS), help="bits of a weight of a .npy (default: 2)"
    )
    parser.add_argument(
        "--layout",
        **one_of("planes", "rows", "strips"),
        default="rows",
        help="rows of fields, or bit planes of 32 neurons (default: rows)",
    )
    parser.add_argument("--name", help="prefix of the arrays")


def check_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `check`."""
    model_file(parser)
    data_options(parser)
    parser.add_argument(
        "--code", metavar="DIR", help="check the C in this folder instead of freshly generated C"
    )
    parser.add_argument("--compiler", help="C compiler (default: $CC, cc, gcc or clang)")


def verify_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `verify`."""
    model_file(parser)
    parser.add_argument("-o", "--output", metavar="FILE.md", help="write the report")
    parser.add_argument(
        "--board",
        metavar="B|all",
        default="all",
        help="an emulated board of `spikemcu boards` (default: one for each core)",
    )
    parser.add_argument(
        "--all", action="store_true", help="exit status 1 also if a check could not be run"
    )
    parser.add_argument(
        "--seeds",
        type=positive,
        default=4,
        metavar="N",
        help="make random inputs by N seeds (default: %(default)s)",
    )
    data_options(parser)


VERBS: tuple[Verb, ...] = (
    Verb(
        "evaluate",
        "how often a model is right: accuracy, by class, confusion",
        "Run a model on data with labels, here or on an emulated board, and count how often it is "
        "right: in all, by class, and which class was taken for which.",
        evaluate_arguments,
        "evaluate:evaluate",
        (DATA_SETS, COMPILER),
    ),
    Verb(
        "predict",
        "the class of every sample or window of a file",
        "Run a model on data, with or without labels, and print a row for every sample or window: "
        "its class, the scores, the step at which the decision fell, and where a window begins.",
        predict_arguments,
        "predict:predict",
        (DATA_SETS,),
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
        (DATA_SETS,),
    ),
    Verb(
        "plot",
        "draw spikes, membranes, firing rates and confusion",
        "Draw a model at work, as PNG or SVG: spike rasters, membranes with their thresholds, "
        "firing rates, and which class was taken for which. Needs the extra `plot`.",
        plot_arguments,
        "pictures:plot",
        (DATA_SETS,),
    ),
    Verb(
        "generate",
        "write the .h/.c pair of a model and a manifest",
        "Write the generated C of a model: one header, one source, a manifest.",
        generate_arguments,
        "models:generate",
        (DATA_SETS,),
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
        (DATA_SETS,),
    ),
    Verb(
        "verify",
        "run every check that applies to a model, and write a report",
        "Check ranges, repeatable generation, equality here and on emulated cores, sanitizers, "
        "stack and worst case; write what was seen, with versions, digests and commands. Exit "
        "status 1 if a check failed; what could not be run is told so and never passes.",
        verify_arguments,
        "verify:verify",
        (DATA_SETS,),
    ),
)
