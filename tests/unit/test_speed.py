"""The benchmark of training."""

import sys

import pytest

from qat import speed


def test_an_epoch_is_measured(capsys):
    assert speed.main(["--samples", "2000"]) == 0
    words = capsys.readouterr().out.split()
    assert words[:2] == ["spikemcu,", "ternary"]
    assert 0 < float(words[2]) < 60


def test_without_snntorch_it_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "snntorch", None)
    assert speed.main(["--samples", "2000", "--snntorch"]) == 2
    assert "pip install 'spikemcu[bench]'" in capsys.readouterr().err


def test_wrong_use():
    with pytest.raises(SystemExit):
        speed.main(["--samples", "many"])
