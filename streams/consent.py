"""Consent, where an event states it."""

from collections.abc import Mapping

from schemas.event import Event


def consent_of(event: Event) -> Mapping[str, bool]:
    """Channel or "all" -> granted, as stated by `identify` traits `consent` (an object of truth
    values, or one truth value for all), or by a track event `Unsubscribed` (all: False)."""
    if event.type == "identify":
        stated = event.properties.get("consent")
        if isinstance(stated, bool):
            return {"all": stated}
        if isinstance(stated, dict):
            return {name: value for name, value in stated.items() if isinstance(value, bool)}
    elif event.name == "Unsubscribed":
        return {"all": False}
    return {}
