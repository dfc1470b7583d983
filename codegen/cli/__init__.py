"""The command `spikemcu`. Only this package may import all of qat.

Every verb is a row of `codegen.cli.verbs`: its options, and the function that does the work,
imported when it is called, so that `spikemcu --help` starts fast.

Exit status: 0 ok, 1 a check failed or a target misbehaved, 2 wrong use or a missing tool, 130 after
Ctrl-C, 143 when told to end.
"""

from __future__ import annotations

import errno
import os
import sys

TYPE_CHECKING = False  # as in codegen/__init__.py
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from codegen.cli.usage import OneLineParser

INTERRUPTED, TERMINATED = 130, 143


def parser() -> OneLineParser:
    """Return the parser of the whole command line."""
    from codegen.base.version import __version__  # noqa: PLC0415  # Ctrl-C may come as early as here
    from codegen.cli.usage import OneLineParser  # noqa: PLC0415
    from codegen.cli.verbs import VERBS  # noqa: PLC0415

    top = OneLineParser(
        prog="spikemcu",
        description="Train spiking networks with low-bit weights and run them on Cortex-M, "
        "with the same integers at every stage.",
        epilog="Start with `spikemcu demo`. `spikemcu VERB --help` says more about a verb.",
    )
    top.add_argument("--version", action="version", version=f"spikemcu {__version__}")
    verbs = top.add_subparsers(dest="verb", metavar="VERB", required=True)
    for verb in VERBS:
        network = f"Network: {'; '.join(verb.network) or 'none'}."
        sub = verbs.add_parser(
            verb.name, help=verb.help, description=verb.description, epilog=network
        )
        for option in verb.options:
            option.add_to(sub)
        sub.add_argument("--json", action="store_true", help="print one JSON object, nothing else")
        sub.set_defaults(run=verb, of_verb=sub)
    return top


THREAD_SETTINGS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Read by NumPy's linear algebra when it is loaded. Our matrices are small: on a busy machine
waiting for a second thread costs more than it brings, and one thread gives the same sums on
every machine with the same NumPy."""


def command() -> int:
    """Be the program `spikemcu`: `main`, with the signals of a process that is its own."""
    try:
        import signal  # noqa: PLC0415

        signal.signal(signal.SIGTERM, _terminate)
        status = main()
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # one more Ctrl-C ends without a traceback
        return status
    except KeyboardInterrupt:  # before or after `main`, which has its own line for it
        return INTERRUPTED
    except SystemExit as ending:
        if ending.code == TERMINATED:
            _last_line(" ".join(["spikemcu", *sys.argv[1:2]]), "told to end")
        raise


def _terminate(number: int, frame: object) -> None:
    """Leave by an exception, so that emulators end and temporary folders go."""
    raise SystemExit(TERMINATED)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit status; SystemExit after wrong use, --help and --version."""
    from codegen.cli.streams import OutputError, surviving_streams  # noqa: PLC0415

    argv = sys.argv[1:] if argv is None else argv
    name = " ".join(["spikemcu", *[word for word in argv[:1] if not word.startswith("-")]])
    try:
        with surviving_streams():
            return _run(argv, name)
    except KeyboardInterrupt:
        _last_line(name, "interrupted")
        return INTERRUPTED
    except OutputError as error:  # of what was said last
        _last_line("spikemcu", str(error))
        return 2


def _run(argv: Sequence[str], name: str) -> int:
    arguments = _parsed(argv)
    if not any(setting in os.environ for setting in THREAD_SETTINGS):
        os.environ |= dict.fromkeys(THREAD_SETTINGS, "1")
    from importlib import import_module  # noqa: PLC0415

    module, function = arguments.run.function.split(":")
    try:
        return int(getattr(import_module(f"codegen.cli.{module}"), function)(arguments))
    except MemoryError:
        _last_line(name, "needs more memory than there is")
        return 2
    except (ValueError, OSError, RuntimeError) as error:
        _last_line(name, _text(error))
        return 2 if _is_wrong_use(error) else 1


def _parsed(argv: Sequence[str]) -> Any:
    """Return the arguments; a verb that there is not is one line."""
    top = parser()
    from codegen.cli.usage import unknown_verb  # noqa: PLC0415
    from codegen.cli.verbs import VERBS  # noqa: PLC0415

    names = [verb.name for verb in VERBS]
    if not argv:
        top.refuse(f"missing: VERB; there are {', '.join(names)}")
    if not argv[0].startswith("-") and argv[0] not in names:
        top.refuse(unknown_verb(argv[0], names))
    arguments = top.parse_args(argv)
    arguments.argv = argv
    return arguments


def _last_line(name: str, line: str) -> None:
    from codegen.cli.printable import printable  # noqa: PLC0415  # Ctrl-C may come early

    print(f"{name}: {printable(line)}", file=sys.stderr)


FULL = (errno.ENOSPC, errno.EDQUOT)


def _text(error: Exception) -> str:
    """Return what an error says, without Python's number of it."""
    if not isinstance(error, OSError) or error.strerror is None:
        return str(error)
    names = " -> ".join(str(name) for name in (error.filename, error.filename2) if name)
    text = f"{names}: {error.strerror}" if names else error.strerror
    if error.errno in FULL:
        text += "; make room there, or set TMPDIR and SPIKEMCU_CACHE to folders that have some"
    return text


def _is_wrong_use(error: Exception) -> bool:
    from codegen.base.errors import MissingToolError, TargetError, TooLargeError  # noqa: PLC0415  # late
    from codegen.checks.host import CompilerError  # noqa: PLC0415  # importing numpy is not for --help
    from qat.train.divergence import DivergedError  # noqa: PLC0415

    if isinstance(error, MissingToolError | TooLargeError | CompilerError):
        return True
    return not isinstance(error, TargetError | DivergedError)
