"""How `spikemcu train` trains."""

from __future__ import annotations

from codegen.cli.options.common import ONE_BOARD, SEED
from codegen.cli.options.option import Group, Option
from codegen.cli.parsing import number, positive, whole_number, words

TRAINING = Group(
    "training (defaults: the data set's recipe)",
    (
        Option("--recipe", "settings of another data set, for instance mnist", metavar="NAME"),
        Option("--epochs", type=positive),
        Option("--batch-size", type=positive),
        Option("--learning-rate", type=number),
        Option("--weight-decay", type=number),
        Option("--averaging", "what an update keeps of the mean of the weights, below 1", number),
        Option(
            "--keep",
            "the epoch whose weights are kept: the best on validation data, or the last",
            choices=("best", "last"),
        ),
        Option(
            "--teacher",
            "models of the same task and inputs to learn from besides the labels; of several the "
            "mean",
            words,
            metavar="MODEL,MODEL",
        ),
        Option(
            "--teaching",
            "part of the loss that is the teachers', above 0, at most 1 (default: 0.7)",
            number,
            metavar="PART",
        ),
        Option(
            "--temperature",
            "of what teachers say: more tells more of the classes that are not the likeliest "
            "(default: 2)",
            number,
            metavar="T",
        ),
        Option("--rate-penalty", "weight of the firing-rate penalty", number),
        Option(
            "--shift",
            "move every training sample anew by up to N pixels, both ways, or a window by N steps; "
            "0 for none",
            whole_number,
            metavar="N",
        ),
        Option(
            "--changes",
            "how much the recipe's changes of training images change them, in those of the recipe; "
            "0 for not at all (default: 1)",
            number,
            metavar="FACTOR",
        ),
        Option(
            "--speech",
            "change every training recording of sound anew, as other tries and speakers would: "
            "later, quicker, louder, bands higher or not heard",
            action="store_true",
        ),
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
