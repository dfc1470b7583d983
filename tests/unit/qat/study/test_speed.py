"""The benchmark of training."""

import re
import subprocess
import sys

import pytest
from bench import speed

MOST_MEGABYTES = 1500
"""What training on MNIST may take at most."""


def test_an_epoch_is_measured(capsys):
    assert speed.main(["--samples", "2000"]) == 0
    words = capsys.readouterr().out.split()
    assert words[:2] == ["spikemcu,", "ternary"]
    assert 0 < float(words[2]) < 60


@pytest.mark.proof
def test_training_on_as_much_as_mnist_stays_in_its_memory():
    """A process of its own, for the peak is that of a process."""
    command = [sys.executable, speed.__file__]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(r"(\d+) MB at most", said)
    assert found is not None, said
    assert 100 < int(found[1]) < MOST_MEGABYTES  # the images alone take 47


def test_without_snntorch_it_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "snntorch", None)
    assert speed.main(["--samples", "2000", "--snntorch"]) == 2
    assert "pip install -e '.[bench]'" in capsys.readouterr().err


def test_wrong_use():
    with pytest.raises(SystemExit):
        speed.main(["--samples", "many"])
