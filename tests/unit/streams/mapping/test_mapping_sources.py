"""The mappings that ship, over HTTP: what they make of the payloads that their senders document."""

import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr

from api.errors import answer_errors
from api.source_letters import read_source_letter
from api.sources import router
from infra.settings import Settings
from infra.sources.sources import Sources
from schemas.dead_letter import DeadLetter
from schemas.event import Event
from schemas.profile import Profile, Stamped
from streams.codec.codec import decode_dead_letter, decode_envelope
from streams.dead_letters.dead_letter import dead_letter
from streams.dead_letters.replay import StillDead
from streams.identity.aliases import Alias
from streams.orders.amounts import read_amount
from tests.harness.paths import FIXTURES

SOURCE_FILES = FIXTURES / "sources"
KEY = generate_private_key(SECP256R1())
SENDGRID = KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
SECRETS = {
    "DAEHWA_SECRET_TWILIO": "twilio-token",
    "DAEHWA_SECRET_SENDGRID": b64encode(SENDGRID).decode(),
    "DAEHWA_SECRET_ZENDESK": "zendesk-secret",
}
TOKEN = {"Authorization": "Bearer secret"}


class Log:
    """Stands where the writers to Kafka are: a network belongs into integration tests."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Event]] = []
        self.dead: list[DeadLetter] = []

    async def put(self, events: Sequence[tuple[str, bytes]]) -> None:
        for key, data in events:
            [event], _ = decode_envelope(data)
            self.events.append((key, event))

    async def append_many(self, _: str, __: int, records: Sequence[tuple[bytes, bytes]]) -> None:
        self.dead += [decode_dead_letter(value) for _, value in records]


class Known:
    """Mina has stated her number."""

    async def find(self, alias: Alias) -> list[str]:
        return ["mina"] if alias.value == "+821012345678" else []

    async def read(self, key: str) -> Profile:
        return Profile(key, traits={"phone": Stamped("010-1234-5678", 1, 1)})


class Parts:
    def __init__(self) -> None:
        self.settings = Settings(api_token=SecretStr("secret"), region="KR")
        self.events = self.writer = Log()
        self.aliases = self.profiles = Known()
        self.sources = Sources(None, "KR", SECRETS)
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
    with TestClient(app) as client:
        yield client


def signed(name: str, body: bytes) -> dict[str, str]:
    """The headers with which the sender signs, made as its documentation says."""
    if name == "twilio-voice-status":
        fields = sorted(parse_qsl(body.decode(), keep_blank_values=True))
        text = f"http://testserver/v1/sources/{name}" + "".join(a + b for a, b in fields)
        digest = hmac.digest(b"twilio-token", text.encode(), hashlib.sha1)
        return {"X-Twilio-Signature": b64encode(digest).decode()}
    at = "1768446000"
    if name == "sendgrid-events":
        signature = b64encode(KEY.sign(at.encode() + body, ECDSA(SHA256()))).decode()
        header = "X-Twilio-Email-Event-Webhook-"
        return {f"{header}Timestamp": at, f"{header}Signature": signature}
    digest = hmac.digest(b"zendesk-secret", at.encode() + body, hashlib.sha256)
    header = "X-Zendesk-Webhook-Signature"
    return {header: b64encode(digest).decode(), f"{header}-Timestamp": at}


def post(client: TestClient, name: str, body: bytes, headers: dict[str, str]) -> Any:
    return client.post(f"/v1/sources/{name}", content=body, headers=headers)


def fixture(name: str) -> bytes:
    (path,) = SOURCE_FILES.glob(f"{name}.*")
    return path.read_bytes()


def test_a_call_finds_the_customer_by_number(client: TestClient, parts: Parts) -> None:
    name = "twilio-voice-status"
    answer = post(client, name, fixture(name), signed(name, fixture(name)))
    assert (answer.status_code, answer.json()) == (200, {"accepted": 1, "skipped": 0, "dead": 0})
    [(key, event)] = parts.events.events
    assert key == "mina"
    assert (event.channel, event.name, event.direction) == ("call", "call.ended", "inbound")
    assert event.outcome == "completed"
    assert event.properties["duration_s"] == 42
    assert event.occurred_at == 1768446042_000
    assert event.source == name


def test_what_became_of_mails(client: TestClient, parts: Parts) -> None:
    name = "sendgrid-events"
    answer = post(client, name, fixture(name), signed(name, fixture(name)))
    assert answer.json() == {"accepted": 6, "skipped": 1, "dead": 1}
    assert [(key, event.type, event.name) for key, event in parts.events.events] == [
        ("email:mina@shop.example", "contact", "mail.delivered"),
        ("email:mina@shop.example", "contact", "mail.opened"),
        ("email:mina@shop.example", "contact", "mail.clicked"),
        ("email:gone@shop.example", "contact", "mail.bounced"),
        ("omar", "contact", "mail.unsubscribed"),
        ("email:omar@shop.example", "contact", "mail.spam"),
    ]
    for _, event in parts.events.events[3:]:
        assert event.properties["consent"] == {"email": False}
    assert all("consent" not in event.properties for _, event in parts.events.events[:3])
    assert len({event.message_id for _, event in parts.events.events}) == 6
    [dead] = parts.events.dead
    assert (dead.reason, dead.origin) == ("invalid_event", "source:sendgrid-events/item")
    assert json.loads(dead.payload)["event"] == "something new"


def test_a_ticket_is_a_complaint_until_it_is_solved(client: TestClient, parts: Parts) -> None:
    name = "zendesk-ticket"
    ticket = json.loads(fixture(name))
    solved = {**ticket, "id": "2", "type": "zen:event-type:ticket.status_changed",
              "event": {"previous": "OPEN", "current": "SOLVED"}}  # fmt: skip
    tagged = {**ticket, "id": "3", "type": "zen:event-type:ticket.tags_changed"}
    for one in (ticket, solved, tagged):
        body = json.dumps(one).encode()
        assert post(client, name, body, signed(name, body)).status_code == 200
    assert [event.name for _, event in parts.events.events] == [
        "complaint.opened", "complaint.resolved",
    ]  # fmt: skip
    (_, opened), (_, resolved) = parts.events.events
    assert opened.properties["about"] == resolved.properties["about"] == "ticket-5158"
    assert opened.properties["complaint_id"] == "5158"
    assert "text" not in opened.properties
    assert not parts.events.dead


def test_call_records_of_an_exchange(client: TestClient, parts: Parts) -> None:
    answer = post(client, "asterisk-cdr", fixture("asterisk-cdr"), TOKEN)
    assert answer.json() == {"accepted": 3, "skipped": 1, "dead": 0}
    assert [(key, e.name, e.direction, e.operator) for key, e in parts.events.events] == [
        ("mina", "call.ended", "inbound", "1001"),
        ("mina", "call.missed", "inbound", "1001"),
        ("phone:+821087654321", "call.ended", "outbound", "1001"),
    ]
    assert parts.events.events[0][1].properties == {"ringing_s": 9, "duration_s": 120}


def test_any_json(client: TestClient, parts: Parts) -> None:
    answer = post(client, "generic-json", fixture("generic-json"), TOKEN)
    assert answer.json() == {"accepted": 2, "skipped": 0, "dead": 0}
    (_, asked), (key, ordered) = parts.events.events
    assert asked.user_id == "42"
    assert asked.properties == {"about": "sizes"}
    assert key == "mina"
    assert ordered.properties["total"] == "12,000"
    assert read_amount(ordered.properties).hundredths == 1_200_000
    assert ordered.properties["order_id"] == "S-9"


@pytest.mark.parametrize("name", ["twilio-voice-status", "sendgrid-events", "zendesk-ticket"])
def test_who_does_not_sign_is_refused(client: TestClient, parts: Parts, name: str) -> None:
    body = fixture(name)
    good = signed(name, body)
    for headers in ({}, {header: b64encode(b"wrong").decode() for header in good}):
        answer = post(client, name, body, headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert post(client, name, body + b"&x=1", good).status_code == 401
    assert post(client, name, body, {"Authorization": "Bearer wrong"}).status_code == 401
    assert not parts.events.events
    assert post(client, name, body, TOKEN).status_code == 200
    parts.sources = Sources(None, "KR", {})
    answer = post(client, name, body, good)
    assert (answer.status_code, answer.json()["code"]) == (403, "no_secret")
    assert "DAEHWA_SECRET_" in answer.json()["message"]


def test_a_retry_bears_the_same_message_ids(client: TestClient, parts: Parts) -> None:
    for name in ("twilio-voice-status", "sendgrid-events", "asterisk-cdr", "generic-json"):
        parts.events.events.clear()
        for _ in range(2):
            post(client, name, fixture(name), TOKEN)
        ids = [event.message_id for _, event in parts.events.events]
        assert ids[: len(ids) // 2] == ids[len(ids) // 2 :]
        assert all(one.startswith(f"{name}:") for one in ids)


def test_what_is_unreadable_is_kept_and_not_sent_for_ever(client: TestClient, parts: Parts) -> None:
    answer = post(client, "generic-json", b"\xff{", TOKEN)
    assert (answer.status_code, answer.json()["dead"]) == (200, 1)
    [dead] = parts.events.dead
    assert (dead.reason, dead.payload) == ("unreadable", b"\xff{")
    assert post(client, "generic-json", b"[1, null]", TOKEN).json()["dead"] == 2
    assert post(client, "generic-jsn", b"{}", TOKEN).json()["code"] == "no_source"
    assert post(client, "generic-json", b"x" * (5 << 20), TOKEN).status_code == 413


MAPPING = """
version: 1
name: desk
reads: json
items: payload.items
message_id: item.id
events:
  - type: contact
    fields: {channel: '"call"', code: '"question.asked"', phone: e164(item.number)}
"""


def sources(folder: Path, mapping: str) -> Sources:
    (folder / "desk.yaml").write_text(mapping)
    return Sources(folder, "KR", {})


@pytest.mark.parametrize(
    ("body", "origin", "renamed"),
    [
        ({"items": [{"id": 7, "tel": "+821012345678"}]}, "source:desk/item", ("number", "tel")),
        ({"calls": [{"id": 7, "number": "+821012345678"}]}, "source:desk", ("items", "calls")),
    ],
)
async def test_a_letter_of_a_source_is_read_again_by_the_mapping_of_today(
    client: TestClient,
    parts: Any,
    tmp_path: Path,
    body: dict[str, Any],
    origin: str,
    renamed: tuple[str, str],
) -> None:
    fault, mended = renamed
    parts.sources = sources(tmp_path, MAPPING)
    answer = post(client, "desk", json.dumps(body).encode(), TOKEN)
    assert answer.json() == {"accepted": 0, "skipped": 0, "dead": 1}
    [dead] = parts.writer.dead
    assert dead.origin == origin
    assert isinstance(await read_source_letter(dead, parts), StillDead)

    parts.sources = sources(tmp_path, MAPPING.replace(f".{fault}", f".{mended}"))
    found = await read_source_letter(dead, parts)
    assert isinstance(found, list)
    [again] = found
    assert (again.key, again.stood_at) == ("mina", None)
    [event], _ = decode_envelope(again.event)
    assert (event.name, event.received_at, event.source) == ("question.asked", dead.at, "desk")
    assert await read_source_letter(dead, parts) == [again], "the same id each time"


async def test_a_letter_of_a_source_that_is_no_more_stays_open(parts: Any) -> None:
    found = await read_source_letter(
        dead_letter("invalid_event", "", "source:gone", b"{}", 1), parts
    )
    assert found == StillDead("invalid_event", "no source is called 'gone' any more")
