"""The command `spikemcu`. Only this package may import all of qat.

Every verb is a row of `codegen.cli.verbs`: its arguments, and the function that does the work,
imported when it is called, so that `spikemcu --help` starts fast.

Exit status: 0 ok, 1 a check failed or a target misbehaved, 2 wrong use or a missing tool.
"""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from codegen import __version__
from codegen.cli.streams import OutputError, surviving_streams
from codegen.cli.verbs import VERBS, Verb


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = argparse.ArgumentParser(
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
        verb.arguments(sub)
        sub.add_argument("--json", action="store_true", help="print one JSON object, nothing else")
        sub.set_defaults(run=verb)
    return top


THREAD_SETTINGS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Read by NumPy's linear algebra when it is loaded. Our matrices are small: on a busy machine
waiting for a second thread costs more than it brings, and one thread gives the same sums on
every machine with the same NumPy."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit status."""
    try:
        with surviving_streams():
            return _run(sys.argv[1:] if argv is None else argv)
    except OutputError as error:  # of what was said last
        print(f"spikemcu: {error}", file=sys.stderr)
        return 2


def _run(argv: Sequence[str]) -> int:
    arguments = parser().parse_args(argv)
    arguments.argv = argv
    verb: Verb = arguments.run
    if not any(name in os.environ for name in THREAD_SETTINGS):
        os.environ |= dict.fromkeys(THREAD_SETTINGS, "1")
    module, function = verb.function.split(":")
    try:
        return int(getattr(import_module(f"codegen.cli.{module}"), function)(arguments))
    except KeyboardInterrupt:
        print(f"spikemcu {verb.name}: interrupted", file=sys.stderr)
        return 130
    except MemoryError:
        print(f"spikemcu {verb.name}: needs more memory than there is", file=sys.stderr)
        return 2
    except (ValueError, OSError, RuntimeError) as error:
        print(f"spikemcu {verb.name}: {_text(error)}", file=sys.stderr)
        return 2 if _is_wrong_use(error) else 1


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
    from codegen.errors import MissingToolError, TargetError, TooLargeError  # noqa: PLC0415  # late
    from codegen.host import CompilerError  # noqa: PLC0415  # importing numpy is not for --help

    if isinstance(error, MissingToolError | TooLargeError | CompilerError):
        return True
    return not isinstance(error, TargetError)
