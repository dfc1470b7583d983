"""Calls that look pure keep nothing behind: threads share a model, and a batch may be empty."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

import codegen
from codegen.checks.equivalence import made_inputs
from codegen.checks.host import HostModel
from codegen.checks.streams import expected
from qat.model import LIF, Accumulate, Count, Dense, EarlyStop, Frames, Layer, Model, Sensor, Spikes

THREADS, ROUNDS = 4, 4
RNG = np.random.default_rng(0)


def ternary(n_in: int, n_out: int) -> Dense:
    return Dense(RNG.integers(-1, 2, (n_out, n_in)), 2)


FREE = Model(Spikes(16), (Layer(ternary(16, 16), LIF(3, (3,))),), name="free")
WINDOWS = Model(
    Frames(3, -8, 7), (Layer(ternary(3, 9), LIF(5, (2,))),), Accumulate(ternary(9, 4)), 5, "wins",
    sensor=Sensor(np.array([0, 0, 0]), np.array([1, 2, 3]), 4),
)  # fmt: skip


def at_once(work: Callable[[int], object]) -> list[object]:
    """Return what `work` gave to several threads that call it at the same time, again and again."""
    start, found = threading.Barrier(THREADS), []

    def several(index: int) -> None:
        start.wait()
        for _ in range(ROUNDS):
            try:
                found.append(work(index))
            except Exception as error:  # whatever it is, it is a result
                found.append(error)

    threads = [threading.Thread(target=several, args=(i,)) for i in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_threads_share_one_compiled_model() -> None:
    """The inputs of each are its own; one state in common mixes them in every run of this."""
    host = HostModel(FREE)
    inputs = [RNG.integers(0, 2, (2000, 12, 16)) for _ in range(THREADS)]
    wanted = [FREE.run(x).output for x in inputs]
    differ = at_once(lambda i: int((host.run(inputs[i]).output != wanted[i]).sum()))
    assert differ == [0] * THREADS * ROUNDS


def test_threads_share_one_compiled_stream() -> None:
    host = HostModel(WINDOWS)
    samples = [RNG.integers(-99, 99, (40_000, 3)) for _ in range(THREADS)]
    wanted = [expected(WINDOWS, raw).scores for raw in samples]
    differ = at_once(lambda i: int((host.stream(samples[i]).scores != wanted[i]).sum()))
    assert differ == [0] * THREADS * ROUNDS


def shapes(value: Any) -> Any:
    """Return the shapes and dtypes of a result, None where it has nothing."""
    if isinstance(value, dict):
        return {name: shapes(part) for name, part in value.items()}
    if isinstance(value, tuple):
        return [shapes(part) for part in value]
    return None if value is None else (value.shape, value.dtype)


@pytest.mark.parametrize(
    "model",
    [FREE, WINDOWS, replace(WINDOWS, stop=EarlyStop(3, 2)), replace(WINDOWS, readout=Count())],
    ids=["free", "windows", "stops", "counts"],
)
def test_an_empty_batch_gives_empty_results(model: Model) -> None:
    x = made_inputs(model, 3)[:0]
    host = HostModel(model)
    by_model, by_host = model.run(x, trace=True), host.run(x, trace=True)
    for field in fields(by_model):
        one, other = getattr(by_model, field.name), getattr(by_host, field.name)
        assert shapes(one) == shapes(other), field.name
    assert shapes(by_model.state)[0] == ((0, model.layers[0].size), np.int32)
    assert codegen.check(model, x) is None
    if model.sensor is not None:
        assert len(host.stream(np.zeros((0, 3), np.int16)).when) == 0
