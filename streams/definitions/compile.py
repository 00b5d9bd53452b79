"""Compiles a playbook: reports every mistake, and builds the fold's dispatch tables."""

from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from schemas.models import Models
from schemas.playbook import Playbook
from schemas.profile import Profile
from streams.models.transitions import CountedTransitions
from streams.playbook.compiled import (
    CompiledPlaybook,
    Hook,
    Place,
    Rules,
    RulesHere,
)
from streams.playbook.endpoints import check_endpoints
from streams.playbook.errors import RuleError, RuleErrors
from streams.playbook.expressions import Expression
from streams.playbook.match_compiler import compile_matches
from streams.playbook.parts import CompiledRule, CompiledSegment
from streams.playbook.policy_compiler import (
    compile_campaigns,
    compile_complements,
    compile_policy,
)
from streams.segments.changes import watched
from streams.segments.compiler import asks, compile_relationship, compile_segments
from streams.segments.facts import facts_of
from streams.triggers.compiler import compile_trigger
from streams.triggers.registry import KINDS


def compile_playbook(playbook: Playbook, version: str = "") -> CompiledPlaybook:
    """The compiled playbook. RuleErrors says every mistake, where it is and how to mend it."""
    errors = _unwritable(playbook)
    if playbook.version != 1:
        said = f"this Daehwa reads version 1, not {playbook.version}"
        errors.append(RuleError("version", said))
    for name, ladder in playbook.ladders.items():
        if not ladder or len(set(ladder)) != len(ladder):
            errors.append(RuleError(f"ladders.{name}", "list each stage once, first to last"))
    dispatch = compile_matches(playbook, errors)
    relationship = compile_relationship(playbook, errors)
    segments = compile_segments(playbook, relationship, errors)
    rules = _compile_rules(playbook, errors)
    check_endpoints(playbook, errors)
    policy = compile_policy(playbook, errors)
    campaigns, conversions = compile_campaigns(playbook, errors)
    complements = compile_complements(playbook, errors)
    if errors:
        raise RuleErrors(tuple(errors))
    compiled = CompiledPlaybook(
        dispatch=dispatch,
        ranks={
            name: {stage: rank for rank, stage in enumerate(ladder)}
            for name, ladder in playbook.ladders.items()
        },
        source=playbook,
        version=version,
        rules=rules,
        segments=segments,
        ends=frozenset((name, ladder[-1]) for name, ladder in playbook.ladders.items()),
        policy=policy,
        region=playbook.region.upper(),
        order_ids=playbook.orders.id,
        shop_of={
            source: shop for shop, sources in playbook.orders.shops.items() for source in sources
        },
        campaigns=campaigns,
        conversions=conversions,
        complements=complements,
    )
    compiled = _with_hooks(compiled)
    asked = any(KINDS[name].follows_relationship for name in compiled.by_kind) or asks(
        "relationship",
        (*(segment.expression for segment in segments), *_conditions(rules.values())),
    )
    if asked or relationship.blocked is not None:
        compiled = replace(compiled, relationship=relationship)
    return _with_memberships(compiled)


def _compile_rules(playbook: Playbook, errors: list[RuleError]) -> dict[str, CompiledRule]:
    rules: dict[str, CompiledRule] = {}
    for index, rule in enumerate(playbook.triggers):
        where = f"triggers[{index}]"
        if rule.name in rules:
            said = f"there is already a trigger named {rule.name!r}"
            errors.append(RuleError(f"{where}.name", said))
        compiled = compile_trigger(rule, where, playbook, errors)
        if compiled is not None:
            rules.setdefault(rule.name, compiled)
    return rules


def _unwritable(playbook: Playbook) -> list[RuleError]:
    """What would come into profiles and triggers and cannot be written: halves of characters, which
    YAML takes from an escape (`"\\ud83d"`)."""
    segments = {f"segments.{name}": (name, one.if_) for name, one in playbook.segments.items()}
    parts: dict[str, object] = {
        "ladders": playbook.ladders,
        "complements": playbook.complements,
        "orders": playbook.orders,
        "items": playbook.items,
        **{f"match[{index}]": rule for index, rule in enumerate(playbook.match)},
        **{f"triggers[{index}]": rule for index, rule in enumerate(playbook.triggers)},
        **segments,
    }
    errors = []
    for where, part in parts.items():
        try:
            msgspec.json.encode(part)
        except UnicodeEncodeError as problem:
            said = f"{problem.object!a} holds half a character; write it whole"
            errors.append(RuleError(where, said))
    return errors


def _conditions(rules: Iterable[CompiledRule]) -> list[Expression]:
    return [rule.condition for rule in rules if rule.condition is not None]


def _with_hooks(playbook: CompiledPlaybook) -> CompiledPlaybook:
    """The playbook with its rules in the fold's dispatch tables, in the order of the registry."""
    ladders = playbook.source.ladders
    by_kind: dict[str, Rules] = {}
    by_place: dict[str, dict[Place, Rules]] = {}
    hooks: dict[str, list[Hook]] = {
        "new_day": [],
        "membership": [],
        "purchase": [],
        "day": [],
        "event": [],
    }
    immediate: dict[Place, list[Hook]] = {}
    waiting: dict[Place, list[Hook]] = {}
    for kind in KINDS.values():
        rules = tuple(rule for rule in playbook.rules.values() if rule.when == kind.name)
        if not rules:
            continue
        by_kind[kind.name] = rules
        for rule in rules:
            armed_by = kind.deadline.armed_by(rule) if kind.deadline is not None else None
            if kind.on_new_day is not None and (kind.deadline is None or armed_by == "day"):
                hooks["new_day"].append((rule, kind.on_new_day))
            if kind.on_membership is not None:
                hooks["membership"].append((rule, kind.on_membership))
            if kind.deadline is not None and armed_by in hooks:
                hooks[armed_by].append((rule, kind.deadline.due_at))
            if kind.at_stage is None and armed_by != "stage":
                continue
            for place in kind.places(rule, ladders):
                table = by_place.setdefault(kind.name, {})
                table[place] = (*table.get(place, ()), rule)
                if kind.at_stage is not None:
                    immediate.setdefault(place, []).append((rule, kind.at_stage))
                if kind.deadline is not None and armed_by == "stage":
                    waiting.setdefault(place, []).append((rule, kind.deadline.due_at))
    return replace(
        playbook,
        by_kind=by_kind,
        by_place=by_place,
        rules_here={
            place: RulesHere(
                playbook.ranks.get(place[0], {}),
                tuple(immediate.get(place, ())),
                tuple(waiting.get(place, ())),
            )
            for place in {*immediate, *waiting}
        },
        on_new_day=tuple(hooks["new_day"]),
        on_membership=tuple(hooks["membership"]),
        purchase_deadlines=tuple(hooks["purchase"]),
        day_deadlines=tuple(hooks["day"]),
        event_deadlines=tuple(hooks["event"]),
        promises=_promises(by_place, playbook.source),
    )


def _promises(by_place: dict[str, dict[Place, Rules]], playbook: Playbook) -> dict[str, Rules]:
    table: dict[str, Rules] = {}
    for kind in KINDS.values():
        if not kind.promises:
            continue
        here = by_place.get(kind.name, {})
        for name, (first, *others) in playbook.ladders.items():
            for rule in here.get((name, first), ()):
                waited = all(rule in here.get((name, stage), ()) for stage in others[:-1])
                if waited and rule.condition is None:
                    table[name] = (*table.get(name, ()), rule)
    return table


def _with_memberships(playbook: CompiledPlaybook) -> CompiledPlaybook:
    """The playbook with the events after which segments and the relationship are evaluated."""
    relationship = playbook.relationship
    if relationship is not None:
        written = (relationship.blocked, relationship.partner, relationship.advocate,
                   relationship.regular)  # fmt: skip
        if any(one is not None and _holds_of_nobody(one, playbook) for one in written):
            relationship = replace(relationship, groups=relationship.groups | {"first"})
    table: dict[str, tuple[CompiledSegment, ...]] = {}
    for segment in playbook.segments:
        groups = set(segment.groups)
        # A new customer has the facts of an empty profile in all groups that the first event did
        # not change.
        if _holds_of_nobody(segment.expression, playbook):
            groups.add("first")
        elif "relationship" in segment.expression.names and relationship is not None:
            groups |= relationship.groups
        for group in groups:
            table[group] = (*table.get(group, ()), segment)
    timed = {segment.name for group in ("time", "quiet") for segment in table.get(group, ())}
    dormant = relationship is not None and relationship.dormant is not None
    return replace(
        playbook,
        relationship=relationship,
        segments_by_group=table,
        watched=watched({*table, *(relationship.groups if relationship is not None else ())}),
        timed=tuple(segment for segment in playbook.segments if segment.name in timed),
        has_deadlines=bool(playbook.event_deadlines or timed) or dormant,
    )


def _holds_of_nobody(expression: Expression, playbook: CompiledPlaybook) -> bool:
    """Whether the expression holds for an empty profile."""
    nothing = Models(CountedTransitions())
    return expression.holds(facts_of(expression.names, Profile(""), 0, playbook.ranks, nothing))
