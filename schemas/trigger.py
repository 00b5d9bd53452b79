"""A decision to tell somebody about one customer now, with its reason."""

from typing import Any, Literal

import msgspec


class Trigger(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One decision. Times are milliseconds since 1970."""

    id: str
    """Deterministic: the same rule, customer and cause give the same id."""
    type: str
    """Name of a trigger type (`streams.triggers.registry`)."""
    rule: str
    customer_id: str
    occurred_at: int
    """When what caused it happened."""
    decided_at: int
    """When it was decided, by the time the events carry."""
    decision: Literal["fire", "suppressed"]
    reason: str
    """In words, for a person."""
    why: dict[str, Any]
    """The figures behind the reason."""
    topic: str | None = None
    stage: str | None = None
    suppressed_by: str | None = None
    channel: str | None = None
    """On which the customer is to be spoken to; None: only systems and staff are told."""
    endpoint: str | None = None
    """Of the playbook; None: the webhook of the settings."""
    template: str | None = None
    campaign: str | None = None
    arm: Literal["treated", "held_out"] | None = None
    """Where a campaign or the policy holds customers out: whether this one is spoken to or kept to
    compare with. None: nothing is held out, or something else held the trigger back."""
    priority: int = 0
    playbook: str = ""
    """Version of the playbook that decided: a hash of its text."""
