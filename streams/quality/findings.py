"""Data-quality findings of an event: counted and shown, never a reason to drop it.

Found where the event is archived, off the way of the fold, and kept in its row.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from phonenumbers import NumberParseException, is_valid_number, parse

from schemas.event import WireEvent
from streams.codec.codec import UNREADABLE
from streams.consent.consent import statements
from streams.consent.wording import granted
from streams.identity.aliases import email_alias, kind_of
from streams.orders.amounts import currency_of, is_absent
from streams.orders.told import Told
from streams.playbook.matching import MAX_ITEMS
from streams.tracking.events import REPLACED
from streams.values.instants import EARLIEST

CHECKS: Final[Mapping[str, str]] = {
    "invalid_email": "a trait that holds e-mail addresses holds none",
    "invalid_phone": "a trait that holds telephone numbers holds none that can exist",
    "clock_wrong": "sent a day or more before or after it was received",
    "replaced_message_id": "a message id that is a placeholder or too long; one is made instead",
    "in_the_future": "dated an hour or more after it was received; it counts as of its receipt",
    "implausible_time": "dated before 1990",
    "long_past": "happened more than ten years before it was received",
    "shared_anonymous_id": "an anonymous id that more than five customers used on one day: it "
    "joins nobody any more",
    "similar_event_name": "a name that looks like one of the playbook; it counts where only case "
    "and separators differ",
    "missing_topic": "the playbook knows the event, but what its topic is made of is missing",
    "unclear_consent": "a statement of consent that is neither a yes nor a no; it counts as a no",
    "negative_money": "an order of less than nothing; it counts as money back",
    "unreadable_money": "an order or a refund whose money is no number, or could be two (`1,234`)",
    "missing_money": "an order that names no money: no total, and no prices of products",
    "missing_order_id": "an order, or a change of one, without an id: a copy of it counts again",
    "refund_without_amount": "a refund of some products that names no money; it takes nothing back",
    "too_many_items": "a list of more items than are matched",
    "unknown_currency": "a currency that ISO 4217 does not have",
}
"""Check -> what it finds."""

DAY = 86_400_000
_OURS: Final = frozenset({"timer", "link", "merge", "adopt", "erase"})
"""Types of what workers write: no sender can mend a deadline of a history that was imported."""

_STATING: Final = frozenset({"identify", "contact"})
LONG_PAST = 3_653 * DAY
_HASHED = "hmac:"
_HOST = re.compile(r"[^\s@.][^\s@]*\.[^\s@.]{2,}")

CURRENCIES: Final = frozenset(
    (  # noqa: SIM905 - a list would be 170 lines
        "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN "
        "BWP BYN BZD CAD CDF CHF CLF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR "
        "FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD "
        "JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT "
        "MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG "
        "QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS "
        "TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF "
        "YER ZAR ZMW ZWG HRK ZWL SLL CUC"
    ).split()
)
"""ISO 4217, with a few that old orders are in."""

_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Seen(msgspec.Struct, frozen=True, gc=False):
    """What whoever looked for topics has seen of an event."""

    properties: Mapping[str, Any] | None = None
    """None where nobody has decoded them."""
    order: Told | None = None
    """What the event tells of an order."""
    topicless: bool = False
    """The playbook knows the event, but no topic can be made of it."""
    looks_known: bool = False
    """The event's name is none of the playbook, and looks like one."""


NOTHING_SEEN = Seen()


def findings(event: WireEvent, seen: Seen, region: str) -> list[str]:
    """The checks that find something. `region` as in `streams.identity.aliases.phone_alias`."""
    if event.type in _OURS:
        return []
    properties = seen.properties
    found: list[str] = []
    if event.sent_at is not None and abs(event.sent_at - event.received_at) >= DAY:
        found.append("clock_wrong")
    if event.message_id.startswith(REPLACED):
        found.append("replaced_message_id")
    if event.stated_at is not None:
        found.append("in_the_future")
    if event.occurred_at < EARLIEST:
        found.append("implausible_time")
    elif event.received_at - event.occurred_at > LONG_PAST:
        found.append("long_past")
    if seen.looks_known:
        found.append("similar_event_name")
    if seen.topicless:
        found.append("missing_topic")
    if seen.order is not None and properties is not None:
        found += seen.order.problems
        found += _of_order(properties)
    if event.type in _STATING:
        stated = properties if properties is not None else _read(event)
        if "consent" in stated and any(
            granted(value) is None for _, value in statements(stated["consent"])
        ):
            found.append("unclear_consent")
        if event.type == "identify":
            found += _of_traits(stated, region)
    return found


def _of_order(properties: Mapping[str, Any]) -> list[str]:
    found = []
    stated = properties.get("currency")
    if not is_absent(stated) and currency_of(properties) not in CURRENCIES:
        found.append("unknown_currency")
    products = properties.get("products")
    if isinstance(products, list) and len(products) > MAX_ITEMS:
        found.append("too_many_items")
    return found


def _of_traits(traits: Mapping[str, Any], region: str) -> list[str]:
    found = set()
    for name, value in traits.items():
        kind = kind_of(name)
        if kind is None or value is None or value == "":
            continue
        text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
        if text.startswith(_HASHED):
            continue
        if kind == "email" and not _is_email(text):
            found.add("invalid_email")
        if kind == "phone" and not _is_phone(text, region):
            found.add("invalid_phone")
    return sorted(found)


def _is_email(text: str) -> bool:
    alias = email_alias(text)
    return (
        alias is not None
        and len(alias.value) <= 254
        and _HOST.fullmatch(alias.value.partition("@")[2]) is not None
    )


def _is_phone(text: str, region: str) -> bool:
    if not text.strip().startswith("+") and not region:
        return sum(char.isdigit() for char in text) >= 5  # nobody can say more
    try:
        return is_valid_number(parse(text[:64], region or None))
    except NumberParseException:
        return False


def _read(event: WireEvent) -> Mapping[str, Any]:
    try:
        return _decode(event.properties)
    except UNREADABLE:
        return {}
