"""Consent: where an event states it, and the memory of the latest statement for each channel."""

from collections.abc import Mapping

from schemas.event import Event
from schemas.profile import Stamped
from streams.traits import merge_last, write_last

EVERY_CHANNEL = "all"
"""The name of a statement that speaks of every channel."""

MOST_CHANNELS = 16
"""Channels whose consent is kept: "all" and the first by name, whatever order they came in."""

UNASKED = frozenset({"call", "letter", "store", "web"})
"""Channels on which a customer who has stated nothing may be spoken to: somebody calls or writes by
hand, or the customer came by themselves. Every other one (email, sms, push, ...) needs a yes."""


def may_speak(consent: Mapping[str, Stamped], channel: str | None) -> bool:
    """Whether the customer may be spoken to on the channel; None: on none, staff is told.

    A no to the channel stands until a yes to that channel. A no to everything stands until a later
    yes: to everything or, for one channel, to that channel. Who has stated nothing may be spoken to
    on `UNASKED` channels only.
    """
    every = consent.get(EVERY_CHANNEL)
    refused = every is not None and every.value is False
    if channel is None:
        return not refused
    one = consent.get(channel)
    if one is None:
        return channel in UNASKED if every is None else not refused
    if one.value is False:
        return False
    return every is None or not refused or one.at > every.at


def consent_of(event: Event) -> Mapping[str, bool]:
    """Channel or "all" -> granted, as stated by `identify` traits `consent` (an object of truth
    values, or one truth value for all), or by a track event `Unsubscribed` (all: False)."""
    if event.type == "identify":
        stated = event.properties.get("consent")
        if isinstance(stated, bool):
            return {EVERY_CHANNEL: stated}
        if isinstance(stated, dict):
            return {name: value for name, value in stated.items() if isinstance(value, bool)}
    elif event.name == "Unsubscribed":
        return {EVERY_CHANNEL: False}
    return {}


def write_consent(
    consent: dict[str, Stamped], stated: Mapping[str, bool], at: int, by: int
) -> dict[str, Stamped]:
    """The consent after a statement at `at` (milliseconds) with message hash `by`."""
    return _bounded(write_last(consent, stated, at, by))


def merge_consent(one: dict[str, Stamped], other: dict[str, Stamped]) -> dict[str, Stamped]:
    """Of each channel the statement made last."""
    return _bounded(merge_last(one, other))


def _bounded(consent: dict[str, Stamped]) -> dict[str, Stamped]:
    if len(consent) <= MOST_CHANNELS:
        return consent
    # A refusal of everything must not be pushed out by made-up channels.
    names = sorted(consent, key=lambda name: (name != EVERY_CHANNEL, name))
    return {name: consent[name] for name in names[:MOST_CHANNELS]}
