"""The log, read back from the archive: each row becomes the event that the fold was given.

What the fold asks to be sent is not sent again: the archive holds it where the log had it.
"""

from collections.abc import Sequence
from typing import Any, Final, cast

import msgspec

from schemas.event import Context, Direction, Event, EventType
from streams.codec.codec import UNREADABLE
from streams.identity.partitioning import partition_of
from streams.identity.profile_key import archived_under, profile_key

REPLAY_COLUMNS: Final = (
    "message_id",
    "type",
    "channel",
    "name",
    "addressed_to",
    "user_id",
    "anonymous_id",
    "previous_id",
    "direction",
    "operator",
    "outcome",
    "properties",
    "context",
    "toUnixTimestamp64Milli(occurred_at)",
    "toUnixTimestamp64Milli(received_at)",
    "source",
    "hops",
)
"""Columns of `daehwa.events_stored` that `replayed_event` reads, in this order; texts as bytes."""

Identity = tuple[str, str, int]
"""(profile that the archive keeps an event under, message id, forwards)."""

_properties_decoder = msgspec.json.Decoder(dict[str, Any])
_context_decoder = msgspec.json.Decoder(Context)


def replayed_event(row: Sequence[Any]) -> Event | None:
    """The event of an archived row; None where properties or context are not JSON objects: no
    worker could fold it, and the archive keeps the JSON as it came.

    `sent_at` is not archived: `occurred_at` is already corrected by it.
    """
    (
        message_id, kind, channel, name, addressed_to, user_id, anonymous_id, previous_id,
        direction, operator, outcome, properties, context, occurred_at, received_at, source, hops,
    ) = row  # fmt: skip
    try:
        return Event(
            message_id=message_id.decode(),
            type=cast(EventType, kind.decode()),
            occurred_at=occurred_at,
            received_at=received_at,
            user_id=_text(user_id),
            anonymous_id=_text(anonymous_id),
            key=_text(addressed_to),
            previous_id=_text(previous_id),
            channel=channel.decode(),
            name=_text(name),
            direction=cast(Direction | None, _text(direction)),
            operator=_text(operator),
            outcome=_text(outcome),
            properties=_properties_decoder.decode(properties),
            context=_context_decoder.decode(context),
            source=source.decode(),
            hops=hops,
        )
    except UNREADABLE:
        return None


def replayed_owner(event: Event, partition: int, partitions: int) -> str | None:
    """The key of the profile that a worker of `partition` folded the event into; None where it did
    not: the event names no profile, or arrived in another profile's partition and its copy stands
    in its own."""
    key = profile_key(event)
    return None if key is None or partition_of(key, partitions) != partition else key


def archived_identity(event: Event) -> Identity:
    """The deduplication key of the event in the archive; a replacement has the same."""
    return archived_under(event), event.message_id, min(event.hops, 255)


def _text(value: bytes) -> str | None:
    return value.decode() or None
