"""The verbs that look at a model."""

from __future__ import annotations

from codegen.cli.options.common import MODEL, ONE_BOARD, OUTPUT, PICTURES, SAMPLE
from codegen.cli.options.data import DATA, FILE, INPUTS, judged
from codegen.cli.options.option import Option
from codegen.cli.parsing import (
    names,
    number,
    one_of,
    positive,
    positive_number,
    whole_number,
    whole_numbers,
)
from codegen.cli.verbs.verb import COMPILER, DATA_SETS, Verb

MODELS: tuple[Verb, ...] = (
    Verb(
        "evaluate",
        "how often a model is right: accuracy, by class, confusion",
        "Run a model on data with labels, here or on an emulated board, and count how often it is "
        "right: in all, by class, and which class was taken for which.",
        (
            MODEL,
            *judged("with labels: their test part if they trained the model, else all of them"),
            ONE_BOARD.but(help="run the firmware on this emulated board (default: the model)"),
        ),
        "evaluate:evaluate",
        (DATA_SETS, COMPILER),
    ),
    Verb(
        "predict",
        "the class of every sample or window of a file",
        "Run a model on data, with or without labels, and print a row for every sample or window: "
        "its class, the scores, the step at which the decision fell, and where a window begins.",
        (
            MODEL,
            *judged("with or without labels, all of them"),
            OUTPUT.but(help="write a .csv or .json (default: print the csv)", metavar="FILE"),
        ),
        "predict:predict",
        (DATA_SETS,),
    ),
    Verb(
        "info",
        "layers, bits, proved ranges, sparsity, sizes of a model",
        "Print what a model is made of, every byte of flash and RAM itemised.",
        (MODEL,),
        "models:info",
    ),
    Verb(
        "kernels",
        "kernels for the fewest instructions, or for the least flash",
        "Set the kernels that a model has by predicted instructions beside those of the least "
        "flash, as linked for a board's core. -o writes a model that names those of --for: what "
        "any verb generates, builds or reports of it then has them. Results and digest stay.",
        (
            MODEL,
            ONE_BOARD.but(help="whose flash counts (default: qemu-m4)", default="qemu-m4"),
            Option(
                "--for",
                "what the kernels of -o are chosen for (default: flash)",
                dest="goal",
                default="flash",
                **one_of("flash", "instructions"),
            ),
            OUTPUT.but(help="write the model here", metavar="MODEL"),
        ),
        "kernels:kernels",
    ),
    Verb(
        "anytime",
        "accuracy when stopped early, and a rule that does so",
        "Print the accuracy of a model when it is stopped after each of its steps. Choose, on "
        "validation data, the lead of the best score at which an inference may end, and say what "
        "it saves; -o writes the model with this rule, which its C obeys.",
        (
            MODEL,
            DATA.but(
                help="a data set with labels; by default the one that the model was trained on"
            ),
            FILE,
            Option(
                "--lose",
                "accuracy that the rule may cost on validation data, in points (default 0.1)",
                number,
                metavar="POINTS",
                default=0.1,
            ),
            Option("--margin", "this rule, none chosen", positive, metavar="N"),
            Option("--first", "its first step (default 1)", positive, metavar="STEP"),
            ONE_BOARD.but(help="predict instructions for this board", default="qemu-m4"),
            OUTPUT.but(help="write the model with its rule", metavar="FILE"),
        ),
        "anytime:anytime",
        (DATA_SETS,),
    ),
    Verb(
        "listen",
        "a detector for sound: its false accepts and misses",
        "Let the windows of a model that hears slide over a long recording, choose the lead of the "
        "smoothed scores that detects a class, and count what is detected, missed, and detected "
        "without having been said; -o writes the model with this detector, which its C obeys. The "
        "recording is made of the data: their validation part chooses, their test part judges. "
        "With --events it is one of your own: its first half chooses, its second one judges. A "
        "model that has a detector is judged by that, in all of it.",
        (
            MODEL,
            DATA.but(help="recordings with labels, as trained the model; or one .wav, --events"),
            Option(
                "--events",
                "a .csv of what is said in the .wav: the columns start, end (seconds) and label",
                metavar="FILE.csv",
            ),
            FILE,
            Option(
                "--slide",
                "samples from one window to the next (default: the model's, or a quarter window)",
                positive,
                metavar="N",
            ),
            Option(
                "--smooth",
                "choose among these: 0 takes scores as they are, each more doubles the windows "
                "(default: 0,1,2)",
                whole_numbers,
                metavar="K,K",
            ),
            Option(
                "--refractory",
                "windows without a detection behind one (default: until its window has passed)",
                whole_number,
                metavar="N",
            ),
            Option(
                "--background",
                "classes that are never detected, such as noise and other words",
                names,
                metavar="C,C",
                default=(),
            ),
            Option(
                "--at-most",
                "false accepts an hour; then the fewest misses (default: the fewest of both)",
                number,
                metavar="N",
            ),
            Option(
                "--late",
                "seconds behind its end at which an event may be detected (default: a window)",
                positive_number,
                metavar="S",
            ),
            OUTPUT.but(help="write the model with its detector", metavar="FILE"),
        ),
        "listen:listen",
        (DATA_SETS,),
    ),
    Verb(
        "plot",
        "draw spikes, membranes, firing rates and confusion",
        "Draw a model at work, as PNG or SVG: spike rasters, membranes with their thresholds, "
        "firing rates, and which class was taken for which. Needs the extra `plot`.",
        (
            MODEL,
            OUTPUT.but(help="folder for the pictures (default: .)", default="."),
            Option(
                "--kind",
                "raster, membranes, firing, confusion, weights, maps (default: all that can be "
                "drawn)",
                metavar="K,K",
            ),
            SAMPLE.but(
                help="sample whose spikes and membranes are drawn (default: 0)",
                type=whole_number,
                default=0,
            ),
            PICTURES,
            *INPUTS,
        ),
        "pictures:plot",
        (DATA_SETS,),
    ),
)
