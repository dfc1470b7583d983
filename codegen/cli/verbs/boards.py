"""The verbs that bring a model onto a board."""

from __future__ import annotations

from codegen.cli.options.common import BITS, BOARD, DENSITY, MODEL, ONE_BOARD, OUTPUT, PORT, SAMPLE
from codegen.cli.options.data import DATA, FILE, INPUTS
from codegen.cli.options.network import ENCODED_KINDS
from codegen.cli.options.option import Option
from codegen.cli.parsing import densities, fraction, layer_shape, one_of, whole_number
from codegen.cli.verbs.verb import ANSWERS, COMPILER, DATA_SETS, REGISTRY, Verb

BOARDS: tuple[Verb, ...] = (
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
