"""`python -m codegen` is the command `spikemcu`."""

import sys

from codegen.cli import command

sys.exit(command())
