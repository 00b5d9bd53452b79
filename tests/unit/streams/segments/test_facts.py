"""What expressions are told of a customer is what happened, and only what they ask for."""

from typing import Any

import pytest
from msgspec.structs import replace

from schemas.profile import Profile
from streams.segments.compiler import FOR_RELATIONSHIP, FOR_SEGMENTS
from streams.segments.facts import FACTS, facts_of
from tests.harness.histories import BEGIN, DAY, MODELS, event, fold_all, shop

HISTORY = [
    event("1", "identify", user_id="u1", properties={"plan": "gold", "consent": {"email": True}}),
    event("2", name="Product Viewed", user_id="u1", properties={"category": "shoes"}),
    event("3", name="Product Added", user_id="u1", properties={"category": "shoes"}),
    event("4", name="Product Viewed", user_id="u1", properties={"category": "shoes"},
          channel="app"),
    event("5", name="Order Completed", user_id="u1", occurred_at=BEGIN + DAY,
          properties={"total": 30.5, "currency": "EUR", "products": [{"category": "socks"}]}),
    event("6", name="Order Completed", user_id="u1", occurred_at=BEGIN + 3 * DAY,
          properties={"total": 9.5, "currency": "EUR", "products": [{"category": "socks"}]}),
    event("7", "contact", name="complaint.opened", channel="call", user_id="u1",
          occurred_at=BEGIN + 4 * DAY, properties={"about": "delivery"}),
    event("8", "contact", name="complaint.resolved", channel="call", user_id="u1",
          occurred_at=BEGIN + 4 * DAY, properties={"about": "size"}),
]  # fmt: skip
NOW = BEGIN + 10 * DAY + DAY // 2


def told(profile: Profile, *names: str, **cause: Any) -> dict[str, Any]:
    return facts_of(names or tuple(FACTS), profile, NOW, shop().ranks, MODELS, cause)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("customer_id", "u1"),
        ("known", True),
        ("traits", {"plan": "gold"}),
        ("consent", {"email": True}),
        ("purchases", 2),
        ("spend", 40.0),
        ("spend_in", {"EUR": 40.0}),
        ("average_order", 20.0),
        ("events", 8),
        ("hot", False),
        ("days_known", 10),
        ("days_since_seen", 6),
        ("days_since_purchase", 7),
        ("days_quiet", {"product/shoes": 10, "product/socks": 7,
                        "complaint/delivery": 6, "complaint/size": 6}),
        ("channels", {"web": 4, "app": 1, "call": 2}),
        ("topics", ["product/shoes", "product/socks", "complaint/delivery", "complaint/size"]),
        ("furthest", {"product/shoes": "cart", "product/socks": "purchase",
                      "complaint/delivery": "opened", "complaint/size": "resolved"}),
        ("open_complaints", 1),
        ("solved_complaints", 1),
        ("referrals", 0),
        ("segments", []),
    ],
)  # fmt: skip
def test_a_history_in_facts(name: str, value: object) -> None:
    assert told(fold_all(HISTORY), name) == {name: value}


def test_a_dialogue_says_where_it_is_and_how_far_it_came() -> None:
    found = told(fold_all(HISTORY), "dialogues")["dialogues"]["product/shoes"]
    assert found == {"stage": "cart", "furthest": "cart", "events": 3}


def test_who_has_not_bought_has_no_average_and_no_chance_to_leave() -> None:
    unknown = {"average_order", "days_since_purchase", "p_alive", "residual_value", "tier"}
    cause = {"topic", "stage", "channel", "share", "lift"}
    assert told(fold_all(HISTORY[:3])).keys() == FACTS.keys() - unknown - cause


def test_over_several_currencies_an_average_would_be_made_up() -> None:
    more = replace(fold_all(HISTORY).lifecycle, spend={"EUR": 4000, "KRW": 100})
    found = told(replace(fold_all(HISTORY), lifecycle=more), "average_order", "spend")
    assert found == {"spend": 40.0}


def test_the_cause_is_told_as_it_is() -> None:
    found = told(fold_all(HISTORY), "topic", "lift", "purchases", topic="product/x", lift=2.0)
    assert found == {"topic": "product/x", "lift": 2.0, "purchases": 2}


def test_nothing_can_go_round_in_a_circle() -> None:
    assert {"segments", "topic"}.isdisjoint(FOR_SEGMENTS)
    assert {"relationship", "segments", "topic"}.isdisjoint(FOR_RELATIONSHIP)


@pytest.mark.parametrize("name", FACTS)
def test_every_fact_is_of_the_kind_it_says(name: str) -> None:
    kinds = {"bool": bool, "int": int, "double": float, "string": str, "list": list, "map": dict}
    fact = FACTS[name]
    assert type(fact.example) is kinds[fact.kind]
    value = told(fold_all(HISTORY), name).get(name)
    assert value is None or type(value) is kinds[fact.kind]
