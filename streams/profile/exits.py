"""Exits: stages that a dialogue has left, as a whole or item by item (a product out of a cart).

Of every item the last time in and the last time out are kept, of a stage the last time it was left
as a whole: maxima, so that they are the same in any order. At the same instant an exit wins.
"""

from collections.abc import Iterable, Mapping

from schemas.profile import Dialogue, Exit, Span
from streams.playbook.topics import family
from streams.profile.dialogues import MAX_DIALOGUES, current_stage
from streams.profile.items import item_key

MAX_ITEMS = 200
"""Items kept of one stage, those last moved."""

WHOLE_TOPIC = ""
"""The item of an event that names none: the topic itself."""

Exits = dict[str, dict[str, Exit]]
"""Topic -> stage -> when it was left."""

_NO_EXIT = Exit()
_NO_STAGES: Mapping[str, Exit] = {}


def enter_items(exits: Exits, topic: str, stage: str, keys: Iterable[str], at: int) -> Exits:
    """The exits after these items (names, see `Match.keys`; none: the topic itself) came into a
    stage at `at` (milliseconds)."""
    came = [item_key(key) for key in keys] or [WHOLE_TOPIC]
    return _written(exits, topic, stage, Exit(0, dict.fromkeys(came, (at, 0))))


def leave_stage(exits: Exits, topic: str, stage: str, items: Iterable[str], at: int) -> Exits:
    """The exits after an item left a stage at `at` (milliseconds), or, without `items`, after the
    topic did."""
    for name in items:
        return _written(exits, topic, stage, Exit(0, {item_key(name): (0, at)}))
    return _written(exits, topic, stage, Exit(at))


def in_force(span: Span, left: Exit | None) -> bool:
    """Whether a dialogue is at a stage that it reached at the times of `span`.

    Not after it left the stage as a whole. With items known: where an item came in after that and
    after anything went out that had never come in, and did not go out since.
    """
    if left is None:
        return True
    if not left.items:
        return span.last_at > left.at
    since = left.at
    for came, went in left.items.values():
        if not came and went > since:
            since = went
    return any(came > went and came > since for came, went in left.items.values())


def exits_of(exits: Exits, topic: str) -> Mapping[str, Exit]:
    """Stage -> exit of a topic, those of its whole family (`product/*`) included."""
    if not exits:
        return _NO_STAGES
    mine, everywhere = exits.get(topic), exits.get(f"{family(topic)}/*")
    if everywhere is None:
        return mine or _NO_STAGES
    return merge_stages(mine, everywhere)


def stages_in_force(dialogue: Dialogue, exits: Exits, topic: str) -> dict[str, Span]:
    """The stages of the dialogue on `topic` that it has reached and not left."""
    left = exits_of(exits, topic)
    if not left:
        return dialogue.stages
    return {
        stage: span for stage, span in dialogue.stages.items() if in_force(span, left.get(stage))
    }


def stage_now(dialogue: Dialogue, exits: Exits, topic: str, ranks: Mapping[str, int]) -> str:
    """The stage at which the dialogue on `topic` stands; "" where it has left every one."""
    stages = stages_in_force(dialogue, exits, topic)
    return current_stage(stages, ranks) if stages else ""


def left_at(left: Mapping[str, Exit], stage: str) -> int:
    """When the stage was last left as a whole, milliseconds; 0: never."""
    return left.get(stage, _NO_EXIT).at


def move_exits(exits: Exits, moved: Mapping[str, str]) -> Exits:
    """The exits with those of topics that have become another one under that one."""
    after = dict(exits)
    for topic, now in moved.items():
        stages = after.pop(topic, None)
        if stages is not None:
            after[now] = merge_stages(after.get(now), stages)
    return after


def merge_exits(one: Exits, other: Exits) -> Exits:
    """The exits of both."""
    if not one or not other:
        return one or other
    merged = dict(one)
    for topic, stages in other.items():
        merged[topic] = merge_stages(merged.get(topic), stages)
    return _latest(merged)


def merge_stages(one: Mapping[str, Exit] | None, other: Mapping[str, Exit]) -> dict[str, Exit]:
    """The exits of one topic that was seen twice."""
    merged = dict(one or {})
    for stage, left in other.items():
        mine = merged.get(stage)
        merged[stage] = left if mine is None else _merge(mine, left)
    return merged


def _written(exits: Exits, topic: str, stage: str, left: Exit) -> Exits:
    return _latest({**exits, topic: merge_stages(exits.get(topic), {stage: left})})


def _merge(one: Exit, other: Exit) -> Exit:
    items = dict(one.items)
    for key, (came, went) in other.items.items():
        mine = items.get(key)
        items[key] = (came, went) if mine is None else (max(mine[0], came), max(mine[1], went))
    if len(items) > MAX_ITEMS:
        items = dict(sorted(items.items(), key=lambda item: (max(item[1]), item[0]))[-MAX_ITEMS:])
    return Exit(max(one.at, other.at), items)


def _latest(exits: Exits) -> Exits:
    """As many topics as there are dialogues, those last moved: the same ones in any order."""
    if len(exits) <= MAX_DIALOGUES:
        return exits
    ordered = sorted(
        exits.items(), key=lambda item: (item[0].endswith("/*"), _last_moved(item[1]), item[0])
    )
    return dict(ordered[-MAX_DIALOGUES:])


def _last_moved(stages: Mapping[str, Exit]) -> int:
    return max(
        max([left.at, *(max(times) for times in left.items.values())]) for left in stages.values()
    )
