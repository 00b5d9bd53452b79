"""The dialogues after one event: which it brings further, which stages it leaves, and which topics
it shows to be one."""

from collections.abc import Mapping, Sequence

import msgspec
from msgspec.structs import replace

from schemas.event import Event
from schemas.profile import Dialogue, Exit, Profile
from streams.playbook.matching import Match, Matched
from streams.profile.dialogues import MAX_DIALOGUES, advance, keep_liveliest, move_dialogues
from streams.profile.exits import Exits, enter_items, leave_stage, move_exits
from streams.profile.items import Items, of_topics, place, unite


class Talk(msgspec.Struct, gc=False):
    """The dialogues of a customer, as one event changes them."""

    dialogues: dict[str, Dialogue]
    exits: dict[str, dict[str, Exit]]
    items: dict[str, bytes]
    quiet: int
    """Events of evicted dialogues."""
    matches: Sequence[Match] = ()
    """With the topics that their items belong to."""
    earlier: Sequence[Dialogue | None] = ()
    """The dialogue of each match before the event."""
    began: Sequence[str] = ()
    """The topics that the event began."""


def talk_of(profile: Profile, event: Event, matched: Matched) -> Talk:
    """The dialogues of the profile after the event."""
    talk = Talk(profile.dialogues, profile.exits, profile.items, profile.quiet_dialogues)
    if matched.matches:
        _reach(talk, matched.matches, event)
    for leave in matched.leaves:
        topic = leave.topic
        if leave.items:
            topic = _placed(talk, topic, leave.items)
        for stage in leave.stages:
            talk.exits = leave_stage(talk.exits, topic, stage, leave.items, event.occurred_at)
    if len(talk.dialogues) > MAX_DIALOGUES:
        talk.dialogues, evicted = keep_liveliest(talk.dialogues)
        talk.quiet += evicted
        talk.items = of_topics(talk.items, {*talk.dialogues, *talk.exits})
    return talk


def _reach(talk: Talk, matches: Sequence[Match], event: Event) -> None:
    at = event.occurred_at
    placed: list[Match] = []
    earlier: list[Dialogue | None] = []
    began: list[str] = []
    talk.dialogues = talk.dialogues.copy()
    for match in matches:
        topic = match.topic
        if match.items or match.is_group:
            topic = _placed(talk, topic, match.items)
        before = talk.dialogues.get(topic)
        placed.append(match if topic == match.topic else replace(match, topic=topic))
        earlier.append(before)
        if before is None:
            began.append(topic)
        talk.dialogues[topic] = advance(before, match.stage, event.channel, at)
        if match.can_be_left:
            talk.exits = enter_items(talk.exits, topic, match.stage, match.keys, at)
    talk.matches, talk.earlier, talk.began = placed, earlier, began


def _placed(talk: Talk, topic: str, names: tuple[str, ...]) -> str:
    """The topic that the item belongs to; what began under its name alone moves there."""
    known: Mapping[str, object] = talk.dialogues
    if talk.exits:
        known = {**talk.dialogues, **talk.exits}
    topic, talk.items, moved = place(talk.items, topic, names, known)
    if moved:
        talk.dialogues = move_dialogues(talk.dialogues, moved)
        talk.exits = move_exits(talk.exits, moved)
    return topic


def join_topics(
    dialogues: dict[str, Dialogue], exits: Exits, items: Items
) -> tuple[dict[str, Dialogue], Exits, Items]:
    """Dialogues, exits and items of two profiles that were put together, each item in one topic."""
    items, moved = unite(items, {**dialogues, **exits})
    if moved:
        dialogues, exits = move_dialogues(dialogues, moved), move_exits(exits, moved)
    return dialogues, exits, items
