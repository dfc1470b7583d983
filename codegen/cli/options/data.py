"""Where samples come from, and how a file of them is read."""

from __future__ import annotations

from codegen.cli.options.option import Group, Option
from codegen.cli.parsing import (
    decimal,
    hearing,
    names,
    numbers,
    positive,
    positive_number,
    separator,
)
from qat.data.reading import ENCODINGS

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
