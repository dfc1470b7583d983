"""qat without torch: importing it needs none, and what needs it says how to get it."""

from __future__ import annotations

import subprocess
import sys

import pytest

import qat
from qat.model.edges import SYNAPSES
from qat.model.neurons import NEURONS
from qat.model.readouts import READOUTS

BLOCKED = "import sys; sys.modules['torch'] = None\n"
"""`import torch` then raises ModuleNotFoundError, as where it is not installed."""


def answer(program: str) -> str:
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_importing_qat_does_not_import_torch() -> None:
    text = "import qat, sys, qat.torch; dir(qat.torch); qat.Network([4, 3, 2])\n"
    assert answer(text + "print('torch' in sys.modules)") == "False"


def test_what_needs_torch_says_so_in_one_line() -> None:
    text = "import qat\ntry:\n    qat.torch.Sequential\nexcept ImportError as e:\n    print(e)"
    assert answer(BLOCKED + text) == (
        "torch is missing; qat.torch needs it: pip install 'torch>=2.4,<3'"
    )


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Sequentiall'"):
        _ = qat.torch.Sequentiall


def test_every_record_has_a_part() -> None:
    """Which makes that very record: test_records.py, with torch."""
    wanted = {record.__name__ for record in (*SYNAPSES, *NEURONS, *READOUTS)}
    assert wanted <= set(qat.torch.__all__)
