"""A task too large for memory is refused before it starts."""

import time

import pytest

import qat
from qat import memory


def test_a_network_too_large_is_refused_at_once():
    start = time.perf_counter()
    with pytest.raises(ValueError, match=r"Network: needs about [\d,]+\.\d GB, .* are free; use"):
        qat.Network([2**23, 2**23, 10])
    assert time.perf_counter() - start < 1


def test_training_too_large_is_refused_before_it_starts(monkeypatch):
    data = qat.datasets.load("digits")
    net = qat.Network([64, 64, 10], steps=2**20)
    with pytest.raises(ValueError, match=r"training on digits: needs about .*smaller batch_size"):
        qat.fit(net, data, batch_size=1295)
    net = qat.Network([64, 8, 10])
    monkeypatch.setattr(memory, "available", lambda: 1000)
    with pytest.raises(ValueError, match=r"0\.0 GB are free"):
        qat.fit(net, data, epochs=1)


def test_where_the_system_does_not_say_we_try(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: None)
    memory.require("a task", 1e30, "")


def test_this_machine_says():
    assert 10**7 < memory.available() < 10**14
