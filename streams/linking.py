"""Identity by message: profiles are actors, merges are messages.

An event that names a customer and an anonymous visitor makes the customer's profile ask the
visitor's (`link`). The visitor's profile sends everything it has to the customer's (`merge`),
and from then on forwards what still arrives for it. No global look-up, no lock.
"""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error

import msgspec
from msgspec.structs import replace

from schemas.decisions import Decisions
from schemas.effect import ClearDeadline, Dead, Dropped, Effect, Folded, Outcome, Send
from schemas.event import Event
from schemas.models import Models
from schemas.profile import Profile
from streams.codec import decode_profile, encode_profile
from streams.deadlines import arm_all
from streams.identity import usable_id
from streams.merging import merge_profiles
from streams.message_ids import remember
from streams.playbook import CompiledPlaybook

MOST_IDENTITIES = 64
"""Ids of one customer; further ones are folded where they are and not linked."""


def link_events(profile: Profile, event: Event) -> dict[str, Event]:
    """Other id -> the `link` event that asks its profile to merge into this one.

    Only a profile of a known customer asks, and each other id is asked once.
    """
    if usable_id(event.user_id) != profile.key:
        return {}
    found: dict[str, Event] = {}
    others = [event.anonymous_id]
    if event.type == "alias":
        others.append(event.previous_id)
    for other in others:
        name = usable_id(other)
        if (
            name is not None
            and name != profile.key
            and name not in profile.identities
            and len(profile.identities) + len(found) < MOST_IDENTITIES
        ):
            found[name] = Event(
                message_id=f"link:{name}:{profile.key}",
                type="link",
                key=name,
                channel="daehwa",
                occurred_at=event.occurred_at,
                received_at=event.received_at,
                properties={"to": profile.key},
            )
    return found


def fold_link(profile: Profile, event: Event, hashed: int) -> Outcome:
    """The visitor's side: send the whole state to the customer and leave a forwarding address."""
    to = event.properties.get("to")
    if not isinstance(to, str) or to == profile.key:
        return Dropped("link_to_itself")
    if profile.forwarded_to is not None:
        return Dropped("already_linked")
    state = replace(profile, decisions=replace(profile.decisions, deadlines={}))
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
    address = Profile(
        key=profile.key, recent=remember(b"", hashed, event.received_at), forwarded_to=to
    )
    return Folded(address, effects)


def fold_merge(
    profile: Profile, event: Event, hashed: int, book: CompiledPlaybook, models: Models
) -> Outcome:
    """The customer's side: take in what the visitor's profile sent, once."""
    other = event.properties.get("from")
    state = event.properties.get("state")
    if not isinstance(other, str) or not isinstance(state, str):
        return Dead("invalid_event", "a merge event needs `from` and `state`")
    if profile.identities.get(other):
        return Dropped("already_merged")
    try:
        sent = decode_profile(b64decode(state, validate=True))
    except (Base64Error, msgspec.DecodeError) as problem:
        return Dead("invalid_event", f"the state of a merge event is unreadable: {problem}")
    merged = merge_profiles(profile, sent)
    merged = replace(
        merged,
        identities={**merged.identities, other: True},
        recent=remember(merged.recent, hashed, event.received_at),
        decisions=Decisions(
            profile.decisions.deadlines,
            merged.decisions.fired,
            merged.decisions.sent,
            merged.decisions.last_topic,
        ),
    )
    effects: list[Effect] = []
    return Folded(arm_all(merged, book, models, effects), effects)
