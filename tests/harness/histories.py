"""Event histories as hypothesis strategies, and the few names every law about them needs.

A history is drawn as one string of bytes, eight for each event, because hypothesis draws and
shrinks that a hundred times faster than a tree of strategies.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import msgspec
import yaml
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.decisions import NO_DECISIONS
from schemas.effect import Folded
from schemas.event import Event
from schemas.models import Models
from schemas.playbook import Playbook
from schemas.profile import Profile
from schemas.trigger import Trigger
from streams.codec.codec import encode_profile
from streams.definitions.compile import compile_playbook
from streams.fold.fold import fold
from streams.models.transitions import CountedTransitions
from streams.playbook.compiled import CompiledPlaybook
from tests.harness.paths import ROOT

law = settings(
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
"""Every law is tried on as many histories as the profile says (`tests/conftest.py`)."""

SHOP = ROOT / "infra" / "playbooks" / "shop.yaml"
BEGIN = 1_700_000_000_000
MINUTE = 60_000
DAY = 24 * 60 * MINUTE


MODELS = Models(CountedTransitions())


@lru_cache
def shop() -> CompiledPlaybook:
    """The playbook that ships."""
    return compile_playbook(msgspec.convert(yaml.safe_load(SHOP.read_text()), Playbook))


def event(message_id: str, kind: str = "track", **fields: Any) -> Event:
    """An event at `occurred_at` (default: the beginning), received at once unless said."""
    fields.setdefault("occurred_at", BEGIN)
    fields.setdefault("received_at", fields["occurred_at"])
    return Event(message_id=message_id, type=kind, **fields)


def fold_all(
    history: Iterable[Event],
    key: str = "u1",
    profile: Profile | None = None,
    playbook: CompiledPlaybook | None = None,
    models: Models = MODELS,
) -> Profile:
    """The profile after the events, in this order."""
    profile = profile or Profile(key)
    for happened in history:
        outcome = fold(profile, key, happened, playbook or shop(), models)
        if isinstance(outcome, Folded):
            profile = outcome.profile
    return profile


def triggers_of(history: Iterable[Event], key: str = "u1") -> list[Trigger]:
    """Every decision taken on the way through the events."""
    profile: Profile | None = None
    found: list[Trigger] = []
    for happened in history:
        outcome = fold(profile, key, happened, shop(), MODELS)
        if isinstance(outcome, Folded):
            profile = outcome.profile
            found += [effect for effect in outcome.effects if isinstance(effect, Trigger)]
    return found


def facts(profile: Profile) -> bytes:
    """The bytes of everything in the profile that must not depend on order."""
    return encode_profile(replace(profile, decisions=NO_DECISIONS))


_PRODUCT_EVENTS = (
    "Product Viewed", "Product Clicked", "Product Added", "Product List Viewed", "Product Removed",
)  # fmt: skip
_PAGES = ("introduction", "details", "purchase")
_CONTACTS = (
    "complaint.opened", "complaint.resolved", "complaint.withdrawn", "question.asked",
    "order.placed", "odd",
)  # fmt: skip
_CHANNELS = ("web", "app", "call", "email", "store", "other")
_AMOUNTS = (19.99, 0.1, 0.2, "12.50", 1e-9, -5.0, 0, None, "free", 10**15, 3, True)
_CURRENCIES = ("EUR", "usd", None, "KRW", "??", "JPY")
_VALUES = ("Ann", 41, 3.5, True, None, ["a"], {"b": 1}, "", 2**70, "é" * 300)


def _drawn(index: int, code: bytes) -> Event | None:
    kind, topic, hour, minute, amount, who, extra, late = code
    at = BEGIN + hour % 48 * 60 * MINUTE + minute % 4 * MINUTE
    fields: dict[str, Any] = {
        "user_id": "u1",
        "anonymous_id": f"a{who % 3}" if who % 2 else None,
        "occurred_at": at,
        "received_at": at + late % 8 * 700,
        "channel": _CHANNELS[extra % len(_CHANNELS)],
    }
    product = {
        "category": f"Kind {topic % 8}" if topic % 3 else None,
        "product_id": topic % 16,
        "price": _AMOUNTS[amount % len(_AMOUNTS)],
    }
    message_id = f"m{index}"
    match kind % 12:
        case 0:
            return None
        case 1 | 2 | 3:
            name = _PRODUCT_EVENTS[extra % len(_PRODUCT_EVENTS)]
            return event(message_id, name=name, properties=product, **fields)
        case 4:
            path = f"/shop/products/P{topic % 8}/{_PAGES[extra % len(_PAGES)]}"
            return event(message_id, "page", properties={"path": path}, **fields)
        case 5 | 6:
            order = {
                "products": [product, {"category": f"kind {extra % 8}"}],
                "total": _AMOUNTS[amount % len(_AMOUNTS)],
                "currency": _CURRENCIES[who % len(_CURRENCIES)],
            }
            name = "Order Completed" if extra % 3 else "Checkout Started"
            return event(message_id, name=name, properties=order, **fields)
        case 7 | 8:
            traits = {
                f"trait{extra % 5}": _VALUES[amount % len(_VALUES)],
                f"trait{topic % 5}": _VALUES[extra % len(_VALUES)],
            }
            return event(message_id, "identify", properties=traits, **fields)
        case 9:
            consent = {("email", "call", "all")[topic % 3]: bool(amount % 2), "sms": "maybe"}
            stated = consent if extra % 4 else bool(amount % 2)
            return event(message_id, "identify", properties={"consent": stated}, **fields)
        case 10:
            code_name = _CONTACTS[amount % len(_CONTACTS)]
            about = {"about": f"Delivery {topic % 3}", "total": _AMOUNTS[extra % len(_AMOUNTS)]}
            return event(message_id, "contact", name=code_name, properties=about, **fields)
        case _:
            name = ("Unsubscribed", "Subscription Cancelled", "Something Else")[extra % 3]
            return event(message_id, name=name, properties={"plan": f"p{topic % 2}"}, **fields)


def _history(code: bytes) -> list[Event]:
    drawn = (_drawn(at // 8, code[at : at + 8]) for at in range(0, len(code) - 7, 8))
    return [happened for happened in drawn if happened is not None]


def histories(most: int = 36) -> st.SearchStrategy[list[Event]]:
    """What one customer `u1` did: ties in time, late and out of order, floats, odd values."""
    return st.binary(min_size=8 * (most // 3), max_size=8 * most).map(_history)


def many_topics(most: int = 160) -> st.SearchStrategy[list[Event]]:
    """A customer who looked at more topics than a profile keeps. Two bytes an event."""

    def build(code: bytes) -> list[Event]:
        return [
            event(
                f"m{at}",
                name=("Product Viewed", "Product Added")[code[at] % 2],
                properties={"category": f"c{code[at] % 120}"},
                user_id="u1",
                occurred_at=BEGIN + code[at + 1] * MINUTE,
            )
            for at in range(0, len(code) - 1, 2)
        ]

    return st.binary(min_size=most, max_size=2 * most).map(build)


_edge = st.sampled_from(
    (10**400, -(2**63) - 1, 2**64, float("nan"), float("inf"), "\ud800", "\x00", "", True, None)
)
_scalar = st.one_of(_edge, st.integers(), st.floats(), st.text(max_size=8))
junk = st.recursive(
    _scalar,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
"""Anything at all in place of a value."""

_FIELDS = (
    "category", "product_id", "name", "sku", "products", "total", "revenue", "currency", "consent",
    "about", "plan", "path", "url", "list_id", "kind", "due", "to", "from", "state", "alias",
)  # fmt: skip
junk_properties = st.dictionaries(st.one_of(st.sampled_from(_FIELDS), st.text(max_size=4)), junk,
                                  max_size=5)  # fmt: skip


def shuffled(history: Sequence[Event], seed: int) -> list[Event]:
    """The history in another order, the same for the same seed."""
    from random import Random

    order = list(history)
    Random(seed).shuffle(order)
    return order


seeds = st.integers(0, 2**32 - 1)
