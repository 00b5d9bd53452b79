"""One trigger of a playbook, checked and compiled."""

import msgspec

from schemas.playbook import Playbook, TriggerRule
from streams.playbook.errors import RuleError
from streams.playbook.parts import CompiledCap, CompiledRule, beginning_of
from streams.playbook.places import check_topic
from streams.playbook.policy_compiler import compile_cap
from streams.playbook.suggestions import choices
from streams.segments.compiler import FOR_TRIGGERS, condition
from streams.triggers.kind import TriggerKind, Wrong
from streams.triggers.registry import KINDS
from streams.values.durations import milliseconds

_DEFAULTS = {field.name: field.default for field in msgspec.structs.fields(TriggerRule)}


def compile_trigger(
    rule: TriggerRule, where: str, playbook: Playbook, errors: list[RuleError]
) -> CompiledRule | None:
    """The trigger; None where it is wrong, with every mistake appended to `errors`."""
    before = len(errors)

    def wrong(field: str, said: str) -> None:
        errors.append(RuleError(f"{where}.{field}" if field else where, said))

    def duration(field: str) -> int | None:
        text = getattr(rule, field)
        try:
            return None if text is None else milliseconds(text)
        except ValueError as problem:
            wrong(field, str(problem))
            return None

    after = duration("after")
    if rule.after is not None and after == 0:
        wrong("after", "write more than 0")
    kind = KINDS.get(rule.when)
    if kind is None or not kind.in_playbook:
        known = [name for name, one in KINDS.items() if one.in_playbook]
        wrong("when", f"no trigger type is called {rule.when!r}; {choices(rule.when, known)}")
        return None
    _check_fields(rule, kind, wrong)
    if "topic" in kind.fields:
        check_topic(rule.topic, rule.stages, f"{where}.topic", f"{where}.stages", playbook, errors)
    for field, defined in (("segment", playbook.segments), ("campaign", playbook.campaigns)):
        name = getattr(rule, field)
        if name is not None and name not in defined:
            wrong(field, f"no {field} is called {name!r}; {choices(name, defined)}")
    _check_then(rule, where, playbook, errors)
    cap: CompiledCap | None = None
    if rule.cap is not None:
        cap = compile_cap(rule.cap, f"{where}.cap", errors)
    compiled = CompiledRule(
        name=rule.name,
        topic=rule.topic,
        beginning=beginning_of(rule.topic),
        stages=rule.stages,
        after=after or 0,
        expires=duration("expires"),
        cooldown=duration("cooldown") or 0,
        p_alive=rule.p_alive,
        least_customers=rule.least_customers,
        when=rule.when,
        condition=condition(rule.if_, f"{where}.if", FOR_TRIGGERS, errors),
        then=rule.then,
        cap=cap,
        respects_quiet_hours=rule.quiet_hours == "respect",
        priority=rule.priority,
        campaign=rule.campaign,
        segment=rule.segment,
        to=frozenset(rule.to),
        by=rule.by,
        chance=rule.chance,
        least_days=rule.least_days,
    )
    return compiled if len(errors) == before else None


def _check_fields(rule: TriggerRule, kind: TriggerKind, wrong: Wrong) -> None:
    if not rule.name or "|" in rule.name:
        wrong("name", "a trigger needs a name, without |")
    if not 0 < rule.p_alive < 1:
        wrong("p_alive", "write a probability between 0 and 1")
    if not 0 < rule.chance < 1:
        wrong("chance", "write a probability between 0 and 1")
    for field in ("least_customers", "least_days"):
        if getattr(rule, field) < 1:
            wrong(field, "write 1 or more")
    if kind.check is not None:
        kind.check(rule, wrong)
    for field, example in kind.required.items():
        if not getattr(rule, field):
            wrong("", f"a {rule.when} trigger needs {example}")
    for field, default in _DEFAULTS.items():
        users = [other.name for other in KINDS.values() if field in other.fields]
        if users and field not in kind.fields and getattr(rule, field) != default:
            said = f"{field!r} means nothing in a {rule.when} trigger, only in "
            wrong(field, said + " and ".join(users))


def _check_then(rule: TriggerRule, where: str, playbook: Playbook, errors: list[RuleError]) -> None:
    for field, known in (("endpoint", playbook.endpoints), ("template", playbook.templates)):
        name = getattr(rule.then, field)
        if name is not None and name not in known:
            said = f"no {field} is called {name!r}; {choices(name, known)}"
            errors.append(RuleError(f"{where}.then.{field}", said))
    endpoint = playbook.endpoints.get(rule.then.endpoint or "")
    if endpoint is not None and endpoint.kind == "email" and rule.then.template is None:
        said = "mail is written from a template: name one of `templates`"
        errors.append(RuleError(f"{where}.then", said))
