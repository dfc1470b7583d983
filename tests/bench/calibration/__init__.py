"""Random models, their counts on emulated cores, and the fit of the cost model to them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # the models that tests share, tests/support
