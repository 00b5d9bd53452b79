"""The playbook compiled for the fold: every question the fold asks is one look-up."""

from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from schemas.models import Models
from schemas.playbook import Playbook
from schemas.profile import Profile
from streams.models.transitions import CountedTransitions
from streams.playbook.endpoints import check_endpoints
from streams.playbook.errors import RuleError, RuleErrors
from streams.playbook.expressions import Expression
from streams.playbook.matching import Dispatch, compile_matches
from streams.playbook.parts import (
    CompiledCampaign,
    CompiledCap,
    CompiledPolicy,
    CompiledQuietHours,
    CompiledRelationship,
    CompiledRule,
    CompiledSegment,
    Here,
)
from streams.playbook.places import places_of, stages_starting_a_clock
from streams.playbook.policy_compiler import compile_campaigns, compile_complements, compile_policy
from streams.playbook.topics import family
from streams.segments.changes import Watched, watched
from streams.segments.compiler import asks, compile_relationship, compile_segments
from streams.segments.facts import facts_of
from streams.triggers.compiler import compile_trigger

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
    """Of the text it was read from, see `streams.definitions.definitions.version_of`; "" where
    from none."""
    segments: tuple[CompiledSegment, ...] = ()
    segments_by_group: dict[str, tuple[CompiledSegment, ...]] = {}
    watched: tuple[Watched, ...] = ()
    """What the segments and the relationship depend on; empty: nothing is ever looked at."""
    timed: tuple[CompiledSegment, ...] = ()
    """Those that days alone can change."""
    waits: bool = False
    """Whether any event, whatever it is about, may set a deadline."""
    here: dict[Place, Here] = {}
    """The rules by stage once more, all of a place together; without places nothing asks about."""
    silences: Rules = ()
    entered: dict[str, Rules] = {}
    """By segment."""
    left: dict[str, Rules] = {}
    """By segment."""
    lifecycle: Rules = ()
    overdue: dict[Place, Rules] = {}
    """By the stages that start the clock: every one of the ladder but the last."""
    clocks: dict[str, Rules] = {}
    """complaint.overdue of every case of a topic family and at every stage of it: what is promised
    to all. A rule with a condition, or of some stages, speaks of some cases only."""
    ends: frozenset[Place] = frozenset()
    """The last stages of the ladders."""
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
    overdue = _clocks(rules, playbook)
    asked = any(rule.when == "lifecycle.changed" for rule in rules) or asks(
        "relationship", (*(segment.expression for segment in segments), *_conditions(rules))
    )
    silent = [rule for rule in _of(rules, "churn.risk") if not rule.stages]
    book = CompiledPlaybook(
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
        silences=_of(rules, "silence"),
        entered=_by_segment(rules, "segment.entered"),
        left=_by_segment(rules, "segment.left"),
        lifecycle=_of(rules, "lifecycle.changed"),
        overdue=overdue,
        clocks=_promises(overdue, playbook),
        ends=frozenset((name, ladder[-1]) for name, ladder in playbook.ladders.items()),
        relationship=relationship if asked or relationship.blocked is not None else None,
        policy=policy,
        campaigns=campaigns,
        conversions=conversions,
        complements=complements,
        rhythms=tuple(rule for rule in silent if rule.by == "visits"),
        leaving=_placed((rule for rule in rules if rule.stages), "churn.risk", playbook),
    )
    return _indexed(book)


def _unwritable(playbook: Playbook) -> list[RuleError]:
    """What would come into profiles and triggers and cannot be written: halves of characters, which
    YAML takes from an escape (`"\\ud83d"`)."""
    segments = {f"segments.{name}": (name, one.if_) for name, one in playbook.segments.items()}
    parts: dict[str, object] = {
        "ladders": playbook.ladders,
        "complements": playbook.complements,
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


def _promises(overdue: dict[Place, Rules], playbook: Playbook) -> dict[str, Rules]:
    table: dict[str, Rules] = {}
    for name, (first, *others) in playbook.ladders.items():
        for rule in overdue.get((name, first), ()):
            waited = all(rule in overdue.get((name, stage), ()) for stage in others[:-1])
            if waited and rule.condition is None:
                table[name] = (*table.get(name, ()), rule)
    return table


def _by_segment(rules: Iterable[CompiledRule], when: str) -> dict[str, Rules]:
    table: dict[str, Rules] = {}
    for rule in _of(rules, when):
        name = rule.segment or ""
        table[name] = (*table.get(name, ()), rule)
    return table


def _indexed(book: CompiledPlaybook) -> CompiledPlaybook:
    """The playbook with the tables that save the fold its questions."""
    places = {*book.reached, *book.leaving, *book.offers, *book.stalled, *book.overdue}
    relationship = book.relationship
    if relationship is not None:
        written = (relationship.blocked, relationship.partner, relationship.advocate,
                   relationship.regular)  # fmt: skip
        if any(one is not None and _holds_of_nobody(one, book) for one in written):
            relationship = replace(relationship, groups=relationship.groups | {"first"})
    table: dict[str, tuple[CompiledSegment, ...]] = {}
    for segment in book.segments:
        groups = set(segment.groups)
        # Whoever is new is what nobody is, in all that their first event did not change.
        if _holds_of_nobody(segment.expression, book):
            groups.add("first")
        elif "relationship" in segment.expression.names and relationship is not None:
            groups |= relationship.groups
        for group in groups:
            table[group] = (*table.get(group, ()), segment)
    timed = {segment.name for group in ("time", "quiet") for segment in table.get(group, ())}
    return replace(
        book,
        relationship=relationship,
        segments_by_group=table,
        watched=watched({*table, *(relationship.groups if relationship is not None else ())}),
        timed=tuple(segment for segment in book.segments if segment.name in timed),
        waits=bool(book.silences or timed)
        or (relationship is not None and relationship.dormant is not None),
        here={place: _here(place, book) for place in places},
    )


def _holds_of_nobody(expression: Expression, book: CompiledPlaybook) -> bool:
    """Whether it is true of somebody of whom nothing has been heard."""
    nothing = Models(CountedTransitions())
    return expression.holds(facts_of(expression.names, Profile(""), 0, book, nothing))


def _here(place: Place, book: CompiledPlaybook) -> Here:
    reached, leaving = book.reached.get(place, ()), book.leaving.get(place, ())
    offers = book.offers.get(place, ())
    stalled, overdue = book.stalled.get(place, ()), book.overdue.get(place, ())
    return Here(
        ranks=book.ranks.get(place[0], {}),
        reached=reached,
        leaving=leaving,
        offers=offers,
        stalled=stalled,
        overdue=overdue,
        speaks=bool(reached or leaving or offers),
        waits=bool(stalled or overdue),
    )
