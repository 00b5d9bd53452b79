"""Time of an event, corrected for the clock of the sender."""

from datetime import UTC, datetime

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SMALLEST_MS = 100_000_000_000
"""A number below is seconds: as milliseconds it would lie before March 1973."""


def parse_time(value: str | float | None) -> int | None:
    """Milliseconds since 1970 of an ISO 8601 text (UTC where it names no zone) or of a number of
    seconds or milliseconds. None for None; ValueError for what is no time."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        span = moment - _EPOCH
        return span.days * 86_400_000 + span.seconds * 1000 + span.microseconds // 1000
    return int(value if abs(value) >= _SMALLEST_MS else value * 1000)


def corrected_time(stated: int | None, sent_at: int | None, received_at: int) -> int:
    """When it happened, in milliseconds, as Segment defines it: what the sender's clock was wrong
    by when it sent is taken off what it stated. Without `sent_at` nothing is known of the clock;
    without a statement it happened on receipt; it never happened later than that."""
    if stated is None:
        return received_at
    happened = stated if sent_at is None else received_at - (sent_at - stated)
    return min(happened, received_at)
