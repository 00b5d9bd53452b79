"""What is doubtful is found; what is sound is left in peace."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.cli.quality import CHECKS as EXPLAINED
from schemas.event import WireEvent
from streams.archive.rows import Place, event_columns
from streams.archive.tables import EVENT_COLUMNS
from streams.quality.findings import CHECKS, CURRENCIES
from tests.harness.histories import BEGIN, DAY, shop


def found(kind: str, properties: Any, region: str = "", **fields: Any) -> list[str]:
    event = WireEvent(
        message_id="m",
        type=kind,  # type: ignore[arg-type]
        user_id="u1",
        properties=json.dumps(properties).encode(),  # type: ignore[arg-type]
        **{"occurred_at": BEGIN, "received_at": BEGIN, **fields},
    )
    columns = event_columns([(Place("log", 0, 0), [event])], shop(), region)
    (checks,) = columns[EVENT_COLUMNS.index("findings")]
    assert set(checks) <= set(CHECKS)
    return list(checks)


@pytest.mark.parametrize(
    ("traits", "checks"),
    [
        ({"email": "ann@shop.example", "phone": "+82 2-312-3456"}, []),
        ({"email": "ann@shop"}, ["invalid_email"]),
        ({"e-mail": "ann at shop.example"}, ["invalid_email"]),
        ({"Email": 7, "mobile": "+82 2-0"}, ["invalid_email", "invalid_phone"]),
        ({"phone": "call me"}, ["invalid_phone"]),
        ({"phone": "02-312-3456"}, []),
        ({"email": None, "phone": ""}, []),
        ({"email": "hmac:0123"}, []),
        ({"plan": "not an address"}, []),
    ],
)
def test_traits(traits: dict[str, Any], checks: list[str]) -> None:
    assert found("identify", traits) == checks


def test_a_national_number_is_read_where_the_country_is_known() -> None:
    assert found("identify", {"phone": "02-312-3456"}, "KR") == []
    assert found("identify", {"phone": "99999"}, "KR") == ["invalid_phone"]


@pytest.mark.parametrize(
    ("order", "checks"),
    [
        ({"total": 19.9, "currency": "eur"}, []),
        ({"total": -1, "currency": "KRW"}, ["negative_money"]),
        ({"revenue": "free"}, ["unreadable_money"]),
        ({"value": True}, ["unreadable_money"]),
        ({"total": 5, "currency": "EURO"}, ["unknown_currency"]),
        ({"total": 5, "currency": 978}, ["unknown_currency"]),
        ({"total": "1,234", "currency": "EUR"}, ["unreadable_money"]),
        ({"total": "1,234.50", "currency": "eur"}, []),
        ({"total": "", "revenue": "12.50", "currency": "€"}, []),
        ({"total": 0, "currency": "EUR"}, []),
        ({"total": 5, "currency": ""}, []),
        ({"order_id": "", "total": 5}, ["missing_order_id"]),
        ({}, ["missing_money"]),
    ],
)
def test_orders(order: dict[str, Any], checks: list[str]) -> None:
    products = {"order_id": "S-1", "products": [{"category": "shoes"}]}
    assert found("track", {**products, **order}, name="Order Completed") == checks


def test_a_topic_that_cannot_be_made() -> None:
    assert found("track", {}, name="Product Viewed") == ["missing_topic"]
    assert found("track", {"category": "shoes"}, name="Product Viewed") == []
    assert found("track", {}, name="Something Else") == []


@pytest.mark.parametrize(
    ("name", "checks"),
    [
        ("Product Viewed", []),
        ("product viewed", ["similar_event_name"]),
        ("product_viewed", ["similar_event_name"]),
        ("Product View", ["similar_event_name"]),
        ("Products Viewed", ["similar_event_name"]),
        ("Invoice Paid", []),
    ],
)
def test_a_name_that_looks_like_a_known_one(name: str, checks: list[str]) -> None:
    assert found("track", {"category": "shoes"}, name=name) == checks
    assert shop().dispatch.nearest(name) == ("Product Viewed" if checks else None)


def test_impossible_times() -> None:
    assert found("page", {}, received_at=BEGIN + 11 * 366 * DAY) == ["long_past"]
    assert found("page", {}, sent_at=BEGIN + 2 * DAY) == ["clock_wrong"]
    assert found("page", {}, sent_at=BEGIN - 1000) == []


@pytest.mark.parametrize("kind", ["timer", "link", "merge", "erase", "adopt"])
def test_what_workers_write_is_nobodys_mistake(kind: str) -> None:
    assert found(kind, {}, received_at=BEGIN + 11 * 366 * DAY) == []


def test_every_check_is_explained() -> None:
    assert EXPLAINED is CHECKS
    assert all(len(code) == 3 and code.isupper() for code in CURRENCIES)


@given(
    st.dictionaries(
        st.sampled_from(["email", "phone", "total", "currency", "category"]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text()),
    )
)
def test_nothing_breaks_it(properties: dict[str, Any]) -> None:
    for kind, name in (
        ("identify", None),
        ("track", "Order Completed"),
        ("track", "Product Viewed"),
    ):
        found(kind, properties, name=name)
