"""The mapping language: what expressions find, what is left out, what is said of mistakes."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.sources.mapping_file import MappingError, parse_mapping
from schemas.contact import Contact
from streams.mapping.contact_events import contact_event
from streams.mapping.mapping_items import Mapped, Mapper, Unmapped
from streams.tracking.events import LARGEST_EVENT

HEAD = "version: 1\nname: shop\nreads: json\n"
BODY = """events:
  - type: contact
    fields:
      user_id: item.who
      code: '"question.asked"'
      channel: '"call"'
"""


def mapped(more: str, item: Any, head: str = HEAD, body: str = BODY) -> list[Mapped]:
    mapper = Mapper(parse_mapping(head + body + more, "map.yaml", "KR").mapping)
    return mapper.events(item)


def contact(more: str, item: Any, head: str = HEAD) -> Contact:
    [found] = mapped(more, item, head)
    assert found.contact is not None
    return found.contact


def test_what_is_not_there_is_left_out() -> None:
    more = "      operator: item.clerk.name\n      outcome: lower(item.result)\n"
    found = contact(more, {"who": "ann", "result": None})
    assert (found.operator, found.outcome) == (None, None)
    found = contact(more, {"who": "ann", "clerk": {"name": "Bo"}, "result": "DONE"})
    assert (found.operator, found.outcome) == ("Bo", "done")


@pytest.mark.parametrize(
    ("expression", "value", "expected"),
    [
        ('e164(item.x)', "02-312-3456", "+8223123456"),
        ('e164(item.x, "DE")', "030 901820", "+4930901820"),
        ('e164(item.x)', "unknown", None),
        ('digits(item.x)', "a1-2", "12"),
        ('string(number(item.x))', "12,000원", "12000"),
        ('slug(item.x)', "Große Hüte & Mützen", "große-hüte-mützen"),
        ('replace(item.x, "-", "")', "a-b", "ab"),
        ('item.x.split(";")[1]', "a;b", "b"),
        ('email(item.x)', " Ann@Shop.Example ", "ann@shop.example"),
        ('item.x.trim().upper()', " a ", "A"),
        ('sha256(item.x).size() == 64 ? "64" : ""', "a", "64"),
    ],
)  # fmt: skip
def test_functions(expression: str, value: str, expected: str | None) -> None:
    assert contact(f"      outcome: '{expression}'\n", {"who": "a", "x": value}).outcome == expected


@pytest.mark.parametrize(
    ("expression", "value", "iso"),
    [
        ('parse_time(item.x, "%Y%m%d%H%M%S")', "20260115120000", "2026-01-15T03:00:00"),
        ('parse_time(item.x)', "2026-01-15 12:00:00", "2026-01-15T03:00:00"),
        ('parse_time(item.x)', "2026-01-15T12:00:00+01:00", "2026-01-15T11:00:00"),
        ('parse_time(item.x, "%d.%m.%Y %H:%M", "Europe/Berlin")', "15.07.2026 12:00",
         "2026-07-15T10:00:00"),
        ('parse_time(item.x)', "1768446000", "2026-01-15T03:00:00"),
        ('item.x', 1768446000, "2026-01-15T03:00:00"),
        ('item.x', 1768446000000, "2026-01-15T03:00:00"),
        ('timestamp(item.x)', "2026-01-15T03:00:00Z", "2026-01-15T03:00:00"),
    ],
)  # fmt: skip
def test_times(expression: str, value: Any, iso: str) -> None:
    more = f"      occurred_at: '{expression}'\n"
    found = contact(more, {"who": "a", "x": value}, HEAD + "zone: Asia/Seoul\n")
    assert found.occurred_at is not None
    assert found.occurred_at.isoformat().startswith(iso)


@pytest.mark.parametrize(
    "value", ["", "yesterday", None, "2026-02-30", True, -5, 10**21, 45672, []]
)
def test_a_stated_time_that_is_none_is_no_event(value: Any) -> None:
    with pytest.raises(Unmapped, match="occurred_at"):
        contact("      occurred_at: parse_time(item.x)\n", {"who": "a", "x": value})


def test_every_rule_that_holds_makes_an_event_with_an_id_of_its_own() -> None:
    body = (
        BODY
        + """  - if: item.total > 0.0
    type: track
    fields: {user_id: item.who, event: '"Order Completed"'}
    properties: {total: item.total}
  - type: identify
    fields: {user_id: item.who}
    properties: {name: item.name}
message_id: item.id
"""
    )
    found = mapped("", {"who": 7.0, "id": 3, "total": 2.5, "name": "Ann"}, body=body)
    assert [one.kind for one in found] == ["contact", "track", "identify"]
    bodies = [msgspec.json.decode(one.body) for one in found]
    assert bodies[0]["user_id"] == bodies[1]["userId"] == "7"
    assert [one.get("message_id") or one["messageId"] for one in bodies] == [
        "shop:3", "shop:3#1", "shop:3#2",
    ]  # fmt: skip
    assert bodies[2]["traits"] == {"name": "Ann"}
    assert [one.kind for one in mapped("", {"who": "a", "id": 4}, body=body)] == [
        "contact", "identify",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({}, "no_identity"), ({"who": "null"}, "no_identity"), ({"who": []}, "no_identity"),
        ({"who": "a" * 150 + "b" * 100}, "no_identity"), (7, "invalid_event"),
        ({"who": "a", "text": "x" * LARGEST_EVENT}, "too_large"),
    ],
)  # fmt: skip
def test_what_is_no_event_says_why(item: Any, reason: str) -> None:
    with pytest.raises(Unmapped) as caught:
        mapped("      text: item.text\n", item)
    assert caught.value.reason == reason


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
_ODD = Mapper(
    parse_mapping(
        HEAD + BODY + "      operator: item.who.trim()\n      duration_s: number(item.who)\n", "m"
    ).mapping
)


@given(JSON | st.fixed_dictionaries({"who": JSON}))
def test_whatever_comes_is_mapped_or_says_why(item: Any) -> None:
    try:
        for one in _ODD.events(item):
            assert one.contact is not None
            assert one.contact.user_id
    except Unmapped as problem:
        assert problem.detail


def test_the_text_is_where_the_fold_does_not_look() -> None:
    found = contact("      text: item.text\n      subject: item.s\n",
                    {"who": "a", "text": "my card number is", "s": "card"})  # fmt: skip
    event = contact_event(found, "m", 10**12, "shop")
    assert msgspec.json.decode(event.context) == {"text": "my card number is"}
    assert msgspec.json.decode(event.properties) == {"subject": "card"}


@pytest.mark.parametrize(
    ("text", "line", "column", "says"),
    [
        (HEAD + BODY.replace("item.who", "itm.who"), 7, 16, "nothing is called 'itm'"),
        (HEAD + BODY.replace("item.who", "item.who +"), 7, 26, "not an expression"),
        (HEAD + BODY.replace("item.who", "lowr(item.who)"), 7, 16, "did you mean 'lower'"),
        (HEAD + BODY.replace("code", "cod"), 8, 12, "no field 'cod'"),
        (HEAD + BODY.replace("user_id: item.who", "operator: item.who"), 7, 7, "whose it is"),
        (HEAD.replace("json", "jsn") + BODY, 3, 8, "'jsn'"),
        (HEAD + "zone: Asia/Soul\n" + BODY, 4, 7, "time zone"),
        (HEAD + "encoding: cp9949\n" + BODY, 4, 11, "encoding"),
        (HEAD + "signature: {scheme: zendesk, secret: KEY}\n" + BODY, 4, 38, "DAEHWA_SECRET_"),
        (HEAD + "evnts: []\n" + BODY, 4, 1, "unknown field 'evnts'"),
        (HEAD + BODY + "skip: [item.x ===]\n", 10, 17, "not an expression"),
    ],
)
def test_mistakes_are_told_with_line_and_column(
    text: str, line: int, column: int, says: str
) -> None:
    with pytest.raises(MappingError) as caught:
        parse_mapping(text, "map.yaml")
    told = [(one.line, one.column) for one in caught.value.mistakes if says in one.message]
    assert told, str(caught.value)
    assert told[0][0] == line, str(caught.value)
    assert told[0][1] == column, str(caught.value)
