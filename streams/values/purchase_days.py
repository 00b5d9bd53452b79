"""The days on which a customer bought, as a set of fixed size: exact, and free of order.

The models count purchase *days*: several orders on one day are one occasion to buy. A day is a day
of UTC, so that an archive and a profile mean the same.
"""

MAX_DAYS = 256
"""Days kept, the latest ones: the latest of a set do not depend on the order of adding, so the
law holds beyond the bound too; from there on a customer counts as one with 256."""

DAY = 86_400_000
"""Milliseconds."""

_WIDTH = 2
_LAST = 65_535
"""The last day that two bytes can say is one of 2149."""


def add_day(days: bytes, at: int) -> bytes:
    """The days with that of `at` (milliseconds since 1970)."""
    number = at // DAY
    day = (number if number < _LAST else _LAST).to_bytes(_WIDTH, "big")
    if days[-_WIDTH:] == day:
        return days
    if day > days[-_WIDTH:]:
        return (days + day)[-MAX_DAYS * _WIDTH :]
    return _packed({*_each(days), day})


def unite_days(one: bytes, other: bytes) -> bytes:
    """The days of both."""
    if not one or not other or one == other:
        return one or other
    return _packed({*_each(one), *_each(other)})


def count_days(days: bytes) -> int:
    """How many there are."""
    return len(days) // _WIDTH


def are_days(days: bytes) -> bool:
    """Whether these bytes are such a set: what came as a message is looked at."""
    return len(days) % _WIDTH == 0 and days == _packed(set(_each(days)))


def _each(days: bytes) -> list[bytes]:
    return [days[at : at + _WIDTH] for at in range(0, len(days), _WIDTH)]


def _packed(days: set[bytes]) -> bytes:
    return b"".join(sorted(days)[-MAX_DAYS:])
