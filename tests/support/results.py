"""Comparison of results without the comparison under test."""

from __future__ import annotations

from typing import Any

import numpy as np

from qat.model import Result


def assert_same(expected: Result, found: Result) -> None:
    """Fail unless both results hold the same fields with the same values and types."""
    for name in Result.__dataclass_fields__:
        ours, theirs = getattr(expected, name), getattr(found, name)
        if name == "further" and found.v is None:
            assert theirs is None, "what stands beside membranes that nobody tells"
            continue
        if ours is None or theirs is None:
            assert ours is theirs, name
            continue
        ours = ours if isinstance(ours, tuple) else (ours,)
        theirs = theirs if isinstance(theirs, tuple) else (theirs,)
        for layer, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            _assert_arrays(a, b, f"{name}[{layer}]")


def _assert_arrays(ours: Any, theirs: Any, where: str) -> None:
    if isinstance(ours, dict):
        assert ours.keys() == theirs.keys(), where
        for name, values in ours.items():
            _assert_arrays(values, theirs[name], f"{where}.{name}")
        return
    np.testing.assert_array_equal(ours, theirs, err_msg=where)
    assert ours.dtype == theirs.dtype, where
