"""How a network of another framework is read, and what is made of it: `spikemcu import`."""

from __future__ import annotations

from codegen.cli.options.option import Group, Option
from codegen.cli.parsing import one_of, positive, positive_number, share, whole_numbers, words

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
