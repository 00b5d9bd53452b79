"""The 360° view says what the profile knows: exact, in plain values, in any order of arrival."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from schemas.models import Models
from schemas.profile import Profile
from streams.models.churn import alive_at
from streams.models.transitions import CountedTransitions
from streams.views.customer_view import customer_view, decimal_text, instant
from tests.harness.histories import (
    BEGIN,
    DAY,
    MODELS,
    event,
    fold_all,
    histories,
    law,
    seeds,
    shop,
    shuffled,
)

LEARNED = Models(
    CountedTransitions(
        {"product/kind-1": 40, "product/kind-2": 30, "product/new": 20, "complaint/lost": 50},
        {
            ("product/kind-1", "product/new"): 30,
            ("product/kind-1", "complaint/lost"): 12,
            ("product/kind-2", "complaint/lost"): 60,
        },
    )
)


def view(profile: Profile, models: Models = MODELS, now: int = BEGIN + DAY) -> dict[str, Any]:
    return customer_view(profile, shop(), models, now)


@law
@given(histories())
def test_the_numbers_add_up_to_the_profile(history: list[Any]) -> None:
    profile = fold_all(history)
    seen = view(profile)
    assert seen["lifecycle"]["events"] == profile.lifecycle.events
    assert set(seen["dialogues"]) == set(profile.dialogues)
    for topic, dialogue in seen["dialogues"].items():
        assert sum(stage["count"] for stage in dialogue["stages"].values()) == dialogue["events"]
        assert sum(dialogue["channels"].values()) == dialogue["events"]
        assert dialogue["events"] == sum(profile.dialogues[topic].channels.values())
    spend = seen["lifecycle"]["spend"]
    assert {name: int(Decimal(text) * 100) for name, text in spend.items()} == dict(
        profile.lifecycle.spend
    )
    assert seen["value"]["spend"] == spend
    assert seen["traits"] == {name: kept.value for name, kept in profile.traits.items()}


@law
@given(histories())
def test_a_dialogue_stands_between_its_first_and_its_furthest_stage(history: list[Any]) -> None:
    for topic, dialogue in view(fold_all(history))["dialogues"].items():
        stages = dialogue["stages"]
        standing = {
            name: stage["last_at"] for name, stage in stages.items() if not stage.get("left")
        }
        assert dialogue["furthest"] == list(stages)[-1], "stages stand in the ladder's order"
        assert set(stages) <= set(dialogue["ladder"])
        assert dialogue["first_at"] == min(stage["first_at"] for stage in stages.values())
        assert dialogue["last_at"] == max(stage["last_at"] for stage in stages.values())
        if not standing:
            assert dialogue["stage"] is None, topic
        else:
            assert standing[dialogue["stage"]] == max(standing.values()), topic


@law
@given(histories(), seeds)
def test_facts_are_the_same_in_any_order_of_arrival(history: list[Any], seed: int) -> None:
    decided = ("recent_triggers", "deadlines")
    one = view(fold_all(history), LEARNED)
    other = view(fold_all(shuffled(history, seed)), LEARNED)
    assert _without(one, decided) == _without(other, decided)


@law
@given(histories())
def test_the_view_is_json_and_the_liveliest_dialogue_comes_first(history: list[Any]) -> None:
    seen = view(fold_all(history), LEARNED)
    again = msgspec.json.decode(msgspec.json.encode(seen))
    lasts = [dialogue["last_at"] for dialogue in again["dialogues"].values()]
    assert lasts == sorted(lasts, reverse=True)
    assert set(again) == {
        "customer_id", "known", "identities", "traits", "consent", "consent_stated", "lifecycle",
        "dialogues", "segments", "hot", "churn", "value", "next_offers", "recent_triggers",
        "deadlines", "orders",
    }  # fmt: skip


@law
@given(histories(), st.integers(0, 400))
def test_churn_is_the_models_probability_and_its_deadline_is_where_it_crosses(
    history: list[Any], days: int
) -> None:
    profile = fold_all(history)
    now = BEGIN + days * DAY
    churn = view(profile, now=now)["churn"]
    alive = alive_at(profile.lifecycle, now, MODELS.churn)
    if alive is None:
        assert churn["p_alive"] is None
        assert churn["deadline"] is None
    else:
        assert abs(churn["p_alive"] - alive) < 1e-3
        passed = churn["deadline"] is not None and churn["deadline"] <= (instant(now) or "")
        # At the deadline itself rounding decides.
        assert passed == (alive < churn["threshold"]) or abs(alive - churn["threshold"]) < 1e-3
    assert churn["model"] == "default"


def test_relationship_stages() -> None:
    def order(number: int) -> Any:
        return event(f"o{number}", name="Order Completed", properties={"total": 10})

    stages = [
        view(fold_all([order(number) for number in range(count)]))["lifecycle"]["stage"]
        for count in range(4)
    ]
    assert stages == ["prospect", "first purchase", "regular", "regular"]


def test_next_offers_come_from_the_latest_dialogue_and_only_of_what_offers_cover() -> None:
    profile = fold_all([event("m1", name="Product Viewed", properties={"category": "kind 1"})])
    offers = view(profile, LEARNED)["next_offers"]
    assert [offer["topic"] for offer in offers] == ["product/new", "product/kind-2"]
    assert offers[0]["reason"].startswith("after product/kind-1 ")
    assert offers[0]["seen"] == 30
    assert offers[1]["reason"].startswith("popular: ")


def test_what_was_decided_is_told_latest_first_and_what_is_awaited_soonest_first() -> None:
    profile = fold_all(
        [
            event("m1", name="Product Viewed", properties={"category": "a"}),
            event("m2", name="Product Added", properties={"category": "a"}, occurred_at=BEGIN + 5),
        ]
    )
    seen = view(profile)
    assert [(sent["stage"], sent["decision"]) for sent in seen["recent_triggers"]] == [
        ("cart", "fire"),
        ("details", "fire"),
    ]
    (pending,) = seen["deadlines"]
    assert (pending["rule"], pending["when"]) == ("cart-left", "stage.stalled")
    assert pending["due"] == instant(BEGIN + 5 + 30 * 60_000)


@given(st.integers(1, 253_402_300_799_999))
def test_times_are_exact_to_the_millisecond(at: int) -> None:
    text = instant(at)
    assert text is not None
    parsed = msgspec.convert(text, datetime)
    epoch = msgspec.convert("1970-01-01T00:00:00Z", datetime)
    assert (parsed - epoch) // timedelta(milliseconds=1) == at


def test_times_that_have_not_come_or_cannot_be_written_are_none() -> None:
    assert instant(0) is None
    assert instant(10**18) is None


@given(st.integers(-(10**20), 10**20))
def test_money_is_exact(hundredths: int) -> None:
    assert int(Decimal(decimal_text(hundredths)).scaleb(2).to_integral_exact()) == hundredths


def _without(seen: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in seen.items() if name not in names}
