"""Delivery outcomes as contact events of the dialogue."""

from hashlib import blake2b
from typing import Any, Literal
from uuid import uuid4

import msgspec

from infra.delivery.call_list import Call
from infra.delivery.records import Delivery
from infra.delivery.tracking import Link
from schemas.event import Direction, WireEvent

SOURCE = "delivery"

Outcome = Literal["delivered", "failed", "withheld"]


class _Contact(msgspec.Struct, frozen=True, kw_only=True):
    message_id: str
    customer_id: str
    channel: str
    name: str
    direction: Direction
    outcome: str
    properties: dict[str, Any]
    operator: str | None = None

    def event(self, now: int) -> WireEvent:
        known = {key: value for key, value in self.properties.items() if value is not None}
        return WireEvent(
            message_id=self.message_id,
            type="contact",
            occurred_at=now,
            received_at=now,
            key=self.customer_id,
            channel=self.channel,
            name=self.name,
            direction=self.direction,
            outcome=self.outcome,
            operator=self.operator,
            properties=msgspec.Raw(_encode(known)),
            source=SOURCE,
        )


def outcome_event(delivery: Delivery, outcome: Outcome, kind: str, now: int) -> WireEvent | None:
    """The contact event of a finished delivery; None for one that is only counted. Every delivery
    on a customer channel leaves one; others only on failure: they would double the log. `kind` is
    the endpoint's.
    """
    trigger = delivery.trigger
    if trigger.channel is None and outcome != "failed":
        return None
    return _Contact(
        message_id=f"delivery:{trigger.id}:{delivery.endpoint}:{outcome}",
        customer_id=trigger.customer_id,
        channel=trigger.channel or kind,
        name=f"trigger.{outcome}",
        direction="outbound",
        outcome=outcome,
        properties={
            "trigger_id": trigger.id,
            "rule": trigger.rule,
            "endpoint": delivery.endpoint,
            "topic": trigger.topic,
            "campaign": trigger.campaign,
            "attempts": delivery.attempts,
        },
    ).event(now)


def reaction_event(link: Link, now: int) -> WireEvent:
    """The contact event of a mail that was opened, or of a link in it that was clicked: once a
    mail, and once for each of its links."""
    outcome = "opened" if link.kind == "open" else "clicked"
    about = {"url": link.url} if link.url else {}
    tail = f":{_digest(link.url)}" if link.url else ""
    return _Contact(
        message_id=f"delivery:{link.trigger_id}:{outcome}{tail}",
        customer_id=link.customer_id,
        channel=link.channel,
        name=f"trigger.{outcome}",
        direction="inbound",
        outcome=outcome,
        properties={"trigger_id": link.trigger_id, **about},
    ).event(now)


def unsubscribed_event(link: Link, now: int) -> WireEvent:
    """The event that withdraws consent for the link's channel."""
    return WireEvent(
        message_id=f"unsubscribe:{uuid4()}",
        type="identify",
        occurred_at=now,
        received_at=now,
        key=link.customer_id,
        channel=link.channel,
        direction="inbound",
        properties=msgspec.Raw(_encode({"consent": {link.channel: False}})),
        source=SOURCE,
    )


def called_event(call: Call, operator: str, outcome: str, note: str, now: int) -> WireEvent:
    """The contact event of a call that an operator has made."""
    return _Contact(
        message_id=f"call:{call.id}:done",
        customer_id=call.customer_id,
        channel="call",
        name="call.made",
        direction="outbound",
        outcome=outcome,
        operator=operator,
        properties={
            "trigger_id": call.id,
            "rule": call.rule,
            "endpoint": call.endpoint,
            "topic": call.topic,
            "campaign": call.campaign,
            "note": note or None,
        },
    ).event(now)


def uncalled_event(call: Call, now: int) -> WireEvent:
    """The contact event of a call withheld after a withdrawal of consent."""
    return _Contact(
        message_id=f"call:{call.id}:withheld",
        customer_id=call.customer_id,
        channel=call.channel or "call",
        name="trigger.withheld",
        direction="outbound",
        outcome="withheld",
        properties={
            "trigger_id": call.id,
            "rule": call.rule,
            "endpoint": call.endpoint,
            "topic": call.topic,
            "campaign": call.campaign,
        },
    ).event(now)


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=8).hexdigest()


_encode = msgspec.json.Encoder().encode
