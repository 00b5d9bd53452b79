"""Erasures in the archive: events and triggers of erased customers are not archived."""

from base64 import b64decode
from collections.abc import Iterable, Sequence

import msgspec

from schemas.event import WireEvent
from schemas.trigger import Trigger
from streams.codec.codec import decode_profile
from streams.identity.profile_key import usable_id
from streams.privacy.erasure import Erasure, Tombstones


class _Merge(msgspec.Struct):
    state: str


_decode_merge = msgspec.json.Decoder(_Merge).decode


def erasures_in(events: Iterable[WireEvent]) -> list[Erasure]:
    """The erasures requested by these events."""
    return [
        Erasure(event.key, event.occurred_at)
        for event in events
        if event.type == "erase" and event.key
    ]


def kept_events(events: Sequence[WireEvent], tombstones: Tombstones) -> list[WireEvent]:
    """The events, less those that happened before their customer was erased and the merges that
    carry them."""
    return [event for event in events if not _is_erased(event, tombstones)]


def keeps_trigger(trigger: Trigger, tombstones: Tombstones) -> bool:
    """Whether the trigger may be archived: its customer was never erased, or erased before the
    decision."""
    return trigger.decided_at > tombstones.until(trigger.customer_id)


def _is_erased(event: WireEvent, tombstones: Tombstones) -> bool:
    if event.type == "erase":
        return False
    owner = usable_id(event.user_id) or usable_id(event.anonymous_id)
    until = max(tombstones.until(owner), tombstones.until(event.key))
    if event.occurred_at <= until:
        return True
    return until > 0 and event.type == "merge" and 0 < _first_seen(event) <= until


def _first_seen(event: WireEvent) -> int:
    try:
        state = b64decode(_decode_merge(event.properties).state, validate=True)
        return decode_profile(state).lifecycle.first_seen
    except (ValueError, msgspec.DecodeError, RecursionError):
        return 0
