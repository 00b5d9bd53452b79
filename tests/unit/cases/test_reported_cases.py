"""Inputs that people reported of systems like ours, each with its right value.

The others: amounts, dates and files in `tests/unit/infra/importing/`, telephones and tickets in
`tests/unit/streams/mapping/test_telephones.py`, mail in `test_mail_providers.py` beside it, forms
of text in `tests/unit/streams/values/test_text_form.py`.
"""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.datastructures import Headers

from api.cors import preflight_headers
from api.origins import AllowedOrigins
from infra.importing.ready_events import ReadyEvents
from infra.importing.records import Records
from infra.sources.mapping_file import SHIPPED, read_mapping
from schemas.effect import Folded, Send
from schemas.event import Event
from schemas.mapping import EventRule, Mapping
from schemas.profile import Profile
from schemas.trigger import Trigger
from streams.codec.codec import decode_envelope, encode_envelope, encode_event
from streams.consent.consent import may_speak
from streams.fold.fold import fold
from streams.fold.timers import timer_event
from streams.identity.aliases import email_alias
from streams.identity.contact_keys import contact_key
from streams.identity.profile_key import profile_key
from streams.mapping.contact_events import contact_event
from streams.mapping.mapping_items import Mapper
from streams.mapping.payloads import read_payload
from streams.tracking.body import Body, read_batch, read_single
from streams.tracking.events import Rejected, read_events
from tests.harness.histories import MODELS, fold_all, shop
from tests.harness.paths import FIXTURES, ROOT

CASES: Path = FIXTURES / "cases"
NOW = 1_795_886_600_000
NDJSON = Mapping(version=1, name="x", reads="json", events=(EventRule(fields={}),))


def sent(body: bytes) -> tuple[list[Event], list[Rejected]]:
    """The events of a body as the fold reads them."""
    many = b'"batch"' in body
    read: Body = read_batch(body) if many else read_single(body)
    events, rejected = read_events(read, None if many else "track", NOW, "web")
    decoded, broken = decode_envelope(encode_envelope([encode_event(one) for _, one in events]))
    assert not broken
    return decoded, rejected


def folded(case: str) -> tuple[dict[str, Profile], list[Rejected]]:
    """Profile key -> profile after the events of a case."""
    events, rejected = sent((CASES / case).read_bytes())
    found: dict[str, Profile] = {}
    for one in events:
        key = profile_key(one) or ""
        found[key] = fold_all([one], key, found.get(key))
    return found, rejected


@pytest.mark.parametrize(
    ("case", "customer", "purchases", "spend"),
    [
        ("03-order-reloaded.json", "r", 1, {"EUR": 5000}),
        ("04-order-refunded-cancelled.json", "f", 1, {"EUR": 0}),
        ("20-order-total-text.json", "o", 1, {"USD": 123450}),
    ],
)
def test_orders(case: str, customer: str, purchases: int, spend: dict[str, int]) -> None:
    profiles, rejected = folded(case)
    life = profiles[customer].lifecycle
    assert (life.purchases, life.spend) == (purchases, spend)
    assert not rejected


def test_a_product_that_was_removed_is_no_cart_left() -> None:
    (profile,) = folded("05-product-removed.json")[0].values()
    due = profile.decisions.deadlines["cart-left"]
    outcome = fold(profile, "p", timer_event("p", "cart-left", due, due), shop(), MODELS)
    assert isinstance(outcome, Folded)
    assert not [one for one in outcome.effects if isinstance(one, Trigger)]


def test_consent_as_text_and_under_a_capital() -> None:
    events: list[Event] = []
    lines = (CASES / "02-consent-as-text-or-capital.ndjson").read_bytes().splitlines()
    for number, line in enumerate(lines):
        (one,) = ReadyEvents().events(msgspec.json.decode(line), f"case:{number}")
        found, _ = read_events(Body([msgspec.Raw(one.body)], None), None, NOW + number, "web")
        events += decode_envelope(encode_envelope([encode_event(found[0][1])]))[0]
    for customer in ("c1", "c2"):
        profile = fold_all([one for one in events if one.user_id == customer], customer)
        assert not may_speak(profile.consent, "email", None)


def test_empty_arrays_of_php() -> None:
    profiles, rejected = folded("06-php-empty-arrays.json")
    assert list(profiles) == ["t"]
    assert profiles["t"].lifecycle.events == 1
    assert not rejected


def test_an_undefined_message_id_makes_no_duplicate_of_another_event() -> None:
    (profile,) = folded("07-message-id-undefined.json")[0].values()
    assert profile.lifecycle.events == 2
    assert profile.lifecycle.spend == {"EUR": 500}


def test_junk_ids_are_nobody() -> None:
    profiles, rejected = folded("08-junk-ids.json")
    assert list(profiles) == ["A"]
    assert not profiles["A"].dialogues
    assert not profiles["A"].identities
    assert [one.reason for one in rejected] == ["no_identity"] * 5


def test_a_preflight_with_headers_of_tracing_tools() -> None:
    lines = (CASES / "09-preflight.txt").read_text().splitlines()[1:]
    headers = Headers(dict(line.split(": ", 1) for line in lines if line))
    allowed = preflight_headers(headers, AllowedOrigins(("*",)), "POST, OPTIONS")
    granted = allowed["Access-Control-Allow-Headers"].split(", ")
    assert granted == ["content-type", "baggage", "sentry-trace", "traceparent"]
    assert allowed["Access-Control-Allow-Origin"] == "https://shop.example"


def test_nan_and_half_a_character_in_ndjson() -> None:
    records = Records(CASES / "17-ndjson-nan.ndjson", NDJSON)
    found = list(records)
    records.close()
    assert [one.problem for one in found] == [None, None]
    assert [one.item for one in found] == [{"id": "n1", "v": None}, {"id": "n2", "v": "cut \ufffd"}]


def test_one_odd_item_of_a_webhook_costs_nothing() -> None:
    mapping = read_mapping(SHIPPED / "sendgrid-events.yaml").mapping
    body = (CASES / "17-webhook-one-odd-item.json").read_bytes()
    mapper = Mapper(mapping)
    found = [one for item in mapper.items(read_payload(mapping.source, body))
             for one in mapper.events(item)]  # fmt: skip
    assert [one.contact.email for one in found if one.contact] == [
        "y@shop.example", "y2@shop.example"
    ]  # fmt: skip


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_contact_by_address_joins_who_states_it(order: tuple[int, int]) -> None:
    lines = (CASES / "18-contact-then-identify.ndjson").read_bytes().splitlines()
    waiting: list[Event] = []
    for number in order:
        (one,) = ReadyEvents().events(msgspec.json.decode(lines[number]), f"case:{number}")
        if one.contact is not None:
            alias = email_alias(one.contact.email or "")
            assert alias is not None
            # The API asks who holds the address now.
            holder = "u" if number == order[1] else contact_key(alias)
            wire = contact_event(one.contact, "order", NOW, "contact", holder)
        else:
            ((_, wire),), _ = read_events(Body([msgspec.Raw(one.body)], None), None, NOW, "web")
        waiting += decode_envelope(encode_envelope([encode_event(wire)]))[0]
    profiles: dict[str, Profile] = {}
    while waiting:
        happened = waiting.pop(0)
        key = profile_key(happened) or ""
        outcome = fold(profiles.get(key), key, happened, shop(), MODELS)
        if isinstance(outcome, Folded):
            profiles[key] = outcome.profile
            waiting += [one.event for one in outcome.effects if isinstance(one, Send)]
    assert profiles["u"].lifecycle.purchases == 1
    assert profiles["u"].lifecycle.spend == {"EUR": 5000}


def test_an_id_that_ends_like_a_route_is_an_id() -> None:
    """`tests/unit/api/test_customer_ids.py` looks it up, exports and erases it."""
    body: dict[str, Any] = json.loads((CASES / "19-id-export.json").read_bytes())
    profiles, _ = folded("19-id-export.json")
    assert list(profiles) == [body["userId"]] == ["t7v/export"]


def test_every_case_is_tested_somewhere() -> None:
    texts = "".join(
        path.read_text(encoding="utf-8") for path in ROOT.joinpath("tests").rglob("test_*.py")
    )
    for path in CASES.iterdir():
        assert path.name in texts or path.stem in texts, path.name
