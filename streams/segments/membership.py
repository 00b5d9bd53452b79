"""Which segments a customer is in, and what to say when that changes.

Membership follows the state: it is decided at the event that changed what a segment asks for, by
the state after that event, whatever the time the event carries. What only the passing of days can
change is looked at by one deadline per customer, for those who are known or have bought.
"""

from collections.abc import Collection, Iterable

import msgspec

from schemas.decisions import Decisions
from schemas.event import Event
from schemas.models import Models
from schemas.profile import Profile
from streams.playbook.compiled import CompiledPlaybook
from streams.playbook.parts import CompiledSegment
from streams.segments.facts import facts_of
from streams.segments.relationship import relationship_of
from streams.triggers.candidate import Cause, Spark
from streams.values.durations import in_words

DAY = 86_400_000

LOOK_KIND = "|segments"
"""Kind of the deadline at which the passing of days is looked at."""

AHEAD = 32
"""Days for which it is worked out when the next change comes; then it is looked at again."""

LOOK_NO_MORE = 800 * DAY
"""After so long a silence nothing more is looked at: profiles expire after 730 days."""


class Found(msgspec.Struct):
    """What a look at a customer came to."""

    decisions: Decisions
    sparks: list[Spark]


def look(
    profile: Profile,
    event: Event,
    changed: Collection[str] | None,
    book: CompiledPlaybook,
    models: Models,
) -> Found:
    """The memory with the relationship stage and the segments of the customer after `event`, and
    what their change makes rules say.

    `changed` are the groups of facts that the event can have changed (`streams.segments.changes`);
    None: all of them.
    """
    now = event.received_at
    decisions = profile.decisions
    sparks: list[Spark] = []
    rules = book.relationship
    if rules is not None and (
        changed is None
        or decisions.relationship == "dormant"
        or not rules.groups.isdisjoint(changed)
    ):
        before = decisions.relationship or "prospect"
        stage = relationship_of(profile, now, book, models)
        if stage != before:
            decisions = msgspec.structs.replace(decisions, relationship=stage)
            profile = msgspec.structs.replace(profile, decisions=decisions)
            sparks += _moved(before, stage, event, book)
    inside = decisions.segments
    after = inside
    for segment in _asked(changed, book):
        holds = segment.expression.holds(
            facts_of(segment.expression.names, profile, now, book, models)
        )
        since = inside.get(segment.name)
        if holds is (since is not None):
            continue
        if after is inside:
            after = {name: at for name, at in inside.items() if name in book.source.segments}
        if holds:
            after[segment.name] = now
            sparks += _entered(segment, event, book)
        else:
            del after[segment.name]
            sparks += _left(segment, since or now, event, book)
    if after is not inside:
        decisions = msgspec.structs.replace(decisions, segments=after)
    return Found(decisions, sparks)


def first_look(profile: Profile, now: int, book: CompiledPlaybook) -> int | None:
    """When (milliseconds) the passing of days is to be looked at after an event at `now`: in a day,
    None where that is planned already or concerns nobody: an anonymous visitor who has not bought
    cannot be told anything."""
    if not book.timed:
        return None
    if not (profile.known or profile.lifecycle.purchases):
        return None
    pending = profile.decisions.deadlines.get(LOOK_KIND)
    return now + DAY if pending is None or pending > now + DAY else None


def next_look(profile: Profile, now: int, book: CompiledPlaybook, models: Models) -> int | None:
    """When to look again after a look at `now`: in a day at somebody who was here within the last
    one, else on the day on which a segment changes if nothing happens: it is asked day by day."""
    timed = book.timed
    silent = now - profile.lifecycle.last_seen
    if not timed or silent > LOOK_NO_MORE:
        return None
    if silent < DAY:
        return now + DAY
    inside = profile.decisions.segments
    stage = profile.decisions.relationship or "prospect"
    staged = book.relationship is not None and "time" in book.relationship.groups
    for day in range(1, AHEAD):
        at = now + day * DAY
        if staged and relationship_of(profile, at, book, models) != stage:
            return at
        for segment in timed:
            facts = facts_of(segment.expression.names, profile, at, book, models)
            if segment.expression.holds(facts) is not (segment.name in inside):
                return at
    return now + AHEAD * DAY


def _asked(changed: Collection[str] | None, book: CompiledPlaybook) -> Iterable[CompiledSegment]:
    if changed is None:
        return book.segments
    table = book.segments_by_group
    if len(changed) == 1:
        return table.get(next(iter(changed)), ())
    names = {segment.name for group in changed for segment in table.get(group, ())}
    return [segment for segment in book.segments if segment.name in names] if names else ()


def _moved(before: str, stage: str, event: Event, book: CompiledPlaybook) -> list[Spark]:
    cause = Cause(
        type="lifecycle.changed",
        cause=f"{before}\x1f{stage}\x1f{event.message_id}",
        occurred_at=event.occurred_at,
        decided_at=event.received_at,
        reason=f"went from {before} to {stage}",
        why={"from": before, "to": stage, "message_id": event.message_id[:200]},
        stage=stage,
    )
    return [(rule, cause) for rule in book.lifecycle if not rule.to or stage in rule.to]


def _entered(segment: CompiledSegment, event: Event, book: CompiledPlaybook) -> list[Spark]:
    rules = book.entered.get(segment.name)
    if not rules:
        return []
    cause = Cause(
        type="segment.entered",
        cause=f"{segment.name}\x1f{event.message_id}",
        occurred_at=event.occurred_at,
        decided_at=event.received_at,
        reason=f"is now in {segment.name}: {segment.expression.source}",
        why={"segment": segment.name, "message_id": event.message_id[:200]},
    )
    return [(rule, cause) for rule in rules]


def _left(
    segment: CompiledSegment, since: int, event: Event, book: CompiledPlaybook
) -> list[Spark]:
    rules = book.left.get(segment.name)
    if not rules:
        return []
    stayed = max(0, event.received_at - since)
    cause = Cause(
        type="segment.left",
        cause=f"{segment.name}\x1f{event.message_id}",
        occurred_at=event.occurred_at,
        decided_at=event.received_at,
        reason=f"is no longer in {segment.name} after {in_words(stayed)}",
        why={
            "segment": segment.name,
            "since": since,
            "message_id": event.message_id[:200],
        },
    )
    return [(rule, cause) for rule in rules]
