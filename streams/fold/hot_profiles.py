"""Hot profiles: a bot, or one id that a broken site gives to all visitors.

Of the page and track events that name one profile, `MAX_A_MINUTE` of each minute (by the time of
receipt, UTC) are folded in full. The rest are folded in summary: counted, with first and last time,
but not matched, not deduplicated, and without decisions. Every one of them is archived.

What holds, in whatever order a minute's events come and wherever batches end: the number folded
in full and the number folded in summary, `lifecycle.events`, `.first_seen` and `.last_seen`. Which
ones are folded in full is the order of the log, so a replay of the log folds the same ones. Never
in summary: what happened more than `LIVE` before it was received (imported history is no rate),
statements of consent, events that make a customer known or link an id, identify, alias, group
and contact events.

The limits: a copy of an event that was folded in summary counts again; of a minute that
`streams.profile.message_ids.MAX_YOUNG` later ids have pushed out of the ring, more are folded in
full.
"""

from functools import lru_cache

from msgspec.structs import replace

from schemas.effect import Dropped, Folded, Summarised
from schemas.event import Event
from schemas.profile import Profile
from streams.consent.consent import consent_of
from streams.identity.linking import link_events, names_owner
from streams.profile.dialogues import widen
from streams.profile.lifecycle import update_lifecycle
from streams.profile.message_ids import ENTRY, hashes, holds, received_between

MAX_A_MINUTE = 3000
"""Events a minute; a whole batch of 2,500, the most of the tracking protocol, stays below."""

HOT_RING = MAX_A_MINUTE * ENTRY
"""Bytes of a ring below which no minute can be full: the only check for an ordinary event."""

LIVE = 60_000
"""Milliseconds between occurrence and receipt within which an event counts as live."""

_SUMMARISED = frozenset({"track", "page", "screen"})


def is_excess(profile: Profile, event: Event) -> bool:
    """Whether the event exceeds the limit of its minute and may be folded in summary."""
    if event.type not in _SUMMARISED or event.received_at - event.occurred_at > LIVE:
        return False
    minute = event.received_at // 60_000 * 60
    if received_between(profile.recent, minute, minute + 60) < MAX_A_MINUTE:
        return False
    if event.user_id is not None and names_owner(profile, event):
        return profile.known and not consent_of(event) and not link_events(profile, event)
    return not consent_of(event)


def fold_in_summary(profile: Profile, event: Event, hashed: bytes) -> Folded | Dropped:
    """The profile that has counted the event."""
    if _known(profile.recent).holds(hashed):
        return Dropped("duplicate")
    counted = replace(
        profile,
        lifecycle=update_lifecycle(profile.lifecycle, event),
        hot=widen(profile.hot, event.occurred_at),
    )
    return Folded(counted, [Summarised()])


class _Known:
    """Membership test for one ring that many events ask: events in summary do not change it, so
    after a few searches it is decoded into a set."""

    def __init__(self, recent: bytes) -> None:
        self._recent = recent
        self._asked = 0
        self._ids: frozenset[bytes] = frozenset()

    def holds(self, hashed: bytes) -> bool:
        if self._asked < _WORTH_IT:
            self._asked += 1
            return holds(self._recent, hashed)
        if not self._ids:
            self._ids = frozenset(hashes(self._recent))
        return hashed in self._ids


_WORTH_IT = 20
"""Searches that cost as much as decoding a full ring."""

_known = lru_cache(maxsize=16)(_Known)
