"""What is to be delivered, and what came of an attempt."""

from typing import Literal

import msgspec

from schemas.trigger import Trigger

DEFAULT = "default"
"""Name of the endpoint of the settings: where a trigger goes that names none."""

Status = Literal["waiting", "delivered", "failed", "withheld"]
"""`failed`: given up, kept for a replay by hand."""

Verdict = Literal["delivered", "again", "refused", "gone", "withheld"]
"""`again`: try later; `refused`: this one never; `gone`: the endpoint wants no more (410);
`withheld`: the customer does not want it any more."""


class Attempt(msgspec.Struct, frozen=True):
    """What came of one attempt."""

    verdict: Verdict
    detail: str
    """In words, for a person; holds no secret."""
    retry_after: float | None = None
    """Seconds the receiver asked to wait."""
    slow_down: bool = False
    """The receiver has too much to do."""
    blames_endpoint: bool = True
    """`again`, `refused`: whether others would have fared the same at this endpoint."""
    erased: bool = False
    """`withheld`: the customer was erased; nothing more is to be said of it, not even this."""


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
    """What came of it."""

    @property
    def id(self) -> str:
        """Names the delivery: an endpoint is told of a trigger once."""
        return delivery_id(self.trigger.id, self.endpoint)


class Held(msgspec.Struct, frozen=True):
    """A delivery that a worker may attempt, alone, until its lease ends."""

    delivery: Delivery
    partition: int
    until: int
    """End of the lease, milliseconds since 1970: a later answer about a failure is not heard."""


def delivery_id(trigger_id: str, endpoint: str) -> str:
    """The id of the delivery of a trigger to an endpoint."""
    return f"{trigger_id}/{endpoint}"
