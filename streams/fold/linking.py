"""Identity by message: profiles are actors, merges are messages.

An event that names a customer and an anonymous visitor makes the customer's profile ask the
visitor's (`link`). The visitor's profile sends everything it has to the customer's (`merge`),
and from then on forwards what still arrives for it. No global look-up, no lock.

Messages of one profile to another arrive in the order they were sent (one writer, one partition);
that is all the protocol relies on. Two customers are merged only by an `alias` that names both.
Where aliases run in a circle, the merge that comes back to its sender turns it into a profile of
its own again, so nothing circles for ever and nothing is lost.

A customer who was renamed again and again has a chain of addresses. Whoever gets an event at its
end tells the profile at its beginning where it lives (`moved`), so the next one comes directly.
"""

from base64 import b64decode, b64encode

import msgspec
from msgspec.structs import replace

from schemas.effect import ClearDeadline, Dead, Dropped, Effect, Folded, Outcome, Send
from schemas.event import Event
from schemas.models import Models
from schemas.profile import Profile
from streams.codec.codec import decode_profile, encode_profile
from streams.fold.deadlines import settle
from streams.fold.merging import is_sound, merge_profiles
from streams.identity.profile_key import usable_id
from streams.models.tiers import move
from streams.playbook.compiled import CompiledPlaybook
from streams.privacy.erasure import erase_event, is_erased
from streams.profile.message_ids import remember

MOST_IDENTITIES = 64
"""Ids of one customer; further ones are folded where they are and not linked."""

MOST_HOPS = 64
"""Forwards of one event; more means that merged profiles point at each other."""


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
            and len(profile.identities) + len(found) < MOST_IDENTITIES
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


def moved(profile: Profile, event: Event) -> list[Effect]:
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


def forward(profile: Profile, event: Event, to: str) -> Folded | Dead:
    """The same event, addressed to the profile that this one was merged into. The address is
    written again, so that it does not expire while it is used."""
    if event.hops >= MOST_HOPS:
        return Dead("forward_loop", f"forwarded {event.hops} times, last by {profile.key!r}")
    return Folded(replace(profile), [Send(replace(event, key=to, hops=event.hops + 1))])


def fold_link(profile: Profile, event: Event, hashed: int) -> Outcome:
    """The visitor's side: send the whole state to the customer and leave a forwarding address."""
    to = event.properties.get("to")
    by_alias = event.properties.get("alias") is True
    if not isinstance(to, str) or usable_id(to) is None:
        return Dead("invalid_event", "a link event needs `to`")
    if to == profile.key:
        return Dropped("link_to_itself")
    if event.properties.get("moved") is True:
        # Whoever lived there once leads to where they live now. Not so where nobody has moved.
        if profile.forwarded_to is None:
            return Dropped("not_moved")
        recent = remember(profile.recent, hashed, event.received_at)
        return Folded(replace(profile, forwarded_to=to, recent=recent), [])
    if profile.forwarded_to is not None:
        # The alias of a customer who became another one speaks of that one.
        if by_alias and profile.known and profile.forwarded_to != to:
            return forward(profile, event, profile.forwarded_to)
        return Dropped("already_linked")
    if profile.known and not by_alias:
        return Dropped("both_identified")
    # Each was aliased to the other: the one whose key sorts first stays.
    merged_here = profile.identities.get(to)
    if merged_here or (merged_here is not None and profile.key < to):
        return Dropped("linked_the_other_way")
    state = replace(profile, decisions=replace(profile.decisions, deadlines={}), erased_at=0)
    merge = Event(
        message_id=f"merge:{profile.key}:{to}",
        type="merge",
        key=to,
        channel="daehwa",
        occurred_at=event.occurred_at,
        received_at=event.received_at,
        properties={
            "from": profile.key,
            "state": b64encode(encode_profile(state)).decode("ascii"),
        },
    )
    effects: list[Effect] = [ClearDeadline(kind) for kind in profile.decisions.deadlines]
    effects.append(Send(merge))
    effects += moved(profile, event)
    effects += move(profile.lifecycle.spend, {})
    address = Profile(
        key=profile.key,
        recent=remember(b"", hashed, event.received_at),
        forwarded_to=to,
        known=profile.known,
        erased_at=profile.erased_at,
    )
    return Folded(address, effects)


def fold_merge(
    profile: Profile, event: Event, hashed: int, book: CompiledPlaybook, models: Models
) -> Outcome:
    """The customer's side: take in what the visitor's profile sent, once.

    A profile's own state that comes back to it has gone round a circle: it lives again.
    """
    other = event.properties.get("from")
    state = event.properties.get("state")
    if not isinstance(other, str) or not isinstance(state, str):
        return Dead("invalid_event", "a merge event needs `from` and `state`")
    returned = other == profile.key
    if profile.identities.get(other) or (returned and profile.forwarded_to is None):
        return Dropped("already_merged")
    try:
        sent = decode_profile(b64decode(state, validate=True))
    except (ValueError, msgspec.DecodeError, RecursionError) as problem:
        return Dead("invalid_event", f"the state of a merge event is unreadable: {problem}")
    if not is_sound(sent):
        return Dead("invalid_event", "the state of a merge event is no profile")
    if is_erased(profile, sent):
        recent = remember(profile.recent, hashed, event.received_at)
        asked = replace(profile, recent=recent)
        return Folded(asked, [Send(erase_event(other, profile.erased_at))])
    merged = merge_profiles(profile, sent)
    merged = replace(
        merged,
        forwarded_to=None,
        identities=merged.identities if returned else _merged(merged.identities, other),
        recent=remember(merged.recent, hashed, event.received_at),
        decisions=replace(merged.decisions, deadlines=profile.decisions.deadlines),
    )
    effects: list[Effect] = list(move(profile.lifecycle.spend, merged.lifecycle.spend))
    return Folded(settle(merged, profile.lifecycle, event, book, models, effects), effects)


def _merged(identities: dict[str, bool], other: str) -> dict[str, bool]:
    """The identities with `other` merged; of too many, those not merged go first."""
    marked = {**identities, other: True}
    if len(marked) <= MOST_IDENTITIES:
        return marked
    names = sorted(marked, key=lambda name: (name != other, not marked[name], name))
    return {name: marked[name] for name in names[:MOST_IDENTITIES]}
