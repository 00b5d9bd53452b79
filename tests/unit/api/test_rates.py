"""How much a source may send: what is within the rate passes, what is beyond is told when."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.errors import Refused
from api.rates import BURST_S, Rates

BURST = int(100 * BURST_S)


def passes(rates: Rates, events: int, now: float, source: str = "shop") -> bool:
    try:
        rates.take(source, events, now)
    except Refused as refused:
        assert refused.status == 429
        assert int(refused.headers["Retry-After"]) >= 1
        return False
    return True


@given(st.lists(st.tuples(st.integers(1, 2_000), st.floats(0, 20)), max_size=60))
def test_never_more_than_rate_and_burst_and_one_batch(sent: list[tuple[int, float]]) -> None:
    rates = Rates(100)
    now = 0.0
    passed: list[tuple[float, int]] = []
    for events, pause in sent:
        now += pause
        if passes(rates, events, now):
            passed.append((now, events))
    for index, (since, first) in enumerate(passed):
        later = sum(events for _, events in passed[index:])
        largest = max(events for _, events in passed[index:])
        assert later <= 100 * (now - since) + BURST + max(largest, first) + 1e-6


@given(st.integers(1, 5_000), st.integers(1, 5_000))
def test_who_waits_as_told_passes(first: int, second: int) -> None:
    rates = Rates(100)
    assert passes(rates, first, 0.0)
    with_pause = 0.0
    for _ in range(20):
        try:
            rates.take("shop", second, with_pause)
        except Refused as refused:
            with_pause += int(refused.headers["Retry-After"])
        else:
            return
    pytest.fail(f"still refused after {with_pause} s")


def test_sources_do_not_pay_for_each_other_and_no_limit_is_none() -> None:
    rates = Rates(100)
    assert passes(rates, BURST, 0.0)
    assert not passes(rates, 1, 0.0)
    assert passes(rates, 1, 0.0, "till")
    unlimited = Rates(0)
    assert all(passes(unlimited, 2_500, 0.0) for _ in range(1_000))
