"""The memory of decisions on one customer, bounded, and its merge with another's."""

from collections.abc import Container, Mapping

from schemas.decisions import Decisions
from streams.models.offer_outcomes import merge_offered
from streams.policy.caps import unite_spoken
from streams.policy.waiting import latest_of
from streams.triggers.fired import without_evicted

MAX_SENT = 5
"""Decisions remembered one by one."""


def merge_decisions(one: Decisions, other: Decisions, dialogues: Container[str]) -> Decisions:
    """The decisions of both; pending deadlines of `other` end with its profile. The caller
    evaluates segments and relationship anew, starting from these."""
    fired = _latest(one.fired, other.fired)
    sent = {decision.id: decision for decision in (*other.sent, *one.sent)}
    # A stable sort: decisions of one millisecond stay in the order they were taken in.
    latest = sorted(sent.values(), key=lambda decision: decision.at)
    waiting = sorted((*one.waiting, *other.waiting), key=lambda late: (late.occurred_at, late.rule))
    return Decisions(
        deadlines=one.deadlines,
        fired=without_evicted(fired, dialogues),
        sent=tuple(latest[-MAX_SENT:]),
        last_topic=one.last_topic or other.last_topic,
        segments=_earliest(one.segments, other.segments),
        relationship=one.relationship or other.relationship,
        spoken=unite_spoken(one.spoken, other.spoken),
        waiting=latest_of(waiting),
        offered=merge_offered(one.offered, other.offered),
        cases=_of(_earliest(one.cases, other.cases), dialogues),
    )


def _of(by_topic: Mapping[str, int], dialogues: Container[str]) -> dict[str, int]:
    return {topic: at for topic, at in by_topic.items() if topic in dialogues}


def _latest(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    united = dict(one)
    for name, at in other.items():
        united[name] = max(at, united.get(name, at))
    return united


def _earliest(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    united = dict(one)
    for name, at in other.items():
        united[name] = min(at, united.get(name, at))
    return united
