"""What is shown of a caller, and what is no ringing call."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.contact import Contact
from schemas.profile import Lifecycle, Profile, Stamped
from streams.archive.rows import Place, trigger_columns
from streams.archive.tables import TRIGGER_COLUMNS
from streams.codec.codec import encode_trigger
from streams.mapping.contact_events import contact_event
from streams.views.customer_view import customer_view
from streams.views.screen_pop import (
    MAX_VIEW_BYTES,
    RINGS_MS,
    Ringing,
    caller_summary,
    essentials,
    liveliest_first,
    ringing_of,
    screen_pop,
)
from tests.harness.histories import BEGIN, DAY, MODELS, fold_all, histories, law, shop

NOW = BEGIN + DAY


def told(**fields: Any) -> Ringing | None:
    said = {"code": "call.ringing", "channel": "call", "phone": "02-312-3456", **fields}
    contact = msgspec.convert(said, Contact)
    event = contact_event(contact, "m-1", NOW, "contact", "phone:+8223123456")
    return ringing_of(contact, event, "KR")


def test_an_inbound_call_rings_with_its_number_and_what_the_system_said() -> None:
    found = told(
        operator="kim", properties={"call_id": "CA-1", "extension": 201, "line": "1588-0000"}
    )
    assert found is not None
    assert (found.number, found.given) == ("+8223123456", "02-312-3456")
    assert (found.call_id, found.operator, found.extension) == ("CA-1", "kim", "201")
    assert (found.line, found.at, found.event) == ("1588-0000", NOW, "m-1")
    assert found.customer_id == "phone:+8223123456"


@pytest.mark.parametrize("number", ["anonymous", "+266696687", "sip:unknown@pbx"])
def test_a_withheld_number_rings_without_one(number: str) -> None:
    found = told(phone=number)
    assert found is not None
    assert (found.number, found.given) == (None, number)


@pytest.mark.parametrize("other", [{"code": "call.answered"}, {"direction": "outbound"}])
def test_other_contacts_do_not_ring(other: dict[str, Any]) -> None:
    assert told(**other) is None


def test_a_call_that_is_long_over_does_not_ring() -> None:
    at = datetime.fromtimestamp(NOW / 1000, UTC)
    assert told(occurred_at=at - timedelta(milliseconds=RINGS_MS)) is not None
    assert told(occurred_at=at - timedelta(milliseconds=RINGS_MS + 1)) is None


def test_the_same_ringing_has_one_id_whoever_is_found() -> None:
    first, again = told(properties={"call": "CA-1"}), told(properties={"call_id": "CA-1"})
    other = told(properties={"call": "CA-2"})
    assert first is not None and again is not None and other is not None
    assert first.pop_id == again.pop_id != other.pop_id


def caller(key: str, last_seen: int, *, known: bool = True, name: str | None = None) -> Profile:
    traits = {"name": Stamped(name, 1, 1)} if name else {}
    return Profile(key, traits, lifecycle=Lifecycle(last_seen=last_seen), known=known)


def test_customers_come_before_visitors_and_the_liveliest_first() -> None:
    people = [
        caller("phone:+82", NOW, known=False),
        caller("quiet", NOW - DAY),
        caller("lively", NOW - 1),
    ]
    assert [one.key for one in liveliest_first(people)] == ["lively", "quiet", "phone:+82"]


def pop(people: list[Profile]) -> Any:
    ringing = told(properties={"call_id": "CA-1"})
    assert ringing is not None
    first = people[0] if people else None
    view = customer_view(first, shop(), MODELS, NOW) if first is not None else None
    others = [caller_summary(one, shop(), MODELS, NOW) for one in people[1:]]
    return screen_pop(ringing, first, view, others, NOW, "v1")


def test_the_trigger_says_who_calls_and_lists_everybody() -> None:
    found = pop([caller("u1", NOW, name="Kim Minji"), caller("u2", NOW - DAY, name="Lee Jun")])
    assert found.customer_id == "u1"
    assert found.reason == "Kim Minji is calling from +8223123456, or 1 more with this number"
    assert found.why["known"] is True and found.why["whole"] is True
    assert found.why["customer"]["customer_id"] == "u1"
    assert [(one["customer_id"], one["name"]) for one in found.why["others"]] == [("u2", "Lee Jun")]
    assert found.channel is None, "staff are told, not the customer"


def test_an_unknown_caller_pops_too() -> None:
    found = pop([])
    assert found.customer_id == "phone:+8223123456"
    assert found.why["known"] is False and found.why["customer"] is None
    assert "nobody is known" in found.reason
    again = pop([caller("phone:+8223123456", NOW, known=False)])
    assert again.why["known"] is False
    assert "has called before" in again.reason


@law
@given(histories(), st.integers(200, MAX_VIEW_BYTES))
def test_what_is_shown_is_whole_or_says_that_it_is_not(history: list[Any], most: int) -> None:
    view = customer_view(fold_all(history), shop(), MODELS, NOW)
    shown, whole = essentials(view, most)
    assert whole == (len(msgspec.json.encode(view)) <= most)
    assert whole == (shown == view) or len(view["dialogues"]) <= 1
    assert set(shown) == set(view)
    liveliest = list(view["dialogues"].items())
    assert list(shown["dialogues"].items()) == liveliest[: len(shown["dialogues"])]


def test_a_crowded_profile_and_a_shared_number_fit_a_webhook() -> None:
    traits = {f"trait-{n}": Stamped("x" * 5_000, 1, 1) for n in range(50)}
    crowded = Profile("u" * 200, traits, lifecycle=Lifecycle(last_seen=NOW), known=True)
    found = pop([crowded, *(caller(f"customer-{n}", NOW, name="y" * 40) for n in range(31))])
    assert found.why["whole"] is False
    assert len(found.why["others"]) == 31
    assert len(encode_trigger(found)) < 20_000


def test_the_archive_keeps_the_call_and_nobodys_record() -> None:
    found = pop([caller("u1", NOW, name="Kim Minji"), caller("u2", NOW, name="Lee Jun")])
    columns = trigger_columns([(Place("log", 0, 1), found)])
    why = msgspec.json.decode(columns[TRIGGER_COLUMNS.index("why")][0])
    assert why["number"] == "+8223123456" and why["call_id"] == "CA-1"
    assert "customer" not in why and "others" not in why
