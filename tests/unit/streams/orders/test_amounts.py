"""The money of an order: read where it says one thing, refused where it could say two."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.orders.amounts import hundredths_of, read_amount
from streams.values.money import LARGEST
from tests.harness.histories import event, fold_all, law


@law
@given(st.integers(-(10**11), 10**11))
def test_an_amount_with_two_decimals_is_exact(cents: int) -> None:
    amount = Decimal(cents) / 100
    assert hundredths_of(float(amount)) == cents
    assert hundredths_of(str(amount)) == cents


@pytest.mark.parametrize(
    "amount",
    [None, True, "free", "", [], {}, float("nan"), float("inf"), "1e999", 10**400, LARGEST, "nan"],
)
def test_what_is_no_sensible_amount_is_refused(amount: object) -> None:
    assert hundredths_of(amount) is None


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"total": 27.5, "revenue": 25, "currency": "usd"}, ("USD", 2750)),
        ({"total": None, "revenue": 25.0, "currency": "EUR"}, ("EUR", 2500)),
        ({"total": "", "revenue": "25", "currency": " eur "}, ("EUR", 2500)),
        ({"total": [], "value": 5, "currency": "€"}, ("EUR", 500)),
        ({"value": "12.34"}, ("", 1234)),
        ({"total": "1,234.50", "currency": "USD"}, ("USD", 123450)),
        ({"total": "1.234,50 €", "currency": "EUR"}, ("EUR", 123450)),
        ({"total": "12,000원", "currency": "KRW"}, ("KRW", 1200000)),
        ({"total": "12,000", "currency": "KRW"}, ("KRW", 1200000)),
        ({"total": "1만 2천원", "currency": "krw"}, ("KRW", 1200000)),
        ({"total": 1.005}, ("", 101)),
        ({"total": -5, "currency": "KRW"}, ("KRW", -500)),
        ({"total": "(5.00)", "currency": "USD"}, ("USD", -500)),
        ({"total": 0, "currency": "USD", "products": [{"price": 5}]}, ("USD", 0)),
        ({"products": [{"price": "9.99", "quantity": "2"}, {"price": 1}]}, ("", 2098)),
        ({"subtotal": 7}, ("", 700)),
        ({"total": 1, "currency": "Euro"}, ("", 100)),
        ({"total": 1, "currency": "한국원"}, ("", 100)),
        ({"total": 1, "currency": 978}, ("", 100)),
        ({"products": [{"name": "hat"}]}, ("", None)),
        ({}, ("", None)),
    ],
)
def test_the_value_of_an_order(properties: dict[str, Any], expected: tuple[str, int]) -> None:
    found = read_amount(properties)
    assert (found.currency, found.hundredths) == expected
    assert not found.problems


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"total": "free", "revenue": 25}, 2500),
        ({"total": "1,234", "currency": "EUR"}, None),
        ({"total": "12.34.56"}, None),
        ({"total": True}, None),
        ({"total": {"amount": 5}}, None),
        ({"products": [{"price": 5}, {"price": "?"}]}, None),
        ({"products": [{"price": 5, "quantity": -1}]}, None),
        ({"total": "oops", "products": [{"price": 5}]}, 500),
    ],
)
def test_what_was_not_understood_is_said(properties: dict[str, Any], expected: int | None) -> None:
    found = read_amount(properties)
    assert found.hundredths == expected
    assert found.problems == ("unreadable_money",)


def test_an_order_of_less_than_nothing_is_money_back_and_no_purchase() -> None:
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
    assert profile.lifecycle.purchases == 2
