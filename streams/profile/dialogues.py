"""A dialogue, folded: counts add, firsts take the minimum, lasts the maximum."""

from collections.abc import Mapping

from schemas.profile import Dialogue, Span

MAX_DIALOGUES = 64
"""Topics kept per profile; the quietest beyond that become a number."""

MAX_CHANNELS = 16
"""Channels counted by name in one dialogue, the first by name."""

_OTHER = "other"


def widen(span: Span | None, at: int) -> Span:
    """The span with one more occurrence at `at` (milliseconds)."""
    if span is None:
        return Span(1, at, at)
    return Span(
        span.count + 1,
        at if at < span.first_at else span.first_at,
        at if at > span.last_at else span.last_at,
    )


def advance(dialogue: Dialogue | None, stage: str, channel: str, at: int) -> Dialogue:
    """The dialogue with one more event at a stage, on a channel, at `at` (milliseconds)."""
    if dialogue is None:
        return Dialogue({stage: Span(1, at, at)}, {channel: 1})
    # A copy that is written to costs half of `{**stages, stage: span}`.
    stages, channels = dialogue.stages.copy(), dialogue.channels.copy()
    channels[channel] = channels.get(channel, 0) + 1
    if len(channels) > MAX_CHANNELS:
        channels = _keep_channels(channels)
    stages[stage] = widen(stages.get(stage), at)
    return Dialogue(stages, channels)


def merge_dialogues(one: Dialogue, other: Dialogue) -> Dialogue:
    """The dialogue that saw the events of both."""
    stages = dict(one.stages)
    for stage, span in other.stages.items():
        mine = stages.get(stage)
        stages[stage] = span if mine is None else merge_spans(mine, span)
    return Dialogue(stages, _keep_channels(add_counts(one.channels, other.channels)))


def merge_spans(one: Span, other: Span) -> Span:
    """Counts add, first is the earlier, last the later."""
    return Span(
        one.count + other.count,
        min(one.first_at, other.first_at),
        max(one.last_at, other.last_at),
    )


def add_counts(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    """Counter by name, summed."""
    total = dict(one)
    for name, count in other.items():
        total[name] = total.get(name, 0) + count
    return total


def _keep_channels(channels: dict[str, int]) -> dict[str, int]:
    """Which names stay depends on the names alone, never on the order they came in."""
    if len(channels) <= MAX_CHANNELS:
        return channels
    named = sorted(channels.keys() - {_OTHER})[: MAX_CHANNELS - 1]
    kept = {name: channels[name] for name in named}
    kept[_OTHER] = sum(channels.values()) - sum(kept.values())
    return kept


def last_at(dialogue: Dialogue) -> int:
    """When anything last happened in the dialogue, milliseconds."""
    return max([span.last_at for span in dialogue.stages.values()])  # a generator takes longer


def first_at(dialogue: Dialogue) -> int:
    """When the dialogue began, milliseconds."""
    return min([span.first_at for span in dialogue.stages.values()])


def current_stage(stages: Mapping[str, Span], ranks: Mapping[str, int]) -> str:
    """The stage of the latest event; of two at the same instant, the further one."""
    return max(stages, key=lambda stage: (stages[stage].last_at, ranks.get(stage, -1), stage))


def furthest_stage(dialogue: Dialogue, ranks: Mapping[str, int]) -> str:
    """The furthest stage ever reached."""
    furthest, rank = "", -2
    for stage in dialogue.stages:  # `max` with a key costs twice as much
        here = ranks.get(stage, -1)
        if here > rank or (here == rank and stage > furthest):
            furthest, rank = stage, here
    return furthest


def move_dialogues(dialogues: dict[str, Dialogue], moved: Mapping[str, str]) -> dict[str, Dialogue]:
    """The dialogues with those on topics that have become another one merged into it."""
    after = dict(dialogues)
    for topic, now in moved.items():
        dialogue = after.pop(topic, None)
        if dialogue is not None:
            mine = after.get(now)
            after[now] = dialogue if mine is None else merge_dialogues(mine, dialogue)
    return after


def keep_liveliest(dialogues: dict[str, Dialogue]) -> tuple[dict[str, Dialogue], int]:
    """At most `MAX_DIALOGUES` dialogues, the latest ones, and the events of those given up.

    A topic among the latest is never given up after its last event, so in any order the same
    topics stay, each with its true last time. Its counts and first times are exact unless it was
    given up before and came back.
    """
    if len(dialogues) <= MAX_DIALOGUES:
        return dialogues, 0
    ordered = sorted(dialogues.items(), key=lambda item: (last_at(item[1]), item[0]))
    given_up = ordered[: len(dialogues) - MAX_DIALOGUES]
    events = sum(span.count for _, dialogue in given_up for span in dialogue.stages.values())
    return dict(ordered[len(given_up) :]), events
