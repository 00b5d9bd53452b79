"""The dialogues after one event: which it brings further, which stages it leaves, and which topics
it shows to be one."""

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from schemas.event import Event
from schemas.profile import Dialogue, Profile
from streams.playbook.matching import Item, Leave, Match, Matched
from streams.profile.dialogues import MAX_DIALOGUES, advance, keep_liveliest, move_dialogues
from streams.profile.exits import Exits, enter_items, leave_stage, move_exits
from streams.profile.items import Items, of_topics, place, unite, without_carts


class Talk(msgspec.Struct, frozen=True, gc=False):
    """The dialogues of a customer after one event."""

    dialogues: dict[str, Dialogue]
    quiet: int
    """Events of evicted dialogues."""
    exits: Exits
    items: Items
    matches: Sequence[Match] = ()
    """With the topics that their items belong to."""
    earlier: Sequence[Dialogue | None] = ()
    """The dialogue of each match before the event."""
    began: Sequence[str] = ()
    """The topics that the event began."""


def talk_of(profile: Profile, event: Event, matched: Matched) -> Talk:
    """The dialogues of the profile after the event."""
    matches, dialogues = matched.matches, profile.dialogues
    if len(matches) == 1 and not matched.leaves:  # most events
        match = matches[0]
        if match.item is not None:
            return _bounded(_reach_one(profile, match, event))
        topic = match.topic
        before = dialogues.get(topic)
        dialogues = dialogues.copy()
        dialogues[topic] = advance(before, match.stage, event.channel, event.occurred_at)
        began = (topic,) if before is None else ()
        talk = Talk(dialogues, profile.quiet_dialogues, profile.exits, profile.items, matches,
                    (before,), began)  # fmt: skip
        return talk if before is not None else _bounded(talk)
    if not matches and not matched.leaves:
        return Talk(dialogues, profile.quiet_dialogues, profile.exits, profile.items)
    state = _State(dialogues.copy(), profile.exits, profile.items)
    reached = _reach(state, matches, event)
    _leave(state, matched.leaves, event.occurred_at)
    quiet = profile.quiet_dialogues
    return _bounded(Talk(state.dialogues, quiet, state.exits, state.items, *reached))


def _bounded(talk: Talk) -> Talk:
    """The talk within the bound of dialogues."""
    if len(talk.dialogues) <= MAX_DIALOGUES:
        return talk
    dialogues, evicted = keep_liveliest(talk.dialogues)
    items = of_topics(talk.items, {*dialogues, *talk.exits})
    return replace(talk, dialogues=dialogues, quiet=talk.quiet + evicted, items=items)


def _reach_one(profile: Profile, match: Match, event: Event) -> Talk:
    """As `_reach` for one match of an item, at a third of its price."""
    dialogues, exits, items = profile.dialogues, profile.exits, profile.items
    topic, item = match.topic, match.item
    assert item is not None  # noqa: S101 - asked by the caller
    if item.names:
        topic, items, moved = place(items, exits, topic, item)
        if moved:
            dialogues, exits = move_dialogues(dialogues, moved), move_exits(exits, moved)
        if topic != match.topic:
            match = replace(match, topic=topic)
    before = dialogues.get(topic)
    at = event.occurred_at
    if item.can_be_left:
        exits = enter_items(exits, topic, match.stage, item.keys, at)
    dialogues = dialogues.copy()
    dialogues[topic] = advance(before, match.stage, event.channel, at)
    began = (topic,) if before is None else ()
    return Talk(dialogues, profile.quiet_dialogues, exits, items, (match,), (before,), began)


class _State:
    """Dialogues, exits and items while an event changes them."""

    __slots__ = ("dialogues", "exits", "items")

    def __init__(self, dialogues: dict[str, Dialogue], exits: Exits, items: Items) -> None:
        self.dialogues = dialogues
        self.exits = exits
        self.items = items

    def place(self, topic: str, item: Item) -> dict[str, str]:
        """Topic -> the topic that it has become by this item; `topic` is always among them."""
        found, self.items, moved = place(self.items, self.exits, topic, item)
        if moved:
            self.dialogues = move_dialogues(self.dialogues, moved)
            self.exits = move_exits(self.exits, moved)
        return {**moved, topic: found}


def _reach(
    state: _State, matches: Sequence[Match], event: Event
) -> tuple[Sequence[Match], Sequence[Dialogue | None], Sequence[str]]:
    """(matches, dialogues before them, topics begun) after the stages that the event reaches."""
    at = event.occurred_at
    # What an item shows to be one topic is one before anything is counted.
    placed = list(matches)
    for index, match in enumerate(matches):
        if match.item is not None and match.item.names:
            moved = state.place(match.topic, match.item)
            if len(moved) > 1 or moved[match.topic] != match.topic:
                placed[: index + 1] = [
                    replace(one, topic=moved.get(one.topic, one.topic))
                    for one in placed[: index + 1]
                ]
    dialogues = state.dialogues
    earlier: list[Dialogue | None] = []
    began: list[str] = []
    for match in placed:
        topic = match.topic
        before = dialogues.get(topic)
        earlier.append(before)
        if before is None:
            began.append(topic)
        dialogues[topic] = advance(before, match.stage, event.channel, at)
        if match.item is not None and match.item.can_be_left:
            state.exits = enter_items(state.exits, topic, match.stage, match.item.keys, at)
    return placed, earlier, began


def _leave(state: _State, leaves: Sequence[Leave], at: int) -> None:
    """The stages that the event leaves."""
    for leave in leaves:
        topic, item = leave.topic, leave.item
        if item is not None:
            topic = state.place(topic, item)[topic]
        for stage in leave.stages:
            keys = () if item is None or leave.whole else item.keys
            state.exits = leave_stage(state.exits, topic, stage, keys, at)


def join_topics(
    dialogues: dict[str, Dialogue], exits: Exits, items: Items
) -> tuple[dict[str, Dialogue], Exits, Items]:
    """Dialogues, exits and items of two profiles that were put together, each item in one topic."""
    items, moved = unite(items, exits)
    if moved:
        dialogues, exits = move_dialogues(dialogues, moved), move_exits(exits, moved)
    return dialogues, exits, without_carts(items, exits)
