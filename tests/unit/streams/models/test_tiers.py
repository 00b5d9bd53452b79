"""The few customers who bring most of the value, told apart without ever sorting customers."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.models.learned import Learned
from streams.models.tiers import (
    KIND,
    MIN_CUSTOMERS,
    CountedValues,
    middle_of,
    move,
    spend_bin,
    tier_of,
)
from tests.harness.histories import law

amounts = st.integers(1, 10**13)


@law
@given(amounts, amounts)
def test_bins_keep_the_order_and_are_narrow(one: int, other: int) -> None:
    assert (spend_bin(one) <= spend_bin(other)) or one > other
    assert abs(middle_of(spend_bin(one)) - one) <= one / 15


def test_every_bin_has_its_own_middle() -> None:
    middles = [middle_of(spend_bin(amount)) for amount in range(1, 5_000)]
    assert middles == sorted(middles)
    assert all(spend_bin(int(middle)) == spend_bin(at) for at, middle in enumerate(middles, 1))


@law
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(-500, 90_000)), max_size=60))
def test_counts_are_those_of_what_customers_spent_in_the_end(
    orders: list[tuple[int, int]],
) -> None:
    """However the orders came: a bin counts the customers who are in it now."""
    spent: dict[int, dict[str, int]] = {}
    learned = Learned()
    for customer, amount in orders:
        before = spent.get(customer, {})
        after = {**before, "EUR": before.get("EUR", 0) + amount}
        for counted in move(before, after):
            learned.count(counted.kind, counted.field, counted.by, {})
        spent[customer] = after
    found = {field: count for field, count in learned.counts(KIND).items() if count}
    exact = Counter(
        f"EUR|{spend_bin(spend['EUR'])}" for spend in spent.values() if spend["EUR"] > 0
    )
    assert found == exact


def test_top_are_the_fewest_who_bring_four_fifths() -> None:
    """20 customers spend 100,000 each, 80 spend 6,250: four fifths come from the twenty."""
    counts = {f"EUR|{spend_bin(100_000)}": 20, f"EUR|{spend_bin(5_800)}": 80, "USD|70": 500}
    values = CountedValues(counts, "EUR")
    assert values.customers == 100
    assert values.tier(100_000) == "top"
    assert values.tier(5_800) == "middle"
    assert values.tier(100) == "low"
    assert values.tier(0) is None


@law
@given(st.lists(st.integers(1, 10**7), min_size=MIN_CUSTOMERS, max_size=300))
def test_the_top_tier_brings_what_it_should_to_within_a_bin(spent: list[int]) -> None:
    counts = Counter(f"|{spend_bin(amount)}" for amount in spent)
    values = CountedValues(counts, "")
    top = sum(amount for amount in spent if values.tier(amount) == "top")
    assert top >= (0.80 - 0.07) * sum(spent)
    assert values.tier(max(spent)) == "top"


def test_no_tier_among_too_few() -> None:
    learned = Learned()
    assert tier_of({"EUR": 5_000}, learned) is None
    for _ in range(MIN_CUSTOMERS):
        learned.count(KIND, f"EUR|{spend_bin(5_000)}", 1, {})
    assert tier_of({"EUR": 5_000}, learned) == "top"
    assert tier_of({}, learned) is None
    assert tier_of({"KRW": 1}, learned) is None


@pytest.mark.parametrize("amount", [1, 7, 8, 9, 15, 16, 17, 255, 10**12])
def test_a_bin_holds_its_amount(amount: int) -> None:
    assert spend_bin(amount) <= spend_bin(amount + 1)
