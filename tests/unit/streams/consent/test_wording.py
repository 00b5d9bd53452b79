"""Consent fails closed: no spelling of a no is lost, on none of the ways in."""

import json
from collections.abc import Callable
from typing import Any
from unicodedata import normalize
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from api.collector.pixels import _document
from infra.sources.mapping_file import parse_mapping
from schemas.contact import Contact
from schemas.event import Context, Event
from schemas.profile import Statement
from streams.codec.codec import decode_envelope, encode_envelope, encode_event
from streams.consent.consent import consent_of, may_speak
from streams.consent.wording import GRANTS, REFUSES, granted
from streams.mapping.contact_events import contact_event
from streams.mapping.mapping_items import Mapper
from streams.quality.findings import NOTHING_SEEN, findings
from streams.tracking.body import read_single
from streams.tracking.events import read_events
from tests.harness.consent_spellings import NAMES, NO, UNCLEAR, YES
from tests.harness.histories import event, fold_all, law

MAPPING = """version: 1
name: shop
reads: json
events:
  - type: contact
    fields: {user_id: item.who, code: '"consent.stated"', channel: '"web"'}
    properties: {consent: item.consent}
"""


def tracked(body: bytes, kind: str) -> Event:
    [(_, wire)], rejected = read_events(read_single(body), kind, 1_700_000_000_000, "shop")
    assert not rejected
    return decoded(wire)


def decoded(wire: Any) -> Event:
    [found], broken = decode_envelope(encode_envelope([encode_event(wire)]))
    assert not broken
    return found


def identify(name: str, value: Any) -> Event:
    traits = {"consent": {name: value}}
    return tracked(json.dumps({"userId": "ann", "traits": traits}).encode(), "identify")


def pixel(name: str, value: Any) -> Event:
    text = value if isinstance(value, str) else json.dumps(value)
    query = f"userId=ann&traits.consent.{quote(name)}={quote(text)}".encode()
    return tracked(_document(Request({"type": "http", "query_string": query})), "identify")


def contact(name: str, value: Any) -> Event:
    made = Contact(
        code="consent.stated", channel="web", user_id="ann", properties={"consent": {name: value}}
    )
    return decoded(contact_event(made, "1", 1_700_000_000_000, "desk"))


def webhook(name: str, value: Any) -> Event:
    mapper = Mapper(parse_mapping(MAPPING, "map.yaml", "KR").mapping)
    [found] = mapper.events({"who": "ann", "consent": {name: value}})
    assert found.contact is not None
    return decoded(contact_event(found.contact, "1", 1_700_000_000_000, "desk"))


WAYS = [identify, pixel, contact, webhook]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("value", [*NO, *UNCLEAR], ids=repr)
def test_what_is_no_known_yes_is_a_no(way: Callable[[str, Any], Event], value: Any) -> None:
    assert consent_of(way("email", value)) == {"email": False}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("value", YES, ids=repr)
def test_a_yes_is_a_yes(way: Callable[[str, Any], Event], value: Any) -> None:
    assert consent_of(way("email", value)) == {"email": True}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", NAMES)
def test_a_channel_has_one_name(way: Callable[[str, Any], Event], name: str) -> None:
    assert consent_of(way(name, False)) == {"email": False}


@pytest.mark.parametrize("value", ["", " ", [], {}])
def test_a_field_left_blank_states_nothing(value: Any) -> None:
    assert consent_of(identify("email", value)) == {}
    assert consent_of(event("1", "identify", properties={"consent": value})) == {}


def test_of_two_spellings_in_one_event_the_no_holds() -> None:
    for stated in ({"email": True, "Email": "no"}, {"Email": "no", "email": True}):
        assert consent_of(event("1", "identify", properties={"consent": stated})) == {
            "email": False
        }


@pytest.mark.parametrize("later", [{"email": "false"}, {"Email": False}, "no", {"ALL": "N"}])
def test_an_odd_no_withdraws_an_earlier_yes(later: Any) -> None:
    profile = fold_all(
        [
            event("1", "identify", user_id="c1", properties={"consent": {"email": True}}),
            event("2", "identify", user_id="c1", occurred_at=event("2").occurred_at + 1,
                  properties={"consent": later}),
        ]
    )  # fmt: skip
    assert not may_speak(profile.consent, "email")


def test_a_playbook_s_channel_and_purpose_are_read_alike() -> None:
    consent = {"kakaotalk": Statement(True, 1, 0), "kakaotalk:news": Statement(False, 1, 0)}
    assert may_speak(consent, "KakaoTalk")
    assert not may_speak(consent, "KakaoTalk", "News")


def test_consent_mode_and_banners_are_read() -> None:
    banner = {"ad_user_data": "denied", "analytics_storage": "granted",
              "categoryPreferences": {"Advertising": "false"}}  # fmt: skip
    assert consent_of(event("1", "page", context=Context(consent=banner))) == {
        "web:ad_user_data": False,
        "web:analytics_storage": True,
        "web:advertising": False,
    }


@pytest.mark.parametrize("name", ["Unsubscribed", "unsubscribed", "UNSUBSCRIBE", "UnSubscribed"])
def test_unsubscribing_in_any_case_refuses_everything(name: str) -> None:
    assert consent_of(event("1", "track", name=name)) == {"all": False}


@pytest.mark.parametrize(
    ("value", "expected"),
    [*[(value, ["unclear_consent"]) for value in UNCLEAR], ("no", []), (True, []), (None, [])],
    ids=repr,
)
def test_what_is_not_understood_is_a_finding(value: Any, expected: list[str]) -> None:
    body = json.dumps({"userId": "a", "traits": {"consent": {"email": value}}}).encode()
    [(_, wire)], _ = read_events(read_single(body), "identify", 1_700_000_000_000, "shop")
    assert findings(wire, NOTHING_SEEN, "KR") == expected


@law
@given(
    st.sampled_from(sorted(GRANTS | REFUSES)).flatmap(
        lambda word: st.tuples(st.text(max_size=2), st.just(word), st.text(max_size=2)).map("".join)
    )
    | st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=4)
)
def test_nothing_but_a_listed_word_grants(value: Any) -> None:
    if granted(value) is True and value != 1:
        assert isinstance(value, str)
        letters = "".join(c for c in normalize("NFKC", value).casefold() if c.isalnum())
        assert letters in GRANTS or float(value) == 1


def test_no_word_both_grants_and_refuses() -> None:
    assert GRANTS.isdisjoint(REFUSES)


@pytest.mark.parametrize("channel", ["phone", "Call", "telephone"])
def test_another_spelling_of_an_unasked_channel_needs_an_opt_in(channel: str) -> None:
    assert not may_speak({}, channel)
    assert may_speak({"call": Statement(True, 1, 0)}, channel)
    assert may_speak({}, "call")
