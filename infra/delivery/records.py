"""Deliveries and outcomes of attempts."""

from typing import Literal

import msgspec

from schemas.trigger import Trigger

DEFAULT = "default"
"""Name of the endpoint of the settings, for triggers that name none."""

Status = Literal["waiting", "delivered", "failed", "withheld"]
"""`failed`: given up, kept for a replay."""

Verdict = Literal["delivered", "again", "refused", "gone", "withheld"]
"""`again`: retry; `refused`: permanent failure of this delivery; `gone`: the endpoint answered 410;
`withheld`: the customer has withdrawn consent."""


class Attempt(msgspec.Struct, frozen=True):
    """Outcome of one attempt."""

    verdict: Verdict
    detail: str
    """A sentence; holds no secret."""
    retry_after: float | None = None
    """`Retry-After` of the receiver, seconds."""
    slow_down: bool = False
    """The receiver is overloaded."""
    blames_endpoint: bool = True
    """`again`, `refused`: whether the failure is the endpoint's, not the delivery's."""
    erased: bool = False
    """`withheld`: the customer was erased; no outcome event is written."""


class Delivery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One trigger for one endpoint. Times are milliseconds since 1970."""

    endpoint: str
    created_at: int
    trigger: Trigger
    status: Status = "waiting"
    attempts: int = 0
    last_at: int = 0
    """When the latest attempt was made."""
    detail: str = ""
    """Text of the latest outcome."""

    @property
    def id(self) -> str:
        """Id of the delivery: one per trigger and endpoint."""
        return delivery_id(self.trigger.id, self.endpoint)


class Held(msgspec.Struct, frozen=True):
    """A delivery that a worker may attempt, alone, until its lease ends."""

    delivery: Delivery
    partition: int
    until: int
    """End of the lease, milliseconds since 1970: a later failure is ignored."""


def delivery_id(trigger_id: str, endpoint: str) -> str:
    """The id of the delivery of a trigger to an endpoint."""
    return f"{trigger_id}/{endpoint}"
