"""Which profile an event belongs to."""

from typing import Protocol

BLOCKED_IDS = frozenset(
    {
        "",
        "0",
        "-1",
        "null",
        "undefined",
        "none",
        "nil",
        "nan",
        "anonymous",
        "guest",
        "unknown",
        "unidentified",
        "not_authenticated",
        "true",
        "false",
        "[object object]",
    }
)
"""Placeholders that broken sites send as an id; accepting one would merge strangers."""

MAX_ID_LENGTH = 200
"""Characters; a longer id is blocked."""

_MAX_BLOCKED_LENGTH = max(map(len, BLOCKED_IDS))


class Identified(Protocol):
    """Anything with the three fields that name a profile."""

    @property
    def key(self) -> str | None: ...
    @property
    def user_id(self) -> str | None: ...
    @property
    def anonymous_id(self) -> str | None: ...


def usable_id(value: str | None) -> str | None:
    """The id, or None for a placeholder."""
    if value is None or len(value) > MAX_ID_LENGTH:
        return None
    stripped = value.strip()
    if len(stripped) > _MAX_BLOCKED_LENGTH:  # most ids by far
        return stripped
    return None if stripped.lower() in BLOCKED_IDS else stripped


def archived_under(event: Identified) -> str:
    """The profile under which the archive keeps the event: not `key` first, because a forwarded
    copy has another one and must meet its original there."""
    return usable_id(event.user_id) or usable_id(event.anonymous_id) or event.key or ""


def profile_key(event: Identified) -> str | None:
    """The key of the profile that owns the event, or None where no id is usable."""
    if event.key:
        return event.key
    user = event.user_id
    return (usable_id(user) if user is not None else None) or usable_id(event.anonymous_id)
