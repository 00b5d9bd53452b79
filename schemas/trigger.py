"""A trigger: a decision to tell somebody about one customer now, with its reason."""

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
    """Time of its cause."""
    decided_at: int
    """Time of the decision, by the times in the events."""
    decision: Literal["fire", "suppressed"]
    reason: str
    """A sentence."""
    why: dict[str, Any]
    """The figures behind the reason."""
    topic: str | None = None
    stage: str | None = None
    suppressed_by: str | None = None
    channel: str | None = None
    """The customer channel; None: only systems and staff are told."""
    endpoint: str | None = None
    """Endpoint of the playbook; None: the webhook of the settings."""
    template: str | None = None
    campaign: str | None = None
    arm: Literal["treated", "held_out"] | None = None
    """The arm, where a campaign or the policy has a hold-out. None: no hold-out, or suppressed by
    another policy."""
    priority: int = 0
    playbook: str = ""
    """Version of the playbook that decided: a hash of its text."""
