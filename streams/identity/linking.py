"""Identity by message: the events with which profiles ask each other to merge.

An event that names a customer and an anonymous visitor makes the customer's profile ask the
visitor's (`link`). The visitor's profile sends everything it has to the customer's (`merge`), and
from then on forwards what still arrives for it. No global look-up, no lock.
"""

from schemas.effect import Effect, Send
from schemas.event import Event
from schemas.profile import Profile
from streams.identity.profile_key import usable_id

MAX_IDENTITIES = 64
"""Maximum of ids of one customer; further ones keep profiles of their own and are not linked."""


def names_owner(profile: Profile, event: Event) -> bool:
    """Whether the user id of the event is the customer whose profile this is, by the key or by
    the name they had before a merge: then the event came here forwarded."""
    user = usable_id(event.user_id)
    return user is not None and (user == profile.key or event.hops > 0)


def link_events(profile: Profile, event: Event) -> dict[str, Event]:
    """Other id -> the `link` event that asks its profile to merge into this one.

    `event` names the customer whose profile this is; each other id is asked once.
    """
    found: dict[str, Event] = {}
    others = [(event.anonymous_id, False)]
    if event.type == "alias":
        others.insert(0, (event.previous_id, True))
    for other, by_alias in others:
        name = usable_id(other)
        if (
            name is not None
            and name != profile.key
            and (name not in profile.identities or (by_alias and not profile.identities[name]))
            and name not in found
            and len(profile.identities) + len(found) < MAX_IDENTITIES
        ):
            found[name] = Event(
                message_id=f"link:{name}:{profile.key}",
                type="link",
                key=name,
                channel="daehwa",
                occurred_at=event.occurred_at,
                received_at=event.received_at,
                properties={"to": profile.key, "alias": by_alias, "asked": name},
            )
    return found


def relink_events(profile: Profile, event: Event) -> list[Effect]:
    """What tells the profile that an event was first addressed to that its customer lives here,
    where the event came by way of others. Nothing of a contact: its first address is not known."""
    if event.hops < 2 or event.type == "contact":
        return []
    if event.type == "link":
        asked = event.properties.get("asked")
        first = usable_id(asked) if isinstance(asked, str) else None
    else:
        first = usable_id(event.user_id) or usable_id(event.anonymous_id)
    if first is None or first == profile.key:
        return []
    message = Event(
        message_id=f"moved:{first}:{profile.key}",
        type="link",
        key=first,
        channel="daehwa",
        occurred_at=event.occurred_at,
        received_at=event.received_at,
        properties={"to": profile.key, "moved": True},
    )
    return [Send(message)]
