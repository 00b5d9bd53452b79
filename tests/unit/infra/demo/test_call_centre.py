"""The simulated call centre: every case has its order, and the contacts are ones the API takes."""

from collections import Counter
from random import Random
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from api.contact import Contact
from infra.demo.call_centre import CallCentre

BEGAN = 1_760_000_000_000
MINUTE = 60_000
LADDERS = (
    ("complaint.opened", "complaint.acknowledged", "complaint.working", "complaint.resolved"),
    ("question.asked", "question.answered"),
    ("product.inquiry", "order.placed"),
)


def contacts(seed: int, customers: list[str]) -> list[dict[str, Any]]:
    calls = CallCentre(Random(seed), BEGAN, 10)
    return [
        contact
        for minute in range(60)
        for contact in calls.until(BEGAN + minute * MINUTE, customers)
    ]


@given(st.integers(0, 2**64 - 1))
@settings(max_examples=10, deadline=None)
def test_a_case_goes_up_its_ladder_for_one_customer(seed: int) -> None:
    names = [f"customer-{number}" for number in range(1000)]
    found = contacts(seed, names)
    assert [one["occurred_at"] for one in found] == sorted(one["occurred_at"] for one in found)
    assert {one["user_id"] for one in found} <= set(names)
    seen: Counter[tuple[str, ...]] = Counter()
    for one in found:
        ladder = next(ladder for ladder in LADDERS if one["code"] in ladder)
        case = (one["user_id"], one["properties"].get("about", one["properties"]["subject"]))
        rung = ladder.index(one["code"])
        seen[(*case, ladder[rung])] += 1
        if rung > 0:
            assert seen[(*case, ladder[rung - 1])] >= seen[(*case, ladder[rung])]


def test_every_contact_is_one_the_api_takes() -> None:
    found = contacts(5, ["mina.park.1", "omar.lee.2"])
    taken = msgspec.json.decode(msgspec.json.encode(found), type=list[Contact])
    assert {one.channel for one in taken} == {"call", "email", "letter"}
    assert {one.direction for one in taken} == {"inbound", "outbound"}
    assert all(one.operator for one in taken)
    assert len({one.message_id for one in taken}) == len(taken)


def test_without_customers_nobody_calls() -> None:
    assert contacts(5, []) == []
