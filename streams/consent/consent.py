"""Consent: reads statements from events and keeps the latest of each kind.

A statement is about a channel or `all`, or about one purpose on it: `email`, `email:marketing`,
`all:marketing`. Last writer wins by event time, as in `streams.profile.traits`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from schemas.event import Event
from schemas.profile import Statement
from streams.consent.wording import granted, is_absent, statement_name

EVERY_CHANNEL = "all"
"""Name of a statement on every channel."""

MARKETING = "marketing"
"""Purpose of a campaign's triggers."""

MAX_STATEMENTS = 32
"""Maximum of statements kept: "all", then channels, then purposes, first by name; independent of
arrival order."""

MAX_NAME_LENGTH = 64
"""Characters of `channel:purpose`; a longer one is archived but not folded."""

MAX_SOURCE_LENGTH = 64
"""Characters; longer ones are cut."""

UNASKED = frozenset({"call", "letter", "store", "web"})
"""Channels that need no opt-in: a person calls or writes, or the customer opens the page. Every
other channel (email, sms, push, …) is opt-in."""

_STATE = frozenset({"identify", "contact"})
UNSUBSCRIBED = frozenset({"unsubscribed", "unsubscribe"})
"""Names of track events that refuse everything, in lower case."""

CONSENT_MODE = frozenset(
    {"ad_storage", "ad_user_data", "ad_personalization", "analytics_storage",
     "functionality_storage", "personalization_storage", "security_storage"}
)  # fmt: skip
"""Fields of Google's consent mode: `granted` or `denied`."""

_NOTHING: Mapping[str, bool] = {}
_BANNERS_SPEAK_OF = frozenset({"web", "app"})


def may_speak(
    consent: Mapping[str, Statement], channel: str | None, purpose: str | None = None
) -> bool:
    """Whether consent allows the channel; `channel` None is a message to staff. An opt-out of a
    channel holds until an opt-in to that channel. An opt-out of everything holds until a later
    opt-in: to everything or, for one channel, to that channel. Without a statement only `UNASKED`
    channels are allowed. A statement on the `purpose` comes first: its opt-out holds whatever the
    channel's is; its opt-in on the channel lifts every earlier opt-out.
    """
    # As the playbook writes it: another spelling of an unasked channel still needs an opt-in.
    unasked = channel in UNASKED
    if channel is not None:
        channel = statement_name(channel)
    allowed = _may_speak(consent, channel, unasked)
    if purpose is None or channel is None:
        return allowed
    purpose = statement_name(purpose)
    every = consent.get(f"{EVERY_CHANNEL}:{purpose}")
    one = consent.get(f"{channel}:{purpose}")
    if one is not None:
        if one.value is False:
            return False
        wider = (every, consent.get(channel), consent.get(EVERY_CHANNEL))
        return all(no is None or no.value is not False or one.at > no.at for no in wider)
    if every is None:
        return allowed
    return every.value is not False and (allowed or not _refused(consent, channel))


def _may_speak(consent: Mapping[str, Statement], channel: str | None, unasked: bool) -> bool:
    every = consent.get(EVERY_CHANNEL)
    refused = every is not None and every.value is False
    if channel is None:
        return not refused
    one = consent.get(channel)
    if one is None:
        return unasked if every is None else not refused
    if one.value is False:
        return False
    return every is None or not refused or one.at > every.at


def _refused(consent: Mapping[str, Statement], channel: str) -> bool:
    return any(
        stated is not None and stated.value is False
        for stated in (consent.get(EVERY_CHANNEL), consent.get(channel))
    )


def consent_of(event: Event) -> Mapping[str, bool]:
    """The statements in the event: "all", channel or `channel:purpose` -> granted.

    Read from `consent` in an `identify` event's traits or a contact's properties: one value for
    everything, or an object of values, or of objects by purpose
    (`{"email": {"marketing": false}}`); from a track event `Unsubscribed` (all: False); from
    `context.consent` of any event: `categoryPreferences`, as Segment's consent wrapper writes it,
    and the fields of Google's consent mode. A banner's categories apply to its site or app, never
    to mail. `streams.consent.wording` reads values and names; a value that is not a known yes is a
    no.
    """
    banner = event.context.consent
    if banner is None:
        name = event.name
        # The usual case by its first letter: a call for every event would cost as much as all this.
        if event.type not in _STATE and (name is None or name[:1] not in "uU"):
            return _NOTHING
        return _of_event(event)
    return {**_closed(banner_statements(event.channel, banner)), **_of_event(event)}


def _of_event(event: Event) -> Mapping[str, bool]:
    kind = event.type
    if kind in _STATE:
        properties = event.properties
        return _closed(statements(properties["consent"])) if "consent" in properties else {}
    return {EVERY_CHANNEL: False} if _unsubscribes(event.name) else {}


def _unsubscribes(name: str | None) -> bool:
    return name is not None and name.lower() in UNSUBSCRIBED


def statements(stated: Any) -> Iterator[tuple[str, Any]]:
    """(name, value as it came) of the statements in a `consent` field; absent values are none."""
    if is_absent(stated):
        return
    if not isinstance(stated, dict):
        yield EVERY_CHANNEL, stated
        return
    for name, value in stated.items():
        channel = ":".join(statement_name(part) for part in name.split(":"))
        if isinstance(value, dict):
            for purpose, inner in value.items():
                if not is_absent(inner):
                    yield f"{channel}:{statement_name(purpose)}", inner
        elif not is_absent(value):
            yield channel, value


def banner_statements(channel: str, banner: object) -> Iterator[tuple[str, Any]]:
    """(name, value as it came) of the statements of a consent banner on a site or app."""
    if not isinstance(banner, dict):
        return
    where = channel if channel in _BANNERS_SPEAK_OF else "web"
    preferences = banner.get("categoryPreferences")
    if isinstance(preferences, dict):
        for category, value in preferences.items():
            if not is_absent(value):
                yield f"{where}:{statement_name(category)}", value
    for name in CONSENT_MODE & banner.keys():
        if not is_absent(banner[name]):
            yield f"{where}:{name}", banner[name]


def _closed(stated: Iterator[tuple[str, Any]]) -> dict[str, bool]:
    """Of two spellings of one name in one event a no holds."""
    found: dict[str, bool] = {}
    for name, value in stated:
        found[name] = granted(value) is True and found.get(name, True)
    return found


def source_of(event: Event) -> str:
    """Author of the statement: the operator who recorded it, else the source of the event."""
    source = f"operator:{event.operator}" if event.operator else event.source
    return source[:MAX_SOURCE_LENGTH]


def write_consent(
    consent: dict[str, Statement], stated: Mapping[str, bool], at: int, by: int, source: str = ""
) -> dict[str, Statement]:
    """The consent after a statement at `at` (milliseconds) with message hash `by`."""
    written = dict(consent)
    for name, value in stated.items():
        if 0 < len(name) <= MAX_NAME_LENGTH:
            mine = written.get(name)
            if mine is None or (at, by) > (mine.at, mine.by):
                written[name] = Statement(value, at, by, source)
    return _bounded(written)


def merge_consent(one: dict[str, Statement], other: dict[str, Statement]) -> dict[str, Statement]:
    """The latest statement of each kind."""
    merged = dict(one)
    for name, stated in other.items():
        mine = merged.get(name)
        if mine is None or (stated.at, stated.by) > (mine.at, mine.by):
            merged[name] = stated
    return _bounded(merged)


def _bounded(consent: dict[str, Statement]) -> dict[str, Statement]:
    if len(consent) <= MAX_STATEMENTS:
        return consent
    # Invented channels must not evict an opt-out of everything.
    names = sorted(consent, key=lambda name: (name != EVERY_CHANNEL, ":" in name, name))
    return {name: consent[name] for name in names[:MAX_STATEMENTS]}
