"""Consent per channel and purpose, whoever states it, in any order."""

from itertools import permutations

import pytest

from schemas.event import Context
from schemas.profile import Statement
from streams.codec.codec import decode_profile, encode_profile
from streams.consent.consent import MARKETING, consent_of, may_speak, source_of
from tests.harness.histories import BEGIN, event, fold_all


def stated(**by_name: tuple[bool, int]) -> dict[str, Statement]:
    return {
        name.replace("__", ":"): Statement(granted, at, 0)
        for name, (granted, at) in by_name.items()
    }


@pytest.mark.parametrize(
    ("consent", "may"),
    [
        ({}, False),
        ({"email": (True, 1)}, True),
        ({"all": (True, 1)}, True),
        ({"email": (True, 2), "email__marketing": (False, 1)}, False),
        ({"email__marketing": (True, 1)}, True),
        ({"email": (False, 2), "email__marketing": (True, 1)}, False),
        ({"email": (False, 1), "email__marketing": (True, 2)}, True),
        ({"all": (False, 2), "email__marketing": (True, 1)}, False),
        ({"all": (False, 1), "email__marketing": (True, 2)}, True),
        ({"email": (True, 9), "all__marketing": (False, 1)}, False),
        ({"all__marketing": (True, 1)}, True),
        ({"all__marketing": (True, 2), "email": (False, 1)}, False),
        ({"all__marketing": (False, 1), "email__marketing": (True, 2)}, True),
        ({"email__service": (True, 1)}, False),
        ({"web__marketing": (True, 1)}, False),
    ],
)
def test_marketing_by_email(consent: dict[str, tuple[bool, int]], may: bool) -> None:
    assert may_speak(stated(**consent), "email", MARKETING) is may


def test_without_a_purpose_the_channel_decides() -> None:
    refused = stated(email=(True, 1), email__marketing=(False, 2))
    assert may_speak(refused, "email")
    assert not may_speak(refused, "email", MARKETING)
    assert may_speak(refused, None, MARKETING), "staff is told"


@pytest.mark.parametrize(
    ("kind", "fields", "expected"),
    [
        ("identify", {"properties": {"consent": False}}, {"all": False}),
        (
            "identify",
            {"properties": {"consent": {"email": {"marketing": False, "service": True}, "sms": 1}}},
            {"email:marketing": False, "email:service": True, "sms": True},
        ),
        (
            "contact",
            {"name": "call.ended", "properties": {"consent": {"call": False}}},
            {"call": False},
        ),
        ("track", {"name": "Unsubscribed"}, {"all": False}),
        ("track", {"name": "Other", "properties": {"consent": True}}, {}),
        (
            "page",
            {"context": Context(consent={"categoryPreferences": {"Advertising": False, "odd": 3}})},
            {"web:advertising": False, "web:odd": False},
        ),
        ("track", {"context": Context(consent=["what"])}, {}),
    ],
)
def test_where_consent_is_stated(kind: str, fields: dict, expected: dict[str, bool]) -> None:  # type: ignore[type-arg]
    assert consent_of(event("1", kind, **fields)) == expected


def test_it_is_remembered_who_stated_it_and_when_in_any_order() -> None:
    said = [
        event("1", "identify", user_id="u1", source="shop",
              properties={"consent": {"email": True}}),
        event("2", "contact", name="call.ended", channel="call", user_id="u1", operator="kim",
              occurred_at=BEGIN + 5, properties={"consent": {"email": False}}),
        event("3", "identify", user_id="u1", source="app", occurred_at=BEGIN + 3,
              properties={"consent": {"email": True, "sms": True}}),
    ]  # fmt: skip
    found = {encode_profile(fold_all(order)) for order in permutations(said)}
    assert len({decode_profile(one).consent["email"] for one in found}) == 1
    consent = decode_profile(found.pop()).consent
    assert (consent["email"].value, consent["email"].source) == (False, "operator:kim")
    assert (consent["sms"].at, consent["sms"].source) == (BEGIN + 3, "app")
    assert source_of(said[1]) == "operator:kim"
