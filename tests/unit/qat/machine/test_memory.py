"""A task too large for memory is refused before it starts."""

import time

import numpy as np
import pytest

import qat
from qat.machine import memory


def test_a_network_too_large_is_refused_at_once():
    start = time.process_time()
    with pytest.raises(ValueError, match=r"Network: needs about [\d,]+\.\d GB, .* are free; use"):
        qat.Network([2**23, 2**23, 10])
    assert time.process_time() - start < 1


def test_training_too_large_is_refused_before_it_starts(monkeypatch):
    data = qat.datasets.load("digits")
    net = qat.Network([64, 64, 10], steps=2**20)
    with pytest.raises(ValueError, match=r"training on digits: needs about .*smaller batch_size"):
        qat.fit(net, data, batch_size=1295)
    net = qat.Network([64, 8, 10])
    monkeypatch.setattr(memory, "available", lambda: 1000)
    with pytest.raises(ValueError, match=r"0\.0 GB are free"):
        qat.fit(net, data, epochs=1)


def test_data_too_large_are_refused(monkeypatch, tmp_path):
    """A file of few bytes may hold much, and a value takes more than its own bytes."""
    x, y = np.zeros((1000, 50), np.uint8), np.arange(1000) % 2
    x[::2] = 1
    np.savez_compressed(tmp_path / "zeros.npz", x=x, y=y)
    lines = [f"{i},{i % 2}" for i in range(1000)]
    (tmp_path / "lines.csv").write_text("\n".join(lines))
    assert (tmp_path / "zeros.npz").stat().st_size < 5000
    for free, name, said in (
        (40_000, "zeros.npz", r"zeros.npz.*its arrays: needs .*; divide the file"),
        (600_000, "zeros.npz", r"zeros.npz: x: needs about 0.0 GB, .*; give fewer samples"),
        (100_000, "lines.csv", r"lines.csv: reading it: needs .*; give fewer lines or columns"),
    ):
        monkeypatch.setattr(memory, "available", lambda free=free: free)
        with pytest.raises(ValueError, match=said):
            qat.datasets.load(tmp_path / name)
    monkeypatch.setattr(memory, "available", lambda: 800_000)
    assert qat.datasets.load(tmp_path / "zeros.npz").inputs == 50
    assert qat.datasets.load(tmp_path / "lines.csv").inputs == 1


def test_where_the_system_does_not_say_we_try(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: None)
    memory.require("a task", 1e30, "")


def test_this_machine_says():
    assert 10**7 < memory.available() < 10**14
