"""Contacts over HTTP: what is taken, what is refused and how, and what reaches the log."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr

from api.contact import MAX_CONTACTS, router
from api.errors import answer_errors
from infra.kafka.log_writer import KafkaUnavailable
from infra.playbook.playbook_file import read_playbook
from infra.settings import SHIPPED_PLAYBOOK, Settings
from schemas.event import Event
from streams.codec.codec import decode_envelope
from streams.playbook.matching import match_event
from streams.tracking.events import LARGEST_EVENT


class Log:
    """Stands where the envelope writer is: a network belongs into integration tests."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, Event]] = []
        self.away = False

    async def put(self, events: Sequence[tuple[str, bytes]]) -> None:
        if self.away:
            raise KafkaUnavailable("Kafka does not answer")
        for key, data in events:
            [event], unreadable = decode_envelope(data)
            assert not unreadable
            self.taken.append((key, event))


class Parts:
    def __init__(self) -> None:
        self.settings = Settings(api_token=SecretStr("secret"))
        self.events = Log()
        self.scrub = lambda event: event


@pytest.fixture
def parts() -> Parts:
    return Parts()


@pytest.fixture
def client(parts: Parts) -> Iterator[TestClient]:
    app = FastAPI()
    app.state.parts = parts
    app.include_router(router)
    answer_errors(app)
    with TestClient(app, headers={"Authorization": "Bearer secret"}) as client:
        yield client


CALL = {
    "user_id": "mina",
    "code": "complaint.opened",
    "channel": "call",
    "direction": "inbound",
    "operator": "Hanna",
    "outcome": "noted",
    "occurred_at": "2026-01-31T12:00:00+09:00",
    "message_id": "call-1",
    "properties": {"about": "delivery", "subject": "parcel is late"},
}


def test_a_contact_becomes_an_event_that_the_playbook_understands(
    client: TestClient, parts: Parts
) -> None:
    answer = client.post("/v1/contact", json=CALL)
    assert (answer.status_code, answer.json()) == (200, {"message_id": "call-1"})
    [(key, event)] = parts.events.taken
    assert key == "mina"
    assert event.type == "contact"
    assert event.channel == "call"
    assert event.direction == "inbound"
    assert event.operator == "Hanna"
    assert event.outcome == "noted"
    assert event.occurred_at == datetime(2026, 1, 31, 3, tzinfo=UTC).timestamp() * 1000
    matches = match_event(event, read_playbook(SHIPPED_PLAYBOOK).dispatch).matches
    assert [(found.topic, found.stage) for found in matches] == [("complaint/delivery", "opened")]


def test_the_future_is_cut_to_the_moment_of_receipt(client: TestClient, parts: Parts) -> None:
    client.post("/v1/contact", json={**CALL, "occurred_at": "2999-01-01T00:00:00Z"})
    [(_, event)] = parts.events.taken
    assert event.occurred_at == event.received_at


@pytest.mark.parametrize("field", ["user_id", "anonymous_id", "customer_id"])
def test_the_customer_may_be_named_by_any_id(client: TestClient, parts: Parts, field: str) -> None:
    contact = {name: value for name, value in CALL.items() if name != "user_id"}
    assert client.post("/v1/contact", json={**contact, field: "omar"}).status_code == 200
    assert parts.events.taken[0][0] == "omar"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"user_id": "undefined"}, "no_identity"),
        ({"user_id": None}, "no_identity"),
        ({"channel": {"a": 7}}, "invalid_contact"),
        ({"direction": "sideways"}, "invalid_contact"),
        ({"occurred_at": "2026-01-31T12:00:00"}, "invalid_contact"),
        ({"occurred_at": "0001-01-01T00:00:00+14:00"}, "invalid_contact"),
        ({"occurred_at": "yesterday"}, "invalid_contact"),
        ({"outcom": "solved"}, "invalid_contact"),
        ({"properties": [1]}, "invalid_contact"),
        ({"user_id": "u" * 201}, "invalid_contact"),
    ],
)
def test_a_wrong_contact_is_refused_with_the_reason(
    client: TestClient, parts: Parts, wrong: dict[str, Any], code: str
) -> None:
    answer = client.post("/v1/contact", json={**CALL, **wrong})
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert answer.json()["message"]
    assert not parts.events.taken


@pytest.mark.parametrize(
    ("odd", "field", "expected"),
    [
        ({"properties": []}, "properties", {}),
        ({"properties": ""}, "properties", {}),
        ({"operator": ""}, "operator", None),
        ({"channel": 7}, "channel", "7"),
        ({"operator": 12}, "operator", "12"),
        ({"subject": "x" * 300}, "properties", {"subject": "x" * 200, "cut": ["subject"]}),
    ],
)
def test_one_odd_field_does_not_condemn_a_contact(
    client: TestClient, parts: Parts, odd: dict[str, Any], field: str, expected: Any
) -> None:
    contact = {name: value for name, value in CALL.items() if name != "properties"}
    for name in ("subject", "order_id", "duration_s", "delivery_id", "complaint_id"):
        contact.pop(name, None)
    assert client.post("/v1/contact", json={**contact, **odd}).status_code == 200
    [(_, event)] = parts.events.taken
    assert getattr(event, field) == expected


@pytest.mark.parametrize(
    "body",
    [
        b'{"user_id": "a", "channel": "call", "code": "x", "text": "cut \\ud83d"}',
        b'{"user_id": "a", "channel": "call", "code": "x", "properties": {"v": NaN}}',
        b'\xef\xbb\xbf{"user_id": "a", "channel": "call", "code": "x"}',
        b'{"user_id": "a", "channel": "call", "code": "x", "text": "\xff"}',
    ],
)
def test_an_odd_character_does_not_condemn_a_contact_or_its_neighbours(
    client: TestClient, parts: Parts, body: bytes
) -> None:
    assert client.post("/v1/contact", content=body).status_code == 200
    good = b'{"user_id": "b", "channel": "call", "code": "y"}'
    answer = client.post(
        "/v1/contact/batch", content=b"[" + body.lstrip(b"\xef\xbb\xbf") + b"," + good + b"]"
    )
    assert answer.json() == {"accepted": 2, "refused": []}


def test_what_is_no_json_is_refused(client: TestClient) -> None:
    for path in ("/v1/contact", "/v1/contact/batch"):
        for body in (b"{", b"\xff", b"", b"[" * 100_000):
            answer = client.post(path, content=body)
            assert answer.status_code == 400
            assert answer.json()["code"] in ("invalid_json", "invalid_contact")


def test_the_good_of_a_batch_are_kept_whatever_the_others_are(
    client: TestClient, parts: Parts
) -> None:
    batch = [CALL, {**CALL, "code": ""}, 7, {**CALL, "message_id": "call-2"}]
    answer = client.post("/v1/contact/batch", json=batch)
    assert answer.status_code == 200
    assert answer.json()["accepted"] == 2
    assert [found["index"] for found in answer.json()["refused"]] == [1, 2]
    assert [event.message_id for _, event in parts.events.taken] == ["call-1", "call-2"]


def test_too_many_at_once_are_refused(client: TestClient, parts: Parts) -> None:
    body = msgspec.json.encode([CALL] * (MAX_CONTACTS + 1))
    assert client.post("/v1/contact/batch", content=body).status_code == 413
    body = b'"' + b"x" * (5 << 20) + b'"'
    assert client.post("/v1/contact", content=body).status_code == 413
    assert not parts.events.taken


def test_a_contact_that_is_too_large_does_not_condemn_the_others(
    client: TestClient, parts: Parts
) -> None:
    large = {**CALL, "properties": {"letter": "x" * LARGEST_EVENT}}
    assert client.post("/v1/contact", json=large).status_code == 413
    answer = client.post("/v1/contact/batch", json=[large, CALL])
    assert answer.json()["accepted"] == 1
    assert [found["code"] for found in answer.json()["refused"]] == ["too_large"]
    assert len(parts.events.taken) == 1


def test_the_token_is_asked_for(client: TestClient, parts: Parts) -> None:
    for path in ("/v1/contact", "/v1/contact/batch"):
        answer = client.post(path, json=CALL, headers={"Authorization": "Bearer wrong"})
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert not parts.events.taken


def test_while_kafka_is_unavailable_the_sender_is_asked_to_wait(
    client: TestClient, parts: Parts
) -> None:
    parts.events.away = True
    for path, body in (("/v1/contact", CALL), ("/v1/contact/batch", [CALL])):
        answer = client.post(path, json=body)
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
