"""The compiled playbook: the dispatch tables of the fold."""

from collections.abc import Callable
from typing import Any

import msgspec

from schemas.playbook import Playbook
from streams.playbook.change import Change
from streams.playbook.matching import Dispatch
from streams.playbook.parts import (
    CompiledCampaign,
    CompiledPolicy,
    CompiledRelationship,
    CompiledRule,
    CompiledSegment,
)
from streams.playbook.topics import family

Place = tuple[str, str]
"""(topic family, stage)."""

Rules = tuple[CompiledRule, ...]

Hook = tuple[CompiledRule, Callable[..., Any]]
"""A rule and the function of its trigger type that is called at one point of the fold: `at_stage`,
`on_new_day`, `on_membership` or `deadline.due_at` of `streams.triggers.kind.TriggerKind`."""

GroupTest = tuple[str, Callable[[Change], bool]]
"""A group of facts and its change test, see `streams.segments.changes`."""


class RulesHere(msgspec.Struct, frozen=True):
    """The rules of one place, found with one look-up per match."""

    ranks: dict[str, int]
    """The ladder: stage -> rank from 0."""
    immediate: tuple[Hook, ...]
    """Rules that may fire when a dialogue reaches this place, with `at_stage`."""
    deadlines: tuple[Hook, ...]
    """Rules that may set a deadline at this place, with `due_at`."""


_NO_RULES: Rules = ()


class CompiledPlaybook(msgspec.Struct, frozen=True):
    """The compiled playbook that the fold reads."""

    dispatch: Dispatch
    ranks: dict[str, dict[str, int]]
    """Topic family -> stage -> rank from 0."""
    source: Playbook
    """As it is written."""
    version: str = ""
    """Version of its text, see `streams.definitions.definitions.version_of`; "" without a text."""
    rules: dict[str, CompiledRule] = {}
    """Trigger rules by name."""
    by_kind: dict[str, Rules] = {}
    """Trigger type -> its rules."""
    by_place: dict[str, dict[Place, Rules]] = {}
    """Trigger type -> place -> its rules there, for types evaluated at stages."""
    rules_here: dict[Place, RulesHere] = {}
    """`by_place` by place, all types together; only places with rules."""
    on_new_day: tuple[Hook, ...] = ()
    on_membership: tuple[Hook, ...] = ()
    purchase_deadlines: tuple[Hook, ...] = ()
    day_deadlines: tuple[Hook, ...] = ()
    event_deadlines: tuple[Hook, ...] = ()
    has_deadlines: bool = False
    """Whether any event, whatever it is about, may set a deadline."""
    promises: dict[str, Rules] = {}
    """complaint.overdue rules that cover every case of a topic family at every stage: the promise
    to all customers. A rule with a condition or with stages covers some cases only."""
    ends: frozenset[Place] = frozenset()
    """The last stages of the ladders."""
    segments: tuple[CompiledSegment, ...] = ()
    segments_by_group: dict[str, tuple[CompiledSegment, ...]] = {}
    watched: tuple[GroupTest, ...] = ()
    """Groups of facts of the segments and the relationship; empty: nothing is evaluated."""
    timed: tuple[CompiledSegment, ...] = ()
    """Segments that the passing of days alone can change."""
    relationship: CompiledRelationship | None = None
    """None where no expression or rule uses it: then it costs nothing."""
    policy: CompiledPolicy = CompiledPolicy()
    region: str = ""
    """Country of national telephone numbers in traits."""
    order_ids: tuple[str, ...] = ()
    """Properties that hold the id of an order; empty: the usual ones."""
    shop_of: dict[str, str] = {}
    """Source -> the shop whose order numbers it shares."""
    campaigns: dict[str, CompiledCampaign] = {}
    conversions: dict[Place, tuple[CompiledCampaign, ...]] = {}
    complements: dict[str, tuple[str, ...]] = {}

    def rank(self, topic: str, stage: str) -> int:
        """How far a stage is on its ladder, from 0; -1 for one the ladder does not have."""
        return self.ranks.get(family(topic), {}).get(stage, -1)

    def rules_at(self, kind: str, place: Place) -> Rules:
        """The rules of a trigger type at a place."""
        return self.by_place.get(kind, {}).get(place, _NO_RULES)
