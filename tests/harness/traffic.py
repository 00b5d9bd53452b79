"""Seeded traffic with everything that makes streams hard: copies, disorder, people who log in."""

import random
from typing import Any

from infra.clock import now_ms
from schemas.event import Event
from streams.profile.message_ids import RING

HOUR = 3_600_000
MAX_PER_VISITOR = RING // 2
"""Events of one visitor at most: a copy is known while fewer than `RING` later ids came."""

_CATEGORIES = (
    "shoes",
    "socks",
    "hats",
    "bags",
    "toys",
    "books",
    "lamps",
    "tents",
    "bikes",
    "sofas",
)


def shop_traffic(count: int, visitors: int, *, seed: int) -> list[Event]:
    """About `count` events in the order they happened, the last a moment ago.

    Half of the visitors log in at some time, every tenth customer on two devices; after that
    some of their events name the customer and some only the visitor.
    """
    chance = random.Random(seed)
    span = 30 * 24 * HOUR
    begin = now_ms() - span
    times = sorted(chance.randrange(span) for _ in range(count))
    seen: dict[int, int] = {}
    logged_in: set[int] = set()
    events = []
    for index, at in enumerate(times):
        who = chance.randrange(visitors)
        seen[who] = seen.get(who, 0) + 1
        if seen[who] > MAX_PER_VISITOR:
            continue
        customer = f"customer-{seed}-{who - who % 2 if who % 20 < 2 else who}"
        identify = who % 4 < 2 and (seen[who] == 4 or (seen[who] > 4 and chance.random() < 0.05))
        names = identify or (who in logged_in and chance.random() < 0.5)
        if identify:
            logged_in.add(who)
        events.append(
            _event(
                f"{seed}-{index}",
                begin + at,
                f"visitor-{seed}-{who}",
                customer if names else None,
                identify,
                chance,
            )
        )
    return events


def _event(
    message_id: str,
    at: int,
    visitor: str,
    customer: str | None,
    identify: bool,
    chance: random.Random,
) -> Event:
    common: dict[str, Any] = {
        "message_id": message_id,
        "occurred_at": at,
        "received_at": at,
        "anonymous_id": visitor,
        "user_id": customer,
        "channel": chance.choice(("web", "web", "app")),
        "source": "soak",
    }
    if identify:
        traits = {
            "plan": chance.choice(("gold", "tin")),
            "consent": {"email": chance.random() < 0.8},
        }
        return Event(type="identify", properties=traits, **common)
    category = chance.choice(_CATEGORIES)
    kind = chance.random()
    if kind < 0.4:
        page = chance.choice(("", "/details", "/purchase"))
        return Event(type="page", properties={"path": f"/products/{category}{page}"}, **common)
    product = {"category": category, "price": chance.randrange(100, 9_000) / 100, "currency": "EUR"}
    if kind < 0.75:
        return Event(type="track", name="Product Viewed", properties=product, **common)
    if kind < 0.9:
        return Event(type="track", name="Product Added", properties=product, **common)
    order = {"total": product["price"], "currency": "EUR", "products": [product]}
    name = "Checkout Started" if kind < 0.94 else "Order Completed"
    return Event(type="track", name=name, properties=order, **common)


def disturbed(events: list[Event], *, seed: int, copies: float, late: float) -> list[Event]:
    """The events as they arrive: a part of them up to an hour late, a part of them twice."""
    chance = random.Random(seed)
    arrivals: list[tuple[int, int, Event]] = []
    for index, event in enumerate(events):
        at = event.received_at
        if chance.random() < late:
            at += chance.randrange(HOUR)
        arrivals.append((at, index, event))
        if chance.random() < copies:
            arrivals.append((at + chance.randrange(HOUR), index, event))
    arrivals.sort(key=lambda arrival: arrival[:2])
    return [event for _, _, event in arrivals]
