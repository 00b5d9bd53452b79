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

CHECKS: Final[Mapping[str, str]] = {
    "invalid_email": "a trait that holds e-mail addresses holds none",
    "invalid_phone": "a trait that holds telephone numbers holds none that can exist",
    "clock_wrong": "sent a day or more before or after it was received",
    "long_past": "happened more than ten years before it was received",
    "missing_topic": "the playbook knows the event, but what its topic is made of is missing",
    "unclear_consent": "a statement of consent that is neither a yes nor a no; it counts as a no",
    "negative_money": "an order of less than nothing",
    "unreadable_money": "an order whose total is no number",
    "unknown_currency": "a currency that ISO 4217 does not have",
}
"""Check -> what it finds."""

DAY = 86_400_000
_OURS: Final = frozenset({"timer", "link", "merge", "adopt", "erase"})
"""Types of what workers write: no sender can mend a deadline of a history that was imported."""

_STATING: Final = frozenset({"identify", "contact"})
LONG_PAST = 3_653 * DAY
_HASHED = "hmac:"
_MONEY = ("total", "revenue", "value")
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
    is_purchase: bool = False
    topicless: bool = False
    """The playbook knows the event, but no topic can be made of it."""


NOTHING_SEEN = Seen()


def findings(event: WireEvent, seen: Seen, region: str) -> list[str]:
    """The checks that find something. `region` as in `streams.identity.aliases.phone_alias`."""
    if event.type in _OURS:
        return []
    properties = seen.properties
    found: list[str] = []
    if event.sent_at is not None and abs(event.sent_at - event.received_at) >= DAY:
        found.append("clock_wrong")
    if event.received_at - event.occurred_at > LONG_PAST:
        found.append("long_past")
    if seen.topicless:
        found.append("missing_topic")
    if seen.is_purchase and properties is not None:
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
    amount = next((properties[name] for name in _MONEY if properties.get(name) is not None), None)
    if amount is not None:
        try:
            if isinstance(amount, bool) or float(amount) < 0:
                found.append("unreadable_money" if isinstance(amount, bool) else "negative_money")
        except (ValueError, TypeError, OverflowError):
            found.append("unreadable_money")
    currency = properties.get("currency")
    if currency is not None and not (isinstance(currency, str) and currency.upper() in CURRENCIES):
        found.append("unknown_currency")
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
