"""Which profile an event belongs to."""

import re
from functools import lru_cache
from typing import Protocol

from streams.values.text_form import composed

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
        "n/a",
        "not set",
        "not_set",
        "notset",
        "no_id",
        "00000000-0000-0000-0000-000000000000",
        "00000000000000000000000000000000",
    }
)
"""Placeholders that broken sites send as an id, in lower case, without quotes and brackets around
them; accepting one would merge strangers."""

_UNRENDERED = re.compile(
    r"\[object [^\]]*\]|\{\{.*\}\}|\$\{.*\}|\{%.*%\}|<%.*%>|%%.*%%|\[\[.*\]\]|@\{.*\}", re.DOTALL
)
"""A template that nobody filled in, or an object written as a text."""

_AROUND = "\"'`()<>[] \t\r\n\u200b\u200c\u200d\u2060\ufeff\u00a0"
"""Quotes, brackets and invisible characters around a placeholder."""

_ODD_BEGIN = frozenset("\"'`(<[{$%@\u200b\u200c\u200d\u2060\ufeff")

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
    """The id in one form of text, or None for a placeholder."""
    return None if value is None or len(value) > MAX_ID_LENGTH else _in_one_form(value)


@lru_cache(maxsize=16_384)  # the events of a customer come in sessions
def _in_one_form(value: str) -> str | None:
    """As `usable_id`, of a text within the limit of length."""
    stripped = value.strip()
    odd = stripped[:1] in _ODD_BEGIN
    if not odd and len(stripped) > _MAX_BLOCKED_LENGTH:
        return composed(stripped)
    if odd and _UNRENDERED.fullmatch(stripped):
        return None
    return None if stripped.strip(_AROUND).lower() in BLOCKED_IDS else composed(stripped)


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
