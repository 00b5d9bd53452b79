"""Seeded traffic of a shop: visitors in sessions, interleaved as they would be."""

import random
from collections.abc import Iterator

import msgspec

from streams.codec.codec import encode_envelope
from streams.identity.partitioning import partition_of

CATEGORIES = (
    "shoes", "socks", "shirts", "jackets", "hats", "bags", "belts", "watches", "toys", "games",
    "books", "music", "garden", "tools", "lamps", "chairs", "tables", "sofas", "bikes", "tents",
)  # fmt: skip
PER_SESSION = 6
_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0"


def visitor_id(index: int, seed: int) -> str:
    """The anonymous id of a visitor, as long as a UUID."""
    return f"{index:08x}-5e55-4000-8000-{seed:012x}"


def shop_events(
    count: int, customers: int, *, seed: int, start: int
) -> Iterator[dict[str, object]]:
    """`count` events of `customers` visitors from `start` (milliseconds) on, about a millisecond
    apart; a few hundred sessions are open at any time, each of `PER_SESSION` events or so."""
    rng = random.Random(seed)
    open_sessions: list[tuple[str, str, int]] = []
    for index in range(count):
        while len(open_sessions) < 300:
            visitor = visitor_id(rng.randrange(customers), seed)
            open_sessions.append((visitor, rng.choice(CATEGORIES), PER_SESSION))
        place = rng.randrange(len(open_sessions))
        visitor, category, left = open_sessions[place]
        if rng.random() < 0.15:
            category = rng.choice(CATEGORIES)
        yield _event(index, visitor, category, start + index, rng)
        if left <= 1:
            open_sessions[place] = open_sessions[-1]
            open_sessions.pop()
        else:
            open_sessions[place] = (visitor, category, left - 1)


def _event(
    index: int, visitor: str, category: str, at: int, rng: random.Random
) -> dict[str, object]:
    event: dict[str, object] = {
        "message_id": f"ajs-next-{at}-{index:08x}-{visitor}",
        "occurred_at": at,
        "received_at": at,
        "anonymous_id": visitor,
        "source": "shop",
        "context": {
            "page": {
                "path": f"/products/{category}",
                "url": f"https://shop.example/products/{category}",
                "title": category,
                "referrer": "",
            },
            "userAgent": _AGENT,
            "library": {"name": "analytics.js", "version": "next-1.84.0"},
            "locale": "en-US",
            "timezone": "Asia/Seoul",
        },
    }
    chance = rng.random()
    product = {
        "product_id": f"{category}-{rng.randrange(40)}",
        "category": category,
        "name": f"{category} of note",
        "price": rng.randrange(500, 20000) / 100,
        "quantity": 1,
        "currency": "EUR",
    }
    if chance < 0.45:
        return {**event, "type": "page", "name": category, "properties": event["context"]["page"]}  # type: ignore[index]
    if chance < 0.80:
        return {**event, "type": "track", "name": "Product Viewed", "properties": product}
    if chance < 0.92:
        return {**event, "type": "track", "name": "Product Added", "properties": product}
    order = {"order_id": f"o{index}", "total": product["price"], "currency": "EUR"}
    name = "Checkout Started" if chance < 0.97 else "Order Completed"
    return {
        **event,
        "type": "track",
        "name": name,
        "properties": {**order, "products": [product]},
    }


def envelopes(
    events: Iterator[dict[str, object]], partitions: int, size: int
) -> Iterator[tuple[int, int, bytes]]:
    """(partition, number of events, envelope) as the collector makes them, `size` events each."""
    waiting: list[list[bytes]] = [[] for _ in range(partitions)]
    for event in events:
        partition = partition_of(str(event["anonymous_id"]), partitions)
        waiting[partition].append(msgspec.json.encode(event))
        if len(waiting[partition]) >= size:
            yield partition, size, encode_envelope(waiting[partition])
            waiting[partition] = []
    for partition, left in enumerate(waiting):
        if left:
            yield partition, len(left), encode_envelope(left)
