"""Bodies as a browser SDK sends them, out of the bench traffic."""

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from bench.traffic import shop_events


def items(
    count: int, *, seed: int, start: int, customers: int = 20_000
) -> Iterator[dict[str, object]]:
    """`count` items of the tracking protocol."""
    for event in shop_events(count, customers, seed=seed, start=start):
        at = datetime.fromtimestamp(int(str(event["occurred_at"])) / 1000, UTC).isoformat()
        item: dict[str, object] = {
            "type": event["type"],
            "messageId": event["message_id"],
            "anonymousId": event["anonymous_id"],
            "timestamp": at,
            "context": event["context"],
            "properties": event["properties"],
            "integrations": {},
        }
        item["name" if event["type"] == "page" else "event"] = event["name"]
        yield item


def batches(count: int, size: int, *, seed: int, start: int) -> list[bytes]:
    """`count` bodies for /v1/batch of `size` items each."""
    found = items(count * size, seed=seed, start=start)
    sent_at = datetime.fromtimestamp(start / 1000, UTC).isoformat()
    return [
        msgspec.json.encode({"batch": [next(found) for _ in range(size)], "sentAt": sent_at})
        for _ in range(count)
    ]
