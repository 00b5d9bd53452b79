"""The playbook compiled for the fold: every question the fold asks is one look-up."""

from collections.abc import Iterable

import msgspec

from schemas.playbook import Playbook
from streams.expressions import Expression
from streams.matching import Dispatch, compile_matches
from streams.playbook_endpoints import check_endpoints
from streams.playbook_parts import (
    CompiledCampaign,
    CompiledCap,
    CompiledPolicy,
    CompiledQuietHours,
    CompiledRelationship,
    CompiledRule,
    CompiledSegment,
)
from streams.playbook_places import places_of, stages_starting_a_clock
from streams.playbook_policy import compile_campaigns, compile_complements, compile_policy
from streams.playbook_segments import asks, compile_relationship, compile_segments
from streams.playbook_triggers import compile_trigger
from streams.rule_error import RuleError, RuleErrors
from streams.topics import family

__all__ = [
    "CompiledCampaign",
    "CompiledCap",
    "CompiledPlaybook",
    "CompiledPolicy",
    "CompiledQuietHours",
    "CompiledRelationship",
    "CompiledRule",
    "CompiledSegment",
    "compile_playbook",
]

Place = tuple[str, str]
"""(topic family, stage)."""

Rules = tuple[CompiledRule, ...]


class CompiledPlaybook(msgspec.Struct, frozen=True):
    """What the fold reads. Rules by stage are indexed by (topic family, stage)."""

    dispatch: Dispatch
    ranks: dict[str, dict[str, int]]
    reached: dict[Place, Rules]
    stalled: dict[Place, Rules]
    offers: dict[Place, Rules]
    churn: Rules
    """churn.risk by purchases."""
    by_name: dict[str, tuple[str, CompiledRule]]
    """Trigger rule name -> (its `when`, the rule)."""
    source: Playbook
    """As it is written."""
    version: str = ""
    """Of the text it was read from, see `streams.definitions.version_of`; "" where from none."""
    segments: tuple[CompiledSegment, ...] = ()
    segments_by_group: dict[str, tuple[CompiledSegment, ...]] = {}
    silences: Rules = ()
    entered: dict[str, Rules] = {}
    """By segment."""
    left: dict[str, Rules] = {}
    """By segment."""
    lifecycle: Rules = ()
    overdue: dict[Place, Rules] = {}
    """By the stages that start the clock: every one of the ladder but the last."""
    relationship: CompiledRelationship | None = None
    """None where nothing asks for it: then it costs nothing."""
    policy: CompiledPolicy = CompiledPolicy()
    campaigns: dict[str, CompiledCampaign] = {}
    conversions: dict[Place, tuple[CompiledCampaign, ...]] = {}
    complements: dict[str, tuple[str, ...]] = {}
    rhythms: Rules = ()
    """churn.risk by visits."""
    leaving: dict[Place, Rules] = {}
    """churn.risk by stages reached."""

    def rank(self, topic: str, stage: str) -> int:
        """How far a stage is on its ladder, from 0; -1 for one the ladder does not have."""
        return self.ranks.get(family(topic), {}).get(stage, -1)


def compile_playbook(playbook: Playbook, version: str = "") -> CompiledPlaybook:
    """The compiled playbook. RuleErrors says every mistake, where it is and how to mend it."""
    errors: list[RuleError] = []
    if playbook.version != 1:
        said = f"this Daehwa reads version 1, not {playbook.version}"
        errors.append(RuleError("version", said))
    for name, ladder in playbook.ladders.items():
        if not ladder or len(set(ladder)) != len(ladder):
            errors.append(RuleError(f"ladders.{name}", "list each stage once, first to last"))
    dispatch = compile_matches(playbook, errors)
    relationship = compile_relationship(playbook, errors)
    segments = compile_segments(playbook, relationship, errors)
    by_name: dict[str, tuple[str, CompiledRule]] = {}
    for index, rule in enumerate(playbook.triggers):
        where = f"triggers[{index}]"
        if rule.name in by_name:
            said = f"there is already a trigger named {rule.name!r}"
            errors.append(RuleError(f"{where}.name", said))
        compiled = compile_trigger(rule, where, playbook, errors)
        if compiled is not None:
            by_name.setdefault(rule.name, (rule.when, compiled))
    check_endpoints(playbook, errors)
    policy = compile_policy(playbook, errors)
    campaigns, conversions = compile_campaigns(playbook, errors)
    complements = compile_complements(playbook, errors)
    if errors:
        raise RuleErrors(tuple(errors))
    rules = [rule for _, rule in by_name.values()]
    asked = any(rule.when == "lifecycle.changed" for rule in rules) or asks(
        "relationship", (*(segment.expression for segment in segments), *_conditions(rules))
    )
    silent = [rule for rule in _of(rules, "churn.risk") if not rule.stages]
    return CompiledPlaybook(
        dispatch=dispatch,
        ranks={
            name: {stage: rank for rank, stage in enumerate(ladder)}
            for name, ladder in playbook.ladders.items()
        },
        reached=_placed(rules, "stage.reached", playbook),
        stalled=_placed(rules, "stage.stalled", playbook),
        offers=_placed(rules, "offer.next", playbook),
        churn=tuple(rule for rule in silent if rule.by == "purchases"),
        by_name=by_name,
        source=playbook,
        version=version,
        segments=segments,
        segments_by_group=_by_group(segments),
        silences=_of(rules, "silence"),
        entered=_by_segment(rules, "segment.entered"),
        left=_by_segment(rules, "segment.left"),
        lifecycle=_of(rules, "lifecycle.changed"),
        overdue=_clocks(rules, playbook),
        relationship=relationship if asked or relationship.blocked is not None else None,
        policy=policy,
        campaigns=campaigns,
        conversions=conversions,
        complements=complements,
        rhythms=tuple(rule for rule in silent if rule.by == "visits"),
        leaving=_placed((rule for rule in rules if rule.stages), "churn.risk", playbook),
    )


def _conditions(rules: Iterable[CompiledRule]) -> list[Expression]:
    return [rule.condition for rule in rules if rule.condition is not None]


def _of(rules: Iterable[CompiledRule], when: str) -> Rules:
    return tuple(rule for rule in rules if rule.when == when)


def _placed(rules: Iterable[CompiledRule], when: str, playbook: Playbook) -> dict[Place, Rules]:
    table: dict[Place, Rules] = {}
    for rule in _of(rules, when):
        for place in places_of(rule.topic, rule.stages, playbook.ladders):
            table[place] = (*table.get(place, ()), rule)
    return table


def _clocks(rules: Iterable[CompiledRule], playbook: Playbook) -> dict[Place, Rules]:
    table: dict[Place, Rules] = {}
    for rule in _of(rules, "complaint.overdue"):
        for place in stages_starting_a_clock(rule, playbook.ladders):
            table[place] = (*table.get(place, ()), rule)
    return table


def _by_segment(rules: Iterable[CompiledRule], when: str) -> dict[str, Rules]:
    table: dict[str, Rules] = {}
    for rule in _of(rules, when):
        name = rule.segment or ""
        table[name] = (*table.get(name, ()), rule)
    return table


def _by_group(segments: Iterable[CompiledSegment]) -> dict[str, tuple[CompiledSegment, ...]]:
    table: dict[str, tuple[CompiledSegment, ...]] = {}
    for segment in segments:
        for group in segment.groups:
            table[group] = (*table.get(group, ()), segment)
    return table
