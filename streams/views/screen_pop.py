"""Screen-pop: the caller's record while the phone rings."""

from collections.abc import Sequence
from typing import Any

import msgspec

from schemas.contact import Contact
from schemas.event import WireEvent
from schemas.models import Models
from schemas.profile import Profile
from schemas.trigger import Trigger
from streams.identity.aliases import phone_alias
from streams.identity.profile_key import profile_key
from streams.playbook.compiled import CompiledPlaybook
from streams.playbook.topics import family
from streams.policy.decide import trigger_id
from streams.profile.dialogues import last_at
from streams.profile.exits import stage_now
from streams.segments.relationship import relationship_of
from streams.views.customer_view import instant

RULE = "screen-pop"
CODE = "call.ringing"
"""The contact code of a telephone that rings."""

RINGS_MS = 120_000
"""No telephone rings for longer: what is told later is history, not a call to answer."""

MAX_VIEW_BYTES = 12 * 1024
"""Of the 360° view in a trigger: with the other callers it stays under the 20 KB of a webhook."""

_CUTS = ((20, 5, 10), (8, 3, 5), (3, 2, 3), (1, 1, 0))
"""(dialogues, next offers, recent triggers) that are kept, until it is small enough."""
_MAX_TRAIT_LENGTH = 200
_MAX_TRAITS = 20
_NAMES = ("name", "fullName", "full_name", "firstName", "first_name", "displayName")


class Ringing(msgspec.Struct, frozen=True, kw_only=True):
    """An inbound call that rings now. Times are milliseconds since 1970."""

    call_id: str
    """The telephone system's name for the call."""
    number: str | None
    """In E.164; None where it is withheld or cannot be read."""
    given: str | None
    """The number as it came."""
    at: int
    event: str
    """Message id of the contact event that the call is as well."""
    customer_id: str
    """Whose contact event it is."""
    operator: str | None = None
    extension: str | None = None
    line: str | None = None
    """The number that was called."""

    @property
    def pop_id(self) -> str:
        """The id of its trigger: the same however often, and by whatever way, it is told."""
        return trigger_id(RULE, self.number or "", self.call_id)


def ringing_of(contact: Contact, event: WireEvent, region: str) -> Ringing | None:
    """The ringing call that a contact is; None where it is something else, or long over."""
    if contact.code != CODE or event.direction != "inbound":
        return None
    if event.received_at - event.occurred_at > RINGS_MS:
        return None
    alias = phone_alias(contact.phone, region) if contact.phone else None
    said = contact.properties
    return Ringing(
        call_id=_text(said, "call_id", "call") or event.message_id,
        number=alias.value if alias is not None else None,
        given=contact.phone,
        at=event.occurred_at,
        event=event.message_id,
        customer_id=profile_key(event) or "",
        operator=contact.operator,
        extension=_text(said, "extension"),
        line=_text(said, "line", "to"),
    )


def liveliest_first(callers: Sequence[Profile]) -> list[Profile]:
    """Customers before visitors, each by when they were last heard of."""
    return sorted(callers, key=lambda one: (not one.known, -one.lifecycle.last_seen, one.key))


def caller_summary(
    profile: Profile, playbook: CompiledPlaybook, models: Models, now: int
) -> dict[str, Any]:
    """Enough to tell one of several callers from the others."""
    liveliest = max(
        profile.dialogues.items(), key=lambda item: (last_at(item[1]), item[0]), default=None
    )
    return {
        "customer_id": profile.key,
        "known": profile.known,
        "name": name_of(profile),
        "relationship": relationship_of(profile, now, playbook, models),
        "last_seen": instant(profile.lifecycle.last_seen),
        "purchases": profile.lifecycle.purchases,
        "topic": liveliest[0] if liveliest else None,
        "stage": stage_now(
            liveliest[1],
            profile.exits,
            liveliest[0],
            playbook.ranks.get(family(liveliest[0]), {}),
        )
        or None
        if liveliest
        else None,
    }


def name_of(profile: Profile) -> str | None:
    """The name in the traits, or None."""
    for trait in _NAMES:
        stamped = profile.traits.get(trait)
        if stamped is not None and isinstance(stamped.value, str) and stamped.value.strip():
            return stamped.value.strip()[:_MAX_TRAIT_LENGTH]
    return None


def essentials(
    view: dict[str, Any], most_bytes: int = MAX_VIEW_BYTES
) -> tuple[dict[str, Any], bool]:
    """The 360° view, whole where it has at most so many bytes as JSON; else with the liveliest
    dialogues, the best offers, the latest triggers and short traits. (view, whether whole)."""
    if len(msgspec.json.encode(view)) <= most_bytes:
        return view, True
    kept = view
    for dialogues, offers, triggers in _CUTS:
        kept = {
            **view,
            "traits": _short(view["traits"]),
            "dialogues": dict(list(view["dialogues"].items())[:dialogues]),
            "next_offers": view["next_offers"][:offers],
            "recent_triggers": view["recent_triggers"][:triggers],
            "identities": view["identities"][:3],
            "deadlines": view["deadlines"][:3],
        }
        if len(msgspec.json.encode(kept)) <= most_bytes:
            break
    return kept, False


def screen_pop(
    ringing: Ringing,
    caller: Profile | None,
    view: dict[str, Any] | None,
    others: list[dict[str, Any]],
    now: int,
    version: str,
) -> Trigger:
    """The trigger. `caller` is the liveliest of those known by the number and `view` the 360° view
    of `caller` at `now`; `others` are the summaries of the rest."""
    shown, whole = essentials(view) if view is not None else (None, True)
    known = caller is not None and caller.known
    return Trigger(
        id=ringing.pop_id,
        type="screen.pop",
        rule=RULE,
        customer_id=caller.key if caller is not None else ringing.customer_id,
        occurred_at=ringing.at,
        decided_at=ringing.at,
        decision="fire",
        reason=_in_words(ringing, caller, len(others)),
        why={
            "message_id": ringing.event,
            "call_id": ringing.call_id,
            "number": ringing.number,
            "given": ringing.given,
            "operator": ringing.operator,
            "extension": ringing.extension,
            "line": ringing.line,
            "known": known,
            "view_at": instant(now),
            "customer": shown,
            "whole": whole,
            "others": others,
        },
        playbook=version,
    )


def _in_words(ringing: Ringing, caller: Profile | None, others: int) -> str:
    if ringing.number is None and caller is None:
        return "a call without a number that can be read"
    number = ringing.number or "a call"
    if caller is None:
        return f"{number}: nobody is known by this number"
    if not caller.known:
        return f"{number} has called before; nobody is known by it"
    name = name_of(caller) or caller.key
    more = f", or {others} more with this number" if others else ""
    return (
        f"{name} is calling from {number}{more}" if ringing.number else f"{name} is calling{more}"
    )


def _short(traits: dict[str, Any]) -> dict[str, Any]:
    fits = {
        name: value
        for name, value in traits.items()
        if len(msgspec.json.encode(value)) <= _MAX_TRAIT_LENGTH
    }
    return dict(list(fits.items())[:_MAX_TRAITS])


def _text(said: dict[str, Any], *names: str) -> str | None:
    for name in names:
        value = said.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
            return str(value).strip()[:200]
    return None
