"""A trigger type as data: its fields, what fires it, what its deadline means, how it reads."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from schemas.decisions import Decisions, Waiting
from schemas.event import Event
from schemas.models import Models
from schemas.playbook import TriggerRule
from schemas.profile import Lifecycle, Profile
from streams.playbook.change import Change
from streams.playbook.compiled import CompiledPlaybook, Place
from streams.playbook.parts import CompiledRule
from streams.playbook.places import Ladders, places_of
from streams.segments.membership import MembershipChange
from streams.triggers.candidate import Cause

Wrong = Callable[[str, str], None]
"""Reports a mistake: the field ("" for the whole rule), and how to mend it."""

ArmedBy = Literal["stage", "purchase", "day", "event"]
"""Which events may set a deadline: one at a stage that the rule names, a purchase, the first event
of a day, or any event."""

AtStage = Callable[[Change, int, CompiledRule, CompiledPlaybook, Models], Cause | None]
"""(change, index of the match, rule, playbook, models) -> the cause, when the dialogue of the match
came further than ever before."""

OnNewDay = Callable[[Change, CompiledRule, Models], Cause | None]
"""(change, rule, models) -> the cause, at the first event of a customer on a day."""

OnMembership = Callable[[MembershipChange, CompiledRule, Event], Cause | None]
"""(change of a segment or of the relationship, rule, event) -> the cause."""


class Due(msgspec.Struct, frozen=True):
    """What a deadline that came due means."""

    decisions: Decisions
    """The memory of decisions after it."""
    causes: Sequence[Cause] = ()
    next_at: int | None = None
    """When to look again, milliseconds; None: never."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Deadline:
    """Silence as a signal: when it is due, and what it means then."""

    armed_by: Callable[[CompiledRule], ArmedBy | None]
    """None: this rule waits for nothing."""
    due_at: Callable[[Profile, Decisions, CompiledRule, CompiledPlaybook, Models], int | None]
    """When (milliseconds) the rule is due by the state of the customer; None: never."""
    came_due: Callable[[Profile, CompiledRule, Event, CompiledPlaybook, Models], Due]
    """The deadline came due with this timer event."""
    was_decided: Callable[[Lifecycle, Lifecycle, CompiledRule, Models], bool] | None = None
    """Whether the rule fired for (before, after a merge) already, under the same trigger id."""


def rule_places(rule: CompiledRule, ladders: Ladders) -> list[Place]:
    """(family, stage) of everything that the rule's topic and stages name."""
    return places_of(rule.topic, rule.stages, ladders)


def _everything(why: dict[str, Any]) -> dict[str, Any]:
    return why


@dataclass(frozen=True, kw_only=True, slots=True)
class TriggerKind:
    """One trigger type. `streams.triggers.registry` lists them all."""

    name: str
    """`when` of a rule and `type` of a trigger."""
    label: str
    """In words, for people: "reached a stage"."""
    colour: str = "white"
    """On a terminal, a name of rich."""
    in_playbook: bool = True
    """Whether a rule may ask for it; otherwise it is decided outside of the fold."""
    fields: frozenset[str] = frozenset()
    """Fields that a rule may set beside the common ones."""
    required: Mapping[str, str] = field(default_factory=dict)
    """Fields that a rule must set, and what to write."""
    check: Callable[[TriggerRule, Wrong], None] | None = None
    """Reports further mistakes of a rule."""
    places: Callable[[CompiledRule, Ladders], list[Place]] = rule_places
    """(family, stage) at which `at_stage` and a deadline armed by stage are asked."""
    at_stage: AtStage | None = None
    on_new_day: OnNewDay | None = None
    """Where the type has a deadline, asked of the rules whose deadline is armed by day."""
    on_membership: OnMembership | None = None
    deadline: Deadline | None = None
    still_holds: Callable[[Waiting, CompiledRule, Profile, CompiledPlaybook], bool] | None = None
    """Whether the cause is still true when quiet hours end; None: it stays true."""
    follows_relationship: bool = False
    """Whether the relationship stage has to be evaluated for its rules."""
    promises: bool = False
    """Whether an unconditional rule is a time promised to every customer, kept with the event."""
    tells_staff: bool = False
    """Whether staff hears of a blocked customer as well, as long as it is said on no channel."""
    archived: Callable[[dict[str, Any]], dict[str, Any]] = _everything
    """What of `why` is archived."""
