"""The verbs that write a model's C and prove it."""

from __future__ import annotations

from codegen.cli.options.common import BITS, BOARD, DENSITY, MODEL, ONE_BOARD, OUTPUT, PORT
from codegen.cli.options.data import DATA, FILE, INPUTS
from codegen.cli.options.option import Option
from codegen.cli.parsing import one_of, positive
from codegen.cli.verbs.verb import DATA_SETS, Verb

CODE: tuple[Verb, ...] = (
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
                "a package for c, arduino, platformio, cmake, zephyr or esp-idf (default c: the "
                "pair alone, with an example)",
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
        "stack and worst case, and equality and cycles on a connected board that `spikemcu flash` "
        "has written; write what was seen, with versions, digests and commands. Exit status 1 if a "
        "check failed; what could not be run is told so and never passes.",
        (
            MODEL,
            OUTPUT.but(help="write the report", metavar="FILE.md"),
            BOARD.but(
                help="a board of `spikemcu boards`; with one of hardware, the emulated ones of its "
                "core as well (default: an emulated one for each core)",
                default="all",
                required=False,
            ),
            PORT,
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
)
