"""Consent: where an event states it, and the memory of the latest statement for each channel."""

from collections.abc import Mapping

from schemas.event import Event
from schemas.profile import Stamped
from streams.traits import merge_last, write_last

EVERY_CHANNEL = "all"
"""The name of a statement that speaks of every channel."""

MOST_CHANNELS = 16
"""Channels whose consent is kept: "all" and the first by name, whatever order they came in."""


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
