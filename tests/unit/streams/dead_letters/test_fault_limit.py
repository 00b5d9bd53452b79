"""When a partition stops because the fold fails, whatever batches its events come in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.dead_letters.fault_limit import WINDOW, FaultLimit, FaultLimits
from tests.harness.histories import law

LIMITS = FaultLimits(in_a_row=5, share=0.02)
MOST = int(LIMITS.share * WINDOW)


def stops_at(failures: list[bool], sizes: list[int]) -> int | None:
    """The number of the batch's last event at which the partition stops; None: it goes on."""
    limit = FaultLimit(LIMITS)
    begin = 0
    for size in [*sizes, len(failures)]:
        batch = failures[begin : begin + size]
        if limit.exceeded(len(batch), [n for n, failed in enumerate(batch) if failed]) is not None:
            return begin + len(batch)
        begin += len(batch)
    return None


def first_excess(failures: list[bool]) -> int | None:
    """By the definition: the first event at which either limit is reached."""
    for at in range(len(failures)):
        row = failures[max(0, at - LIMITS.in_a_row + 1) : at + 1]
        share = sum(failures[max(0, at - WINDOW + 1) : at + 1])
        if (len(row) == LIMITS.in_a_row and all(row)) or (failures[at] and share >= MOST):
            return at
    return None


@law
@given(st.lists(st.booleans(), max_size=80), st.lists(st.integers(1, 20), max_size=8))
def test_stops_in_the_batch_that_reaches_a_limit(failures: list[bool], sizes: list[int]) -> None:
    excess, stopped = first_excess(failures), stops_at(failures, sizes)
    assert (stopped is None) == (excess is None)
    if excess is not None and stopped is not None:
        assert excess < stopped
        ends = [sum(sizes[: n + 1]) for n in range(len(sizes))]
        assert not any(excess < end < stopped for end in ends), "no later batch than that one"


def test_a_single_failure_stops_nobody() -> None:
    assert stops_at([False] * 10 + [True] + [False] * 3000, [100]) is None


@pytest.mark.parametrize(("every", "stops"), [(10, True), (200, False)])
def test_a_share_of_the_latest_events_stops(every: int, stops: bool) -> None:
    failures = [number % every == 0 for number in range(5000)]
    assert (stops_at(failures, [50] * 100) is not None) is stops
