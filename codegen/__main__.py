"""`python -m codegen` is the command `spikemcu`."""

import sys

from codegen.cli import command

if __name__ == "__main__":  # not in the processes that the command starts of itself
    sys.exit(command())
