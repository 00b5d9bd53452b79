"""Who is known by an e-mail address or a telephone number alone joins the customer who states it.

A contact without an id has a profile of its own, `email:mina@shop.example` or `phone:+8223123456`.
When a customer states that address or number, their profile asks it to merge, as it asks an
anonymous id: once, whichever came first, and to the first customer who states it.
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


def contact_links(
    profile: Profile, event: Event, pending: Mapping[str, object], region: str
) -> dict[str, Event]:
    """Key of a contact's profile -> the `link` event that asks it to merge into this one. `event`
    is an identify of the customer whose profile this is; `pending` are ids it asks already."""
    found: dict[str, Event] = {}
    known = profile.identities
    for key in _stated(event.properties, region):
        if key == profile.key or key in known or key in found or key in pending:
            continue
        if len(known) + len(pending) + len(found) >= MAX_IDENTITIES or len(found) >= MAX_JOINED:
            break
        found[key] = Event(
            message_id=f"link:{key}:{profile.key}",
            type="link",
            key=key,
            channel="daehwa",
            occurred_at=event.occurred_at,
            received_at=event.received_at,
            properties={"to": profile.key, "alias": False, "asked": key},
        )
    return found


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
