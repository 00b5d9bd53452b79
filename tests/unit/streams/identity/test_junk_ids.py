"""A placeholder is nobody's id: accepting one would merge strangers."""

import json
from typing import Any

import pytest

from schemas.event import WireEvent
from streams.identity.profile_key import usable_id
from streams.tracking.body import read_batch
from streams.tracking.events import Rejected, read_events

NOW = 1_700_000_000_000

JUNK = [
    "undefined", '"undefined"', "'undefined'", "`null`", "(null)", "(none)", "[null]", "<null>",
    '"null"', "N/A", "n/a", "NOT_SET", "(not set)", "not set", "Undefined", " undefined ",
    "[object Object]", "[object Undefined]", "[object Null]", "{{user.id}}", "{{ customer.id }}",
    "${userId}", "${user.id}", "<%= user.id %>", "{% user %}", "%%user_id%%", "[[user]]",
    "00000000-0000-0000-0000-000000000000", '"00000000-0000-0000-0000-000000000000"',
    "00000000000000000000000000000000", "0", '"0"', "-1", "null", "NaN", "nil", '""', "''", "()",
    " ", "\t", "\u200b", "\ufeff", "\ufeffundefined", "\u200bnull\u200b", "\u00a0",
]  # fmt: skip
USABLE = [
    "na", "c1", "u-1", "ann@shop.example", "00000000-0000-0000-0000-000000000001", "100", "-12",
    "nullable", "undefined-behaviour", "o'brien", "(1)", "[vip] ann", '"ann"', "$100", "{ann}",
    "%7Bann%7D", "김민아", "NOT_SET_YET", "a" * 200,
]  # fmt: skip


@pytest.mark.parametrize("value", JUNK, ids=repr)
def test_a_placeholder_names_nobody(value: str) -> None:
    assert usable_id(value) is None


@pytest.mark.parametrize("value", USABLE, ids=repr)
def test_anything_else_is_kept_as_it_came(value: str) -> None:
    assert usable_id(value) == value


def read(*items: dict[str, Any]) -> tuple[list[tuple[str, WireEvent]], list[Rejected]]:
    return read_events(read_batch(json.dumps({"batch": items}).encode()), None, NOW, "shop")


def test_a_junk_anonymous_id_joins_nobody_and_a_junk_user_id_is_a_dead_letter() -> None:
    events, rejected = read(
        {"type": "identify", "anonymousId": '"undefined"', "userId": "A", "traits": {"n": 1}},
        {"type": "track", "anonymousId": '"undefined"', "event": "Product Added"},
        {"type": "track", "userId": "{{user.id}}", "event": "X"},
    )
    [(key, identified)] = events
    assert (key, identified.anonymous_id) == ("A", None)
    assert [one.reason for one in rejected] == ["no_identity", "no_identity"]


@pytest.mark.parametrize("message_id", ["undefined", "null", '"undefined"', "{{messageId}}", "N/A"])
def test_a_junk_message_id_is_replaced_so_that_different_events_count(message_id: str) -> None:
    items = [
        {"type": "track", "messageId": message_id, "userId": "m", "event": "Product Viewed"},
        {"type": "track", "messageId": message_id, "userId": "m", "event": "Order Completed"},
    ]
    events, _ = read(*items)
    ids = [event.message_id for _, event in events]
    assert len(set(ids)) == 2
    assert all(one.startswith("replaced-") for one in ids)
    dated = [{**one, "timestamp": "2026-01-01T00:00:00Z"} for one in items]
    again = [[event.message_id for _, event in read(*dated)[0]] for _ in range(2)]
    assert again[0] == again[1], "a retry of the same bytes counts once"
