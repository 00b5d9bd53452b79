"""Time of an event, corrected for the clock of the sender."""

from datetime import UTC, datetime

from streams.values.instants import LATEST_INSTANT, epoch_ms, milliseconds, read_instant


def parse_time(value: str | float | None) -> int | None:
    """Milliseconds since 1970 of a text (UTC where it names no zone) or a number, as
    `streams.values.instants` reads them. None for None and an empty text; ValueError for what is no
    time."""
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        return epoch_ms(value)
    try:
        return milliseconds(datetime.fromisoformat(value), UTC)  # most are as SDKs write them
    except ValueError:
        return read_instant(value)


FUTURE = 3_600_000
"""Milliseconds that a time may lie ahead without being remarkable: clocks differ."""


def dated_ahead(stated: int | None, sent_at: int | None, received_at: int) -> bool:
    """Whether the sender dates the event later than it was received, and later than it was sent:
    no wrong clock explains it."""
    if stated is None or not received_at + FUTURE <= stated <= LATEST_INSTANT:
        return False
    return sent_at is None or stated >= sent_at + FUTURE


def corrected_time(stated: int | None, sent_at: int | None, received_at: int) -> int:
    """When it happened, in milliseconds, as Segment defines it: what the sender's clock was wrong
    by when it sent is taken off what it stated. Without `sent_at` nothing is known of the clock;
    without a statement it happened on receipt; it never happened later than that."""
    if stated is None:
        return received_at
    happened = stated if sent_at is None else received_at - (sent_at - stated)
    return min(happened, received_at)
