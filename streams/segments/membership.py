"""Segment membership and relationship stage of a customer, and what has changed.

Membership follows the state: it is decided at the event that changed what a segment asks for, by
the state after that event, whatever the time the event carries. What only the passing of days can
change is looked at by one deadline per customer, for those who are known or have bought.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Literal

import msgspec
from msgspec.structs import replace

from schemas.decisions import Decisions
from schemas.models import Models
from schemas.profile import Profile
from streams.playbook.compiled import CompiledPlaybook
from streams.playbook.parts import CompiledSegment
from streams.segments.facts import facts_of
from streams.segments.relationship import relationship_of

DAY = 86_400_000

SEGMENTS_KIND = "|segments"
"""Kind of the deadline at which the passing of days is looked at."""

AHEAD = 32
"""Days for which it is worked out when the next change comes; then it is looked at again."""

MAX_SILENCE = 800 * DAY
"""After so long a silence nothing more is looked at: profiles expire after 730 days."""


class MembershipChange(msgspec.Struct, frozen=True):
    """A customer came into a segment, left one, or reached another relationship stage."""

    moment: Literal["entered", "left", "relationship"]
    segment: CompiledSegment | None = None
    since: int = 0
    """left: when the customer came in, milliseconds."""
    before: str = ""
    """relationship: the stage before."""
    stage: str = ""
    """relationship: the stage now."""


class Memberships(msgspec.Struct, frozen=True):
    """What an evaluation came to."""

    decisions: Decisions
    changes: Sequence[MembershipChange]


def evaluate_segments(
    profile: Profile,
    now: int,
    changed: Collection[str] | None,
    playbook: CompiledPlaybook,
    models: Models,
) -> Memberships:
    """The memory with the relationship stage and the segments of the customer at `now`
    (milliseconds), and what has changed.

    `changed` are the groups of facts that can have changed (`streams.segments.changes`); None: all
    of them.
    """
    decisions = profile.decisions
    changes: list[MembershipChange] = []
    rules = playbook.relationship
    if rules is not None and (
        changed is None
        or decisions.relationship == "dormant"
        or not rules.groups.isdisjoint(changed)
    ):
        before = decisions.relationship or "prospect"
        stage = relationship_of(profile, now, playbook, models)
        if stage != before:
            decisions = replace(decisions, relationship=stage)
            profile = replace(profile, decisions=decisions)
            changes.append(MembershipChange("relationship", before=before, stage=stage))
    inside = decisions.segments
    after = inside
    for segment in _asked(changed, playbook):
        holds = segment.expression.holds(
            facts_of(segment.expression.names, profile, now, playbook.ranks, models)
        )
        since = inside.get(segment.name)
        if holds is (since is not None):
            continue
        if after is inside:
            known = playbook.source.segments
            after = {name: at for name, at in inside.items() if name in known}
        if holds:
            after[segment.name] = now
            changes.append(MembershipChange("entered", segment))
        else:
            del after[segment.name]
            changes.append(MembershipChange("left", segment, since or now))
    if after is not inside:
        decisions = replace(decisions, segments=after)
    return Memberships(decisions, changes)


def first_evaluation(profile: Profile, now: int, playbook: CompiledPlaybook) -> int | None:
    """When (milliseconds) the passing of days is to be looked at after an event at `now`: in a day,
    None where that is planned already or concerns nobody: an anonymous visitor who has not bought
    cannot be told anything."""
    if not playbook.timed:
        return None
    if not (profile.known or profile.lifecycle.purchases):
        return None
    pending = profile.decisions.deadlines.get(SEGMENTS_KIND)
    return now + DAY if pending is None or pending > now + DAY else None


def next_evaluation(
    profile: Profile, now: int, playbook: CompiledPlaybook, models: Models
) -> int | None:
    """When to evaluate again after an evaluation at `now`: in a day at somebody who was here
    within the last one, else on the day on which a segment changes if nothing happens: it is asked
    day by day."""
    timed = playbook.timed
    silent = now - profile.lifecycle.last_seen
    if not timed or silent > MAX_SILENCE:
        return None
    if silent < DAY:
        return now + DAY
    inside = profile.decisions.segments
    stage = profile.decisions.relationship or "prospect"
    staged = playbook.relationship is not None and "time" in playbook.relationship.groups
    for day in range(1, AHEAD):
        at = now + day * DAY
        if staged and relationship_of(profile, at, playbook, models) != stage:
            return at
        for segment in timed:
            facts = facts_of(segment.expression.names, profile, at, playbook.ranks, models)
            if segment.expression.holds(facts) is not (segment.name in inside):
                return at
    return now + AHEAD * DAY


def _asked(
    changed: Collection[str] | None, playbook: CompiledPlaybook
) -> Iterable[CompiledSegment]:
    if changed is None:
        return playbook.segments
    table = playbook.segments_by_group
    if len(changed) == 1:
        return table.get(next(iter(changed)), ())
    names = {segment.name for group in changed for segment in table.get(group, ())}
    return [segment for segment in playbook.segments if segment.name in names] if names else ()
