"""Whatever the collector accepts can be read, folded and kept; nothing in a body breaks it."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from infra.playbook.playbook_file import read_playbook
from infra.settings import SHIPPED_PLAYBOOK
from schemas.models import ChurnModels
from streams.archive.rows import Place, event_columns
from streams.codec.codec import (
    decode_envelope,
    decode_profile,
    decode_wire_envelope,
    encode_envelope,
    encode_event,
    encode_profile,
)
from streams.fold.batch import fold_batch
from streams.models.learned import Learned
from streams.tracking.body import BodyError, read_batch
from streams.tracking.events import KINDS, read_events
from streams.tracking.readable import DEEPEST

AT = 1_750_000_000_000
BOOK = read_playbook(SHIPPED_PLAYBOOK)

NUMBERS = ["1e400", "-1e400", "9" * 30, "9" * 5000, "1e-999", "-0.0", "1." + "9" * 400, "0"]
TEXTS = ['"\\ud800"', '"\\u0000"', '"\\udc00\\ud800"', '"x"', '""', '"\\ud83d\\ude00"', '"\x7f"']

literals = st.one_of(
    st.sampled_from([*NUMBERS, *TEXTS, "null", "true", "[]", "{}"]),
    st.integers().map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.text(max_size=5).map(json.dumps),
    st.builds(lambda depth: "[" * depth + "]" * depth, st.integers(1, 300)),
)
names = st.sampled_from(
    ["page", "path", "url", "library", "name", "traits", "email", "phone", "consent", "products",
     "category", "total", "price", "currency", "quantity", "order_id", "revenue"]
).map(json.dumps) | st.text(max_size=4).map(json.dumps)  # fmt: skip


def objects(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(st.tuples(names, values), max_size=4).map(
        lambda pairs: "{" + ",".join(f"{name}:{value}" for name, value in pairs) + "}"
    )


values = st.recursive(
    literals,
    lambda inner: st.one_of(
        objects(inner), st.lists(inner, max_size=3).map(lambda found: f"[{','.join(found)}]")
    ),
    max_leaves=8,
)
fields = st.fixed_dictionaries(
    {"type": st.sampled_from(sorted(KINDS)).map(json.dumps)},
    optional={
        "userId": literals,
        "anonymousId": literals,
        "previousId": literals,
        "groupId": literals,
        "messageId": literals,
        "event": st.sampled_from(
            ['"Order Completed"', '"Product Viewed"', '"Product Added"', '"Subscription Cancelled"']
        )
        | literals,
        "name": literals,
        "category": literals,
        "channel": literals,
        "timestamp": literals | st.sampled_from(['"2025-01-01"', '"9999-12-31T23:59:59-14:00"']),
        "originalTimestamp": literals,
        "sentAt": literals,
        "properties": objects(values) | values,
        "traits": objects(values) | values,
        "context": objects(values) | values,
    },
)
items = fields.map(
    lambda found: "{" + ",".join(f'"{name}":{value}' for name, value in found.items()) + "}"
)


def accepted(body: bytes) -> bytes:
    """The envelope that the collector puts on the log."""
    found, rejected = read_events(read_batch(body), None, AT, "shop")
    for one in rejected:
        assert one.reason in {"invalid_event", "no_identity", "unreadable", "too_large"}
    return encode_envelope([encode_event(event) for _, event in found])


def page(properties: str = "{}", context: str = "{}") -> bytes:
    item = f'{{"type":"page","userId":"u","properties":{properties},"context":{context}}}'
    return f'{{"batch":[{item}]}}'.encode("utf-8", "surrogatepass")


@given(st.lists(items, min_size=1, max_size=4), st.none() | objects(values), st.none() | literals)
@example(['{"type":"page","userId":"u","properties":{"total":1e400}}'], None, None)
@example(['{"type":"page","userId":"u","context":{"page":5}}'], None, None)
@example(['{"type":"page","userId":"u"}'], '{"page":{"path":7}}', None)
def test_what_is_accepted_is_read_folded_archived_and_kept(
    found: list[str], context: str | None, sent_at: str | None
) -> None:
    more = (f',"context":{context}' if context else "") + (
        f',"sentAt":{sent_at}' if sent_at else ""
    )
    body = f'{{"batch":[{",".join(found)}]{more}}}'.encode("utf-8", "surrogatepass")
    try:
        envelope = accepted(body)
    except BodyError as refused:
        assert refused.status in {400, 413}
        return
    events, unreadable = decode_envelope(envelope)
    wire, raw_unreadable = decode_wire_envelope(envelope)
    assert (unreadable, raw_unreadable) == ([], [])
    assert len(wire) == len(events)
    keyed = [(event.user_id or event.anonymous_id or "", event) for event in events]
    batch = fold_batch(keyed, {}, Learned(), BOOK, ChurnModels())
    assert batch.dead == []
    for profile in batch.profiles.values():
        assert decode_profile(encode_profile(profile)) == profile
    for trigger in batch.triggers:
        msgspec.json.encode(trigger)
    columns = event_columns([(Place("log", 0, 0), wire)], BOOK)
    assert {len(column) for column in columns} == {len(wire)}
    for column in columns:
        for value in column:
            if isinstance(value, str):
                value.encode()


@pytest.mark.parametrize("number", ["1e400", "9" * 5000])
def test_a_number_that_nobody_can_hold_is_refused_with_its_place(number: str) -> None:
    _, rejected = read_events(read_batch(page(f'{{"total":{number}}}')), None, AT, "shop")
    assert [one.reason for one in rejected] == ["invalid_event"]
    assert "out of range" in rejected[0].detail


@pytest.mark.parametrize(("deep", "refused"), [(DEEPEST, False), (DEEPEST + 1, True), (5000, True)])
@pytest.mark.parametrize("field", ["properties", "context"])
def test_depth_is_bounded(deep: int, refused: bool, field: str) -> None:
    nested = '{"a":' + "[" * (deep - 1) + "]" * (deep - 1) + "}"
    try:
        events, rejected = read_events(read_batch(page(**{field: nested})), None, AT, "shop")
    except BodyError:
        assert refused
        return
    assert (len(events), len(rejected)) == ((0, 1) if refused else (1, 0))


def test_brackets_in_texts_are_not_depth() -> None:
    many: Any = {"text": "[{" * 500, "list": [{}] * 500}
    events, _ = read_events(read_batch(page(json.dumps(many))), None, AT, "shop")
    assert len(events) == 1
