"""Memory of what was delivered to the customer, by topic.

It is no sign of life: neither a stage, nor a visit, nor the end of a silence.
"""

from msgspec.structs import replace

from schemas.effect import Folded
from schemas.event import Event
from schemas.profile import Profile, Span
from streams.profile.dialogues import MAX_DIALOGUES, merge_spans, widen
from streams.profile.message_ids import remember

DELIVERED = "trigger.delivered"
"""Name of the contact event that says that a trigger has reached the customer."""

_OURS = "trigger."
_MAX_TOPIC_LENGTH = 256


def is_ours(event: Event) -> bool:
    """Whether a contact event tells what became of a trigger, not what a customer did."""
    name = event.name
    return name is not None and event.direction == "outbound" and name.startswith(_OURS)


def fold_spoken(profile: Profile, event: Event, hashed: bytes) -> Folded:
    """The profile that remembers what was said on the topic that the event names."""
    spoken = profile.spoken
    topic = event.properties.get("topic")
    if event.name == DELIVERED and isinstance(topic, str) and 0 < len(topic) <= _MAX_TOPIC_LENGTH:
        spoken = _latest({**spoken, topic: widen(spoken.get(topic), event.occurred_at)})
    recent = remember(profile.recent, hashed, event.received_at)
    return Folded(replace(profile, spoken=spoken, recent=recent), [])


def merge_spoken(one: dict[str, Span], other: dict[str, Span]) -> dict[str, Span]:
    """What both were told."""
    merged = dict(one)
    for topic, span in other.items():
        mine = merged.get(topic)
        merged[topic] = span if mine is None else merge_spans(mine, span)
    return _latest(merged)


def _latest(spoken: dict[str, Span]) -> dict[str, Span]:
    """As many topics as there are dialogues, those last spoken of: the same ones in any order. One
    that was given up and is spoken of again counts anew."""
    if len(spoken) <= MAX_DIALOGUES:
        return spoken
    ordered = sorted(spoken.items(), key=lambda item: (item[1].last_at, item[0]))
    return dict(ordered[-MAX_DIALOGUES:])
