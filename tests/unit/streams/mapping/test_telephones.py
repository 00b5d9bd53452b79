"""Telephone systems: who called, never our own number, and nobody where the number is withheld."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from infra.sources.mapping_file import SHIPPED, read_mapping
from schemas.contact import Contact
from streams.mapping.mapping_items import Mapper
from streams.mapping.payloads import read_payload
from tests.harness.paths import FIXTURES

CASES: Path = FIXTURES / "cases"
OURS = "+82215881588"
MINA = "+821012345678"


def contacts(name: str, body: bytes) -> list[Contact]:
    mapping = read_mapping(SHIPPED / f"{name}.yaml", "KR", frozenset({OURS}), zone="Asia/Seoul")
    mapper = Mapper(mapping.mapping)
    found = []
    for item in mapper.items(read_payload(mapping.mapping.source, body)):
        found += [one.contact for one in mapper.events(item, received_at=1_768_446_000_000)]
    assert None not in found
    return found  # type: ignore[return-value]


def ari(number: str, kind: str = "StasisStart") -> dict[str, Any]:
    channel = {"id": "1.2", "caller": {"number": number}, "dialplan": {"exten": "15881588"}}
    return {"type": kind, "timestamp": "2026-01-15T12:00:00.000+0900", "channel": channel}


def ami(number: str, kind: str = "DialBegin") -> dict[str, Any]:
    return {"Event": kind, "Uniqueid": "1.2", "CallerIDNum": number, "Exten": "15881588",
            "DestCallerIDNum": "1001", "Cause-txt": "Normal Clearing"}  # fmt: skip


def freeswitch(number: str, direction: str = "inbound", billsec: str = "30") -> dict[str, Any]:
    other = {"caller_id_number": number, "destination_number": OURS}
    if direction == "outbound":
        other = {"caller_id_number": OURS, "destination_number": number}
    return {"variables": {"uuid": "u-1", "direction": direction, "billsec": billsec,
                          "start_epoch": "1768446000", "hangup_cause": "NORMAL_CLEARING",
                          **other}}  # fmt: skip


def twilio(number: str) -> str:
    return f"CallSid=CA1&CallStatus=ringing&Direction=inbound&To=%2B82215881588&From={number}"


MADE = {
    "asterisk-ari": lambda number: json.dumps(ari(number)),
    "asterisk-ami": lambda number: json.dumps(ami(number)),
    "freeswitch-cdr": lambda number: json.dumps(freeswitch(number)),
    "twilio-voice-status": lambda number: (
        twilio(number.replace("+", "%2B")) + "&Timestamp=Thu%2C+15+Jan+2026+03%3A00%3A42+%2B0000"
    ),
    "asterisk-cdr": lambda number: (
        f'"","{number}","{OURS}","from-trunk","x","PJSIP/a","PJSIP/b","Dial","",'
        '"2026-01-15 12:00:00","","2026-01-15 12:00:30",30,0,"NO ANSWER","DOCUMENTATION"'
    ),
}


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("number", ["+821012345678", "01012345678"])
def test_a_caller_is_known_by_the_number(name: str, number: str) -> None:
    (call,) = contacts(name, MADE[name](number).encode())
    assert (call.phone, call.anonymous_id, call.direction) == (MINA, None, "inbound")
    assert call.channel == "call"


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("number", ["anonymous", "Restricted", "+266696687", "unavailable", OURS])
def test_who_withholds_the_number_is_nobody_and_never_one_of_us(name: str, number: str) -> None:
    if name == "asterisk-cdr" and number == OURS:
        return  # the caller is us: a call out, see below
    (call,) = contacts(name, MADE[name](number).encode())
    assert call.phone is None
    assert call.anonymous_id is not None
    assert call.anonymous_id.startswith("call:")
    assert call.direction == "inbound"


def test_a_call_out_that_shows_our_number_is_about_whom_we_called() -> None:
    line = MADE["asterisk-cdr"](OURS).replace(f'"{OURS}","from', f'"{MINA}","from')
    (call,) = contacts("asterisk-cdr", line.encode())
    assert (call.phone, call.direction) == (MINA, "outbound")
    (call,) = contacts("freeswitch-cdr", json.dumps(freeswitch(MINA, "outbound")).encode())
    assert (call.phone, call.direction, call.code) == (MINA, "outbound", "call.ended")


def test_the_reported_calls() -> None:
    (call,) = contacts("asterisk-cdr", (CASES / "16-asterisk-anonymous.csv").read_bytes())
    assert (call.phone, call.direction, call.code) == (None, "inbound", "call.missed")
    form = (CASES / "16-twilio-anonymous-ringing.form").read_bytes().strip()
    (call,) = contacts("twilio-voice-status", form)
    assert (call.phone, call.code) == (None, "call.ringing")
    assert call.properties["call"] == dict(parse_qsl(form.decode()))["CallSid"]
    (ticket,) = contacts("zendesk-ticket", (CASES / "15-zendesk-whatsapp.json").read_bytes())
    assert (ticket.channel, ticket.code) == ("whatsapp", "complaint.opened")


def test_calls_end_and_are_missed() -> None:
    (call,) = contacts("asterisk-ari", json.dumps(ari(MINA, "ChannelDestroyed")).encode())
    assert call.code == "call.ended"
    (call,) = contacts("asterisk-ami", json.dumps(ami(MINA, "Hangup")).encode())
    assert (call.code, call.outcome, call.operator) == ("call.ended", "Normal Clearing", "1001")
    (call,) = contacts("freeswitch-cdr", json.dumps(freeswitch(MINA, billsec="0")).encode())
    assert (call.code, call.outcome) == ("call.missed", "normal_clearing")
    assert contacts("asterisk-ari", json.dumps(ari("1001")).encode()) == []
