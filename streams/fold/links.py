"""The visitor's side of a merge: send the state, leave a forwarding address, forward.

The protocol relies on one property: messages between two profiles arrive in order (one writer, one
partition). Two customers are merged only by an `alias` that names both.

A customer who was renamed again and again has a chain of addresses. The profile at the end of a
chain tells the one at its beginning the final address (`relink_events`), so that the next event
comes directly.
"""

from base64 import b64encode

from msgspec.structs import replace

from schemas.effect import ClearDeadline, Dead, Dropped, Effect, Folded, Outcome, Send
from schemas.event import Event
from schemas.profile import Profile
from streams.codec.codec import encode_profile
from streams.identity.fan_in import claimed, is_shared
from streams.identity.linking import relink_events
from streams.identity.profile_key import usable_id
from streams.models.tiers import move
from streams.profile.message_ids import remember

MAX_HOPS = 64
"""Forwards of one event; more means that merged profiles point at each other."""


def forward(profile: Profile, event: Event, to: str) -> Folded | Dead:
    """The same event, addressed to the profile that this one was merged into. The address is
    written again: a used address does not expire."""
    if event.hops >= MAX_HOPS:
        return Dead("forward_loop", f"forwarded {event.hops} times, last by {profile.key!r}")
    return Folded(replace(profile), [Send(replace(event, key=to, hops=event.hops + 1))])


def fold_link(profile: Profile, event: Event, hashed: bytes) -> Outcome:
    """The visitor's side: send the whole state to the customer and leave a forwarding address."""
    to = event.properties.get("to")
    by_alias = event.properties.get("alias") is True
    if not isinstance(to, str) or usable_id(to) is None:
        return Dead("invalid_event", "a link event needs `to`")
    if to == profile.key:
        return Dropped("link_to_itself")
    if event.properties.get("moved") is True:
        # An id that was merged before leads to its present profile; not so for an id never merged.
        if profile.forwarded_to is None:
            return Dropped("not_moved")
        recent = remember(profile.recent, hashed, event.received_at)
        return Folded(replace(profile, forwarded_to=to, recent=recent), [])
    if event.properties.get("contact") is True and profile == Profile(profile.key):
        return Dropped("nobody")  # no contact is known by this address or number
    if not by_alias and is_shared(profile.claims):
        return Dropped("shared_id")
    if profile.forwarded_to not in (None, to) and not by_alias and not profile.known:
        # It goes to the first customer who used it, until too many others do.
        claims = claimed(profile.claims, to, event.occurred_at)
        still = None if is_shared(claims) else profile.forwarded_to
        recent = remember(profile.recent, hashed, event.received_at)
        after = replace(profile, claims=claims, forwarded_to=still, recent=recent)
        return Folded(after, [])
    if profile.forwarded_to is not None:
        # An alias of a merged customer is an alias of the profile merged into.
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
    effects += relink_events(profile, event)
    effects += move(profile.lifecycle.spend, {})
    address = Profile(
        key=profile.key,
        recent=remember(b"", hashed, event.received_at),
        forwarded_to=to,
        known=profile.known,
        erased_at=profile.erased_at,
    )
    return Folded(address, effects)
