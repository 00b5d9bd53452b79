"""Money is whole hundredths, so that no order of adding changes a sum."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.values.money import LARGEST, MAX_CURRENCIES, add_spend, hundredths, order_value
from tests.harness.histories import event, fold_all, law


@law
@given(st.integers(-(10**11), 10**11))
def test_an_amount_with_two_decimals_is_exact(cents: int) -> None:
    amount = Decimal(cents) / 100
    assert hundredths(float(amount)) == cents
    assert hundredths(str(amount)) == cents


@pytest.mark.parametrize(
    "amount",
    [None, True, "free", "", [], {}, float("nan"), float("inf"), "1e999", 10**400, LARGEST, "nan"],
)
def test_what_is_no_sensible_amount_counts_as_nothing(amount: object) -> None:
    assert hundredths(amount) == 0


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"total": 27.5, "revenue": 25, "currency": "usd"}, ("USD", 2750)),
        ({"total": None, "revenue": 25.0, "currency": "EUR"}, ("EUR", 2500)),
        ({"value": "12.34"}, ("", 1234)),
        ({"total": "free", "revenue": 25}, ("", 0)),
        ({"total": -5, "currency": "KRW"}, ("KRW", -500)),
        ({"total": 1, "currency": "Euro"}, ("", 100)),
        ({"total": 1, "currency": "한국원"}, ("", 100)),
        ({"total": 1, "currency": 978}, ("", 100)),
        ({}, ("", 0)),
    ],
)
def test_the_value_of_an_order(properties: dict[str, object], expected: tuple[str, int]) -> None:
    assert order_value(properties) == expected


amounts = st.dictionaries(
    st.sampled_from([f"A{letter}A" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"]),
    st.integers(-(10**9), 10**9),
    max_size=MAX_CURRENCIES,
)


@law
@given(amounts, amounts, amounts)
def test_spend_adds_in_any_order_and_grouping(
    a: dict[str, int], b: dict[str, int], c: dict[str, int]
) -> None:
    assert add_spend(a, b) == add_spend(b, a)
    assert add_spend(add_spend(a, b), c) == add_spend(a, add_spend(b, c))
    assert add_spend(a, {}) == a
    assert len(add_spend(a, b)) <= MAX_CURRENCIES


def test_a_refund_is_an_order_of_less_than_nothing() -> None:
    profile = fold_all(
        event(
            f"m{number}",
            name="Order Completed",
            user_id="u1",
            properties={"total": total, "currency": "EUR"},
        )
        for number, total in enumerate((19.99, 0.01, -5))
    )
    assert profile.lifecycle.spend == {"EUR": 1500}
