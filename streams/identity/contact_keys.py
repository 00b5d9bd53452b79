"""Who is known by an e-mail address or a telephone number alone joins the customer who states it.

A contact without an id has a profile of its own, `email:mina@shop.example` or `phone:+8223123456`.
When a customer states that address or number, their profile asks it to merge, as it asks an
anonymous id; the first customer who states it gets it. From then on the API knows whose it is
(`api.caller`), so an address that nobody wrote from leaves nothing behind: neither an identity nor
a profile. What the API took in before it knew, and is folded after the customer asked, stays apart.
"""

from collections.abc import Mapping
from typing import Any

from schemas.event import Event
from schemas.profile import Profile
from streams.identity.aliases import Alias, email_alias, kind_of, phone_alias
from streams.identity.linking import MAX_IDENTITIES

MAX_JOINED = 8
"""Addresses and numbers of one event that are asked."""


def contact_key(alias: Alias) -> str:
    """The key of the profile of a contact that is known by this alone."""
    return f"{alias.kind}:{alias.value}"


def contact_links(profile: Profile, event: Event, region: str) -> list[Event]:
    """The `link` events that ask profiles of contacts to merge into this one. `event` is an
    identify of the customer whose profile this is, not folded yet: what it says again is not asked
    again."""
    known = profile.traits
    fresh = {
        name: value
        for name, value in event.properties.items()
        if kind_of(name) is not None and (name not in known or known[name].value != value)
    }
    if not fresh or len(profile.identities) >= MAX_IDENTITIES:
        return []
    asked = {profile.key, *profile.identities}
    keys = [key for key in _stated(fresh, region) if key not in asked]
    return [
        Event(
            message_id=f"link:{key}:{profile.key}",
            type="link",
            key=key,
            channel="daehwa",
            occurred_at=event.occurred_at,
            received_at=event.received_at,
            properties={"to": profile.key, "alias": False, "asked": key, "contact": True},
        )
        for key in dict.fromkeys(keys[:MAX_JOINED])
    ]


def _stated(traits: Mapping[str, Any], region: str) -> list[str]:
    """The keys of all addresses and numbers in the traits, in the order of their names."""
    found = []
    for name in sorted(traits):
        kind, value = kind_of(name), traits[name]
        if kind is None or isinstance(value, bool) or not isinstance(value, str | int):
            continue
        alias = email_alias(str(value)) if kind == "email" else phone_alias(str(value), region)
        if alias is not None and len(alias.value) <= _MAX_LENGTH:
            found.append(contact_key(alias))
    return found


_MAX_LENGTH = 190
"""Characters of an address: longer ones are no usable id."""
