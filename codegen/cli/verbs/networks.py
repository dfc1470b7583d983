"""The verbs that make a network: train it, or read the one of another framework."""

from __future__ import annotations

from codegen.cli.options.common import (
    DATA_SET,
    MODEL,
    ONE_BOARD,
    OUTPUT,
    OUTPUT_BITS,
    PICTURES,
    SEED,
    STEPS,
)
from codegen.cli.options.data import FILE, INPUTS
from codegen.cli.options.foreign import FOREIGN, QUANTIZED
from codegen.cli.options.network import NETWORK, RATE
from codegen.cli.options.option import Option
from codegen.cli.options.training import TRAINING
from codegen.cli.parsing import one_of, positive, positive_number, whole_numbers
from codegen.cli.verbs.verb import DATA_SETS, STORAGE, Verb

NETWORKS: tuple[Verb, ...] = (
    Verb(
        "demo",
        "data -> train -> C -> equal on this machine and on every emulated core",
        "Train a ternary network on the UCI digits, generate its C, and prove it equal on this "
        "machine and on six emulated Cortex-M cores.",
        (
            OUTPUT.but(
                help="folder for the model and its C (default: %(default)s)",
                default="spikemcu-demo",
            ),
            SEED.but(help="seed of the training (default: 0)"),
            Option(
                "--short",
                "few epochs and samples: a quick look, not the real figures",
                action="store_true",
            ),
        ),
        "demo:demo",
    ),
    Verb(
        "data",
        "the data sets; fetch and prepare one",
        "List the data sets that have a name, or fetch one, keep it, and print what it holds.",
        (DATA_SET.but(help="one data set to prepare", nargs="?"), FILE),
        "datasets:data",
        (DATA_SETS,),
    ),
    Verb(
        "train",
        "train a network and write its integer model",
        "Train a network with low-bit weights; the best epoch on validation data is kept, also "
        "after Ctrl-C (--keep last: the last one).",
        (
            DATA_SET.but(
                help="a name of `spikemcu data`, an .npz with x and y, a .csv, or an IDX images "
                "file"
            ),
            OUTPUT.but(help="model file to write", metavar="MODEL", required=True),
            RATE,
            NETWORK,
            TRAINING,
            FILE,
        ),
        "train:train",
        (DATA_SETS,),
    ),
    Verb(
        "compare",
        "float against 8, 4 and 2 bits, trained and rounded: accuracy, flash, instructions",
        "Train one task in float and in few bits, round the float network as well, and set "
        "accuracy against bytes of flash and instructions: a table and a picture.",
        (
            DATA_SET,
            OUTPUT.but(help="folder for table and pictures", default="."),
            Option(
                "--widths",
                "neurons of the hidden layer, a network for each (default: 64)",
                whole_numbers,
                metavar="N,N",
                default=[64],
            ),
            Option(
                "--bits",
                "bits of a weight (default: 2,4,8)",
                whole_numbers,
                metavar="B,B",
                default=[2, 4, 8],
            ),
            OUTPUT_BITS.but(help="default: the same"),
            Option("--input-bits", "upper bits of inputs", positive, metavar="N"),
            STEPS.but(help="time steps (default: the data's, else 8)"),
            Option("--epochs", "default: the data set's recipe", positive),
            Option("--seeds", "seeds 0 to N - 1 (default: 3)", positive, metavar="N", default=3),
            ONE_BOARD.but(help="whose flash and instructions (qemu-m4)", default="qemu-m4"),
            PICTURES,
            FILE,
        ),
        "compare:compare",
        (DATA_SETS,),
    ),
    Verb(
        "import",
        "make a model of a network that another framework trained (NIR)",
        "Read a NIR file as its framework runs it, prove that by what the framework computed "
        "(--reference), and write the integer model, with how far it drifts from the network. "
        "Exit status 1 if the reference is not reproduced, or the drift is above its bar. Needs "
        "the extra `nir`.",
        (
            Option("file", "a NIR file, as export_to_nir or nir.write writes it", metavar="FILE"),
            OUTPUT.but(help="model file to write", metavar="MODEL", required=True),
            FOREIGN,
            QUANTIZED,
        ),
        "nir:import_",
    ),
    Verb(
        "export",
        "write a model as a network that another framework loads (NIR)",
        "Write a model as a NIR file in the form that a framework loads, and say what that "
        "changes: the file is read again, and run as the framework runs it. Needs the extra `nir`.",
        (
            MODEL,
            OUTPUT.but(help="NIR file to write", metavar="FILE", required=True),
            Option(
                "--dialect",
                "the framework (default: snntorch)",
                default="snntorch",
                **one_of("snntorch", "norse", "spikingjelly", "plain"),
            ),
            *INPUTS,
        ),
        "nir:export",
        (DATA_SETS,),
    ),
    Verb(
        "search",
        "the most accurate network within limits of flash, RAM and instructions",
        "Look for the most accurate network that keeps a budget on a board: layers, widths, bits, "
        "steps, settings of the training. What cannot fit is never trained; short trainings that "
        "fall behind are ended. Ends in a front of accuracy against flash and instructions, and in "
        "the command that trains the first one longer. The same command goes on with what an older "
        "one found; with --storage any number of machines share it. Needs the extras `search` and "
        "`plot`.",
        (
            DATA_SET,
            ONE_BOARD.but(help="the board", required=True),
            Option(
                "--budget",
                "limits: flash, ram (state and stack), stack, instructions, latency; the last two "
                "typical, of the activity on validation data: flash=16K,ram=4K,instructions=60k",
                metavar="KEY=LIMIT,...",
                required=True,
            ),
            OUTPUT.but(help="folder for models, table and picture", required=True),
            Option(
                "--trials", "networks to train (default: 60)", positive, metavar="N", default=60
            ),
            Option(
                "--minutes",
                "processor time of a worker, after which it ends (default: no limit)",
                positive_number,
                metavar="M",
            ),
            Option("--workers", "processes (default: 1)", positive, metavar="N", default=1),
            Option(
                "--storage",
                "what workers share: a file on a folder of all, or a database, such as "
                "postgresql://user@host/name (default: search.journal in the -o folder)",
                metavar="FILE|URL",
            ),
            Option(
                "--epochs",
                "of each training that is not ended after a ninth or a third of them (default: the "
                "recipe's)",
                positive,
            ),
            Option(
                "--seeds",
                "trainings of each network that is not ended early; their mean accuracy decides "
                "(default: 2)",
                positive,
                metavar="N",
                default=2,
            ),
            SEED,
            PICTURES,
            RATE,
            FILE,
        ),
        "searching.verb:search",
        (DATA_SETS, STORAGE),
    ),
)
