"""What `spikemcu train` asks of the network."""

from __future__ import annotations

from codegen.cli.options.common import BITS, OUTPUT_BITS, STEPS
from codegen.cli.options.option import Group, Option
from codegen.cli.parsing import leaks, number, one_of, positive, positive_number, whole_numbers

INPUT_KINDS = ("analog", "frames", "spikes", "rate", "latency", "delta")
"""How data reach a network, as in qat.data.encode, which --help does not load."""

ENCODED_KINDS = ("rate", "latency", "delta")
"""The inputs that an encoder makes spikes of."""

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
            "lif, cuba: with a synaptic current before the membrane, alif: spikes raise the "
            "threshold for some steps, or burst: neurons without memory that emit a count, in one "
            "step (default: burst with convolutions of one picture, else lif)",
            **one_of("lif", "cuba", "alif", "burst"),
        ),
        Option(
            "--leak-c",
            "of --neuron cuba, the leak of the synaptic current, as --leak (default: 2)",
            whole_numbers,
            metavar="K,K",
        ),
        Option(
            "--leak-b",
            "of --neuron alif, K: what raises a threshold loses 2^-K of itself a step (default: 4)",
            positive,
            metavar="K",
        ),
        Option(
            "--raise-by",
            "of --neuron alif, by which part of its threshold a spike raises it (default: 0.25)",
            positive_number,
            metavar="PART",
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
            "--leaks",
            "2 to 8 leaks, each as --leak, over which the neurons of every hidden layer are "
            "spread evenly: 2/4/6",
            leaks,
            metavar="K/K",
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
        Option("--reset", default="subtract", **one_of("subtract", "zero", "value", "late")),
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
