"""Lines of delay: every set of delays is made of their lengths, in the memory of a ring."""

from __future__ import annotations

import numpy as np
import pytest

from codegen.kernels.gather.lines import lengths_of, lines_of, through
from qat.model import MAX_DELAY


@pytest.mark.parametrize("longest", range(1, MAX_DELAY + 1))
def test_every_delay_is_a_sum_of_lengths_that_sum_up_to_the_longest(longest: int) -> None:
    delays = np.arange(longest + 1)
    lengths = lengths_of(delays)
    assert sum(lengths) == longest
    assert all(length & (length - 1) == 0 for length in lengths)
    np.testing.assert_array_equal(np.array(lengths) @ through(delays, lengths), delays)


@pytest.mark.parametrize(
    ("delays", "lengths"),
    [
        ([0, 16], (16,)),
        ([0, 4, 12], (8, 4)),
        ([0, 1, 16], (8, 4, 2, 1, 1)),
        ([0, 31], (16, 8, 4, 2, 1)),
        ([2, 20], (8, 4, 4, 2, 2)),
    ],
)
def test_lengths_are_multiples_of_what_delays_have_in_common(
    delays: list[int], lengths: tuple[int, ...]
) -> None:
    found = lengths_of(np.array(delays))
    assert found == lengths
    np.testing.assert_array_equal(np.array(found) @ through(np.array(delays), found), delays)


def test_words_enter_the_lines_that_they_need_alone() -> None:
    delays = np.repeat([0, 1, 2, 3], [32, 32, 20, 10])
    lines = lines_of(delays, 1, "0", "the input")
    assert [(one.length, one.words, one.masks) for one in lines.lines] == [
        (2, (2,), (None,)),
        (1, (1, 2), (None, 0)),
    ]
    assert lines.masks is not None
    assert lines.masks.values.tolist() == [((1 << 10) - 1) << 20 & 0xFFFFFFFF]
    assert [one.first for one in lines.lines] == [1, 3]
    assert lines.kept == 1 + 2 + 2


def test_loops_have_the_masks_of_a_word_side_by_side() -> None:
    lines = lines_of(np.arange(160) % 4, 1, "0", "the input")
    assert lines.looped
    assert lines.masks is not None
    assert lines.masks.values.reshape(5, 2)[:, 0].tolist() == [0xCCCCCCCC] * 5
    assert lines.masks.values.reshape(5, 2)[:, 1].tolist() == [0xAAAAAAAA] * 5
    assert lines.kept == 1 + 5 * 3


def test_four_words_are_kept_side_by_side() -> None:
    delays = np.repeat([0, 1, 2, 3], 32)
    lines = lines_of(delays, 1, "0", "the input")
    assert lines.rows
    assert [(one.words, one.places, one.masks, one.stride) for one in lines.lines] == [
        ((2, 3), (2, 3), (None, None), 4),
        ((1, 3), (1, 3), (None, None), 4),
    ]
    assert lines.masks is not None
    full = 0xFFFFFFFF
    assert lines.masks.values.tolist() == [0, 0, full, full, 0, full, 0, full]
    assert not lines_of(delays, 2, "0", "the input").rows
