"""A dead letter: an event that could not be folded, with the reason."""

from typing import Literal

import msgspec

DeadLetterReason = Literal[
    "unreadable",  # not JSON, or not UTF-8
    "invalid_event",  # JSON, but a field is missing or has the wrong type
    "no_identity",  # neither user id nor anonymous id, or only blocked ones
    "too_large",  # over the limit of one event
    "forward_loop",  # merged profiles that forward to each other
    "fold_failed",  # the fold failed: a fault of Daehwa
    "profile_unreadable",  # the stored profile cannot be decoded
    "archive_refused",  # folded, but ClickHouse refuses it
]


DeadLetterState = Literal["open", "replayed", "discarded"]


class DeadLetter(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The value of a record on `daehwa.dead-letters`."""

    id: str
    """Deterministic: the same bytes from the same place give the same id."""
    reason: DeadLetterReason
    detail: str
    origin: str
    """`collector:<source>/<kind of event that the route named, or batch>`,
    `source:<name>` or `source:<name>/item`,
    `<Kafka topic>/<partition>/<offset>[<index>]` or `<ClickHouse table>/<partition>/<offset>`."""
    at: int
    """Milliseconds since 1970."""
    payload: bytes
    """The bytes as they came (base64 in JSON)."""
    batch: bytes = b""
    """Fields of its batch for all items: JSON of `sentAt` and `context`."""
