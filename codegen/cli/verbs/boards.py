"""The verbs of boards: build, flash, run, bench, report, boards, doctor."""

from __future__ import annotations

from argparse import ArgumentParser

from codegen.cli.options import (
    WEIGHT_BITS,
    board_option,
    data_option,
    data_options,
    densities,
    density_option,
    file_options,
    fraction,
    layer_shape,
    model_file,
    one_of,
    port_option,
    whole_number,
)
from codegen.cli.verbs.table import ANSWERS, COMPILER, DATA_SETS, REGISTRY, Verb

ENCODED_KINDS = ("rate", "latency", "delta")
"""The inputs that an encoder makes spikes of."""


def build_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `build`."""
    model_file(parser)
    board_option(parser)
    parser.add_argument("-o", "--output", metavar="DIR", help="copy the firmware here as well")


def flash_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `flash`."""
    model_file(parser)
    parser.add_argument(
        "--board", metavar="B", required=True, help="a board of hardware, see `spikemcu boards`"
    )
    port_option(parser)


def run_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `run`."""
    model_file(parser)
    board_option(parser)
    data_options(parser)
    port_option(parser)
    parser.add_argument(
        "--probe",
        action="store_true",
        help="on a board of hardware, compare the membranes of every step as well, as is always "
        "done on emulated ones",
    )


def bench_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `bench`."""
    parser.add_argument("model", metavar="MODEL", nargs="?", help="a model file")
    parser.add_argument(
        "--layer",
        type=layer_shape,
        metavar="NxM",
        help="a random LIF layer with N inputs and M neurons",
    )
    parser.add_argument(
        "--bits",
        **one_of(*WEIGHT_BITS),
        help="bits of the layer's weights (default: 2)",
    )
    parser.add_argument(
        "--density",
        type=densities,
        default=[0.1],
        metavar="D,D",
        help="fractions of the layer's inputs that spike (default: 0.1)",
    )
    parser.add_argument(
        "--zeros",
        type=fraction,
        metavar="Z",
        help="fraction of zeros among ternary weights (default: 0.42)",
    )
    parser.add_argument(
        "--input",
        **one_of(*ENCODED_KINDS),
        help="bytes that become spikes in front of the layer: what the encoder takes "
        "(--density: values of delta that change)",
    )
    parser.add_argument("--input-bits", **one_of(*range(1, 9)), help="of the bytes (default: 8)")
    parser.add_argument(
        "--portable", action="store_true", help="the layer in portable C99, without assembly"
    )
    board_option(parser)
    data_options(parser)


def report_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `report`."""
    model_file(parser)
    board_option(parser)
    density_option(parser)
    parser.add_argument(
        "--current", metavar="I", help="what your board draws while it computes, such as 12mA"
    )
    parser.add_argument(
        "--voltage", metavar="V", help="its supply, such as 3.3V: energy = I * V * t"
    )
    parser.add_argument(
        "--budget",
        metavar="KEY=LIMIT,...",
        help="exit status 1 if the worst case exceeds a limit: flash, ram, stack (bytes, K, M), "
        "latency (us, ms, s), instructions, energy (nJ, uJ, mJ, J)",
    )
    parser.add_argument(
        "--html", metavar="FILE", help="write one page with the pictures, which needs nothing else"
    )
    parser.add_argument(
        "--sample",
        type=whole_number,
        metavar="N",
        help="sample whose spikes the page shows (default: 0; of made inputs the last)",
    )
    data_option(parser)
    file_options(parser)


def no_arguments(parser: ArgumentParser) -> None:
    """Add nothing."""


VERBS: tuple[Verb, ...] = (
    Verb(
        "build",
        "build firmware for a board",
        "Build the firmware of a model with PlatformIO.",
        build_arguments,
        "targets:build",
        (COMPILER, REGISTRY),
    ),
    Verb(
        "flash",
        "build a model's firmware and write it to a connected board",
        "Build the firmware of a model, write it to a board of hardware through PlatformIO, wait "
        "until the board answers, and check that it holds this model.",
        flash_arguments,
        "hardware:flash",
        (REGISTRY,),
    ),
    Verb(
        "run",
        "run a model on a board, every spike compared",
        "Stream inputs through the firmware and compare every spike, membrane and score: on "
        "emulated boards, or on a connected one that `spikemcu flash` has written, which also "
        "counts its cycles.",
        run_arguments,
        "targets:run",
        (DATA_SETS, COMPILER),
    ),
    Verb(
        "bench",
        "count instructions, exactly, on emulated cores",
        "Count the instructions of a model or of a single layer on emulated cores.",
        bench_arguments,
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
        report_arguments,
        "reports:report",
        (DATA_SETS,),
    ),
    Verb(
        "boards",
        "the boards that firmware can be built for",
        "List the boards, emulated and of hardware, and whether this machine can build for them.",
        no_arguments,
        "hardware:boards",
        (ANSWERS,),
    ),
    Verb(
        "doctor",
        "what is missing on this machine, and how to get it",
        "Look for every tool that spikemcu uses; exit status 1 if one is missing.",
        no_arguments,
        "targets:doctor",
    ),
)
