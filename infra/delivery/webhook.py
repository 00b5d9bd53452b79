"""Triggers to a webhook: Standard Webhooks 1.0.0."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from infra.delivery.posting import Poster
from infra.delivery.records import Attempt, Delivery
from infra.delivery.signing import Signer
from schemas.trigger import Trigger

LARGEST_BODY = 20_000
"""Bytes."""

_MAX_REASON_LENGTH = 1_000


class WebhookSender:
    """Posts signed triggers to one URL."""

    def __init__(self, poster: Poster, url: str, signer: Signer) -> None:
        self._poster = poster
        self._url = url
        self._signer = signer

    async def send(self, delivery: Delivery, now: int) -> Attempt:
        """One attempt at `now` (milliseconds): same id and body as every other."""
        trigger = delivery.trigger
        body = webhook_body(trigger)
        headers = {
            "content-type": "application/json",
            "user-agent": "Daehwa",
            **self._signer.headers(trigger.id, body.decode(), now),
        }
        return await self._poster.post(self._url, body, headers)


def webhook_body(trigger: Trigger) -> bytes:
    """`{"type", "timestamp", "data"}`, at most `LARGEST_BODY` bytes.

    A larger body loses figures of `why`, the largest first, then the end of `reason`; `cut` in
    `data` names the omissions.
    """
    at = datetime.fromtimestamp(trigger.decided_at / 1000, UTC).isoformat(timespec="milliseconds")
    body = _encode({"type": trigger.type, "timestamp": at, "data": trigger})
    if len(body) <= LARGEST_BODY:
        return body
    data: dict[str, Any] = msgspec.to_builtins(trigger)
    cut: list[str] = []
    data["cut"] = cut
    sizes = {name: len(_encode(value)) for name, value in trigger.why.items()}
    for name in sorted(sizes, key=lambda name: -sizes[name]):
        del data["why"][name]
        cut.append(f"why.{name}"[:100])
        body = _encode({"type": trigger.type, "timestamp": at, "data": data})
        if len(body) <= LARGEST_BODY:
            return body
    data["cut"] = ["why", "reason"]
    data["reason"] = trigger.reason[:_MAX_REASON_LENGTH]
    return _encode({"type": trigger.type, "timestamp": at, "data": data})


_encode = msgspec.json.Encoder().encode
