"""The candidates of one event: every rule that its change makes fire, before policy is asked."""

from collections.abc import Sequence

from schemas.event import Event
from schemas.models import Models
from streams.playbook.change import Change
from streams.playbook.compiled import CompiledPlaybook
from streams.segments.membership import MembershipChange
from streams.triggers.candidate import Candidate
from streams.triggers.stage_reached import goes_further


def candidates_of(
    change: Change, playbook: CompiledPlaybook, models: Models
) -> tuple[list[Candidate], bool]:
    """The rules that fire where a dialogue came further than ever before, match by match; and
    whether a rule may wait at a stage of the matches, which the same look-up tells."""
    candidates: list[Candidate] = []
    may_wait = False
    rules_here = playbook.rules_here
    for index, match in enumerate(change.matches):
        here = rules_here.get(match.place)
        if here is None:
            continue
        if here.deadlines:
            may_wait = True
        if not here.immediate:
            continue
        if not goes_further(change.earlier[index], match.stage, here.ranks):
            continue
        for rule, at_stage in here.immediate:
            if rule.covers(match.topic):
                cause = at_stage(change, index, rule, playbook, models)
                if cause is not None:
                    candidates.append((rule, cause))
    return candidates, may_wait


def membership_candidates(
    changes: Sequence[MembershipChange], event: Event, playbook: CompiledPlaybook
) -> list[Candidate]:
    """The rules that fire because a segment or the relationship changed with the event."""
    return [
        (rule, cause)
        for change in changes
        for rule, on_membership in playbook.on_membership
        if (cause := on_membership(change, rule, event)) is not None
    ]
