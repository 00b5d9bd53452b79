"""Replay of a dead letter: the event for the log or the archive, or why it is still dead."""

import re
from collections.abc import Callable, Sequence

import msgspec
from msgspec.structs import replace

from schemas.dead_letter import DeadLetter, DeadLetterReason
from schemas.event import WireEvent
from streams.codec.codec import decode_envelope, decode_wire_envelope, encode_event
from streams.identity.profile_key import archived_under, profile_key, usable_id
from streams.tracking.body import BodyError, read_again
from streams.tracking.events import KINDS, read_events

COLLECTOR = "collector:"
SOURCE = "source:"
ITEM = "/item"
"""Suffix of the origin of one item of a source's request; without it the letter is the whole
request."""
BATCH = "batch"
"""Placeholder in an origin where the route named no event type."""

_PLACE = re.compile(r"(?P<name>[^/]+)/(?P<partition>\d{1,9})/(?P<offset>\d{1,18})(?:\[\d+\])?")


class Again(msgspec.Struct, frozen=True):
    """An event for the log."""

    key: str
    """The profile it is addressed to."""
    owner: str
    """The profile key in the archive."""
    message_id: str
    hops: int
    event: bytes
    stood_at: tuple[int, int] | None
    """Partition and offset of its record on the log; None: it was never on the log."""


class AgainForArchive(msgspec.Struct, frozen=True):
    """A folded record that the archive does not have."""

    table: str
    partition: int
    offset: int
    value: bytes


class StillDead(msgspec.Struct, frozen=True):
    """The letter would be dead again."""

    reason: DeadLetterReason
    detail: str


Scrub = Callable[[WireEvent], WireEvent]
"""Scrubs an event by the privacy settings."""


def read_letter(letter: DeadLetter, scrub: Scrub) -> list[Again] | AgainForArchive | StillDead:
    """The result of replaying the letter with the present code. Never raises. Letters of a source
    are read elsewhere, with its mapping. Ids and times are those of the first attempt: the letter's
    `at` is the time of receipt. Events that were never on the log are scrubbed like any other.
    """
    if letter.origin.startswith(COLLECTOR):
        return _of_collector(letter, scrub)
    place = _PLACE.fullmatch(letter.origin)
    if place is None:
        return StillDead(letter.reason, f"nothing replays what came from {letter.origin!r}")
    stood_at = int(place["partition"]), int(place["offset"])
    if letter.reason == "archive_refused":
        return AgainForArchive(place["name"], *stood_at, letter.payload)
    return _of_log(letter, stood_at)


def source_and_kind(origin: str) -> tuple[str, str | None]:
    """(source, kind of event that the route named) of a collector's origin; None: each item of the
    batch names its own, or the letter predates types in origins."""
    named = origin.removeprefix(COLLECTOR)
    source, slash, kind = named.rpartition("/")
    if not slash or kind not in (*KINDS, BATCH):
        return named, None
    return source, None if kind == BATCH else kind


def source_of(origin: str) -> tuple[str, bool]:
    """(source, whether the letter is one item of what it sent) of a source's origin."""
    named = origin.removeprefix(SOURCE)
    return named.removesuffix(ITEM), named.endswith(ITEM)


def never_on_the_log(events: Sequence[WireEvent]) -> list[Again]:
    """The events in the form in which they first go to the log."""
    return [_again(event, None) for event in events]


def _of_collector(letter: DeadLetter, scrub: Scrub) -> list[Again] | StillDead:
    source, kind = source_and_kind(letter.origin)
    try:
        body = read_again(letter.payload, letter.batch)
    except (BodyError, UnicodeDecodeError) as problem:
        return StillDead("unreadable", str(problem))
    events, rejected = read_events(body, kind, letter.at, source)
    if rejected:
        return StillDead(rejected[0].reason, rejected[0].detail)
    return never_on_the_log([scrub(event) for _, event in events])


def _of_log(letter: DeadLetter, stood_at: tuple[int, int]) -> list[Again] | StillDead:
    unreadable = decode_envelope(letter.payload)[1]
    events, raw = decode_wire_envelope(letter.payload)
    for piece in unreadable + raw:
        reason: DeadLetterReason = "unreadable" if piece.reason == "unreadable" else "invalid_event"
        return StillDead(reason, piece.detail)
    if letter.reason == "forward_loop":
        return _from_the_start(events, stood_at)
    if any(profile_key(event) is None for event in events):
        return StillDead("no_identity", "neither user_id nor anonymous_id is usable")
    return [_again(event, stood_at) for event in events]


def _from_the_start(events: list[WireEvent], stood_at: tuple[int, int]) -> list[Again]:
    """A forwarded event in its first form: with its own ids, not forwarded."""
    again = []
    for event in events:
        own = usable_id(event.user_id) or usable_id(event.anonymous_id)
        again.append(_again(replace(event, hops=0, key=None if own else event.key), stood_at))
    return again


def _again(event: WireEvent, stood_at: tuple[int, int] | None) -> Again:
    owner = archived_under(event)
    return Again(
        key=event.key or owner,
        owner=owner,
        message_id=event.message_id,
        hops=event.hops,
        event=encode_event(event),
        stood_at=stood_at,
    )
