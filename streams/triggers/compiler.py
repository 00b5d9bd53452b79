"""One trigger of a playbook, checked and compiled."""

from collections.abc import Callable

import msgspec

from schemas.playbook import Playbook, TriggerRule
from streams.playbook.errors import RuleError
from streams.playbook.parts import CompiledCap, CompiledRule, beginning_of
from streams.playbook.places import check_topic
from streams.playbook.policy_compiler import compile_cap
from streams.playbook.suggestions import choices
from streams.segments.compiler import FOR_TRIGGERS, condition
from streams.values.durations import milliseconds

RELATIONSHIP_STAGES = (
    "prospect", "first purchase", "regular", "advocate", "partner", "dormant", "blocked",
)  # fmt: skip

_USED_BY: dict[str, tuple[str, ...]] = {
    "topic": ("stage.reached", "stage.stalled", "offer.next", "complaint.overdue", "churn.risk"),
    "stages": ("stage.reached", "stage.stalled", "offer.next", "complaint.overdue", "churn.risk"),
    "after": ("stage.stalled", "silence", "complaint.overdue"),
    "segment": ("segment.entered", "segment.left"),
    "to": ("lifecycle.changed",),
    "p_alive": ("churn.risk",),
    "by": ("churn.risk",),
    "chance": ("churn.risk",),
    "least_days": ("churn.risk",),
    "least_customers": ("offer.next",),
}
"""Field -> the values of `when` that read it."""

_DEFAULTS = {field.name: field.default for field in msgspec.structs.fields(TriggerRule)}

_NEEDED = {
    "stage.stalled": (("after", "`after`, for example after: 30m"),
                      ("stages", "the `stages` a customer is left at")),
    "silence": (("after", "`after`, for example after: 60d"),),
    "complaint.overdue": (("after", "`after`, for example after: 48h"),),
    "segment.entered": (("segment", "a `segment`"),),
    "segment.left": (("segment", "a `segment`"),),
}  # fmt: skip


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
    _check_fields(rule, wrong)
    if rule.when in _USED_BY["topic"]:
        check_topic(rule.topic, rule.stages, f"{where}.topic", f"{where}.stages", playbook, errors)
    for field, known in (
        ("segment", playbook.segments),
        ("campaign", playbook.campaigns),
    ):
        name = getattr(rule, field)
        if name is not None and name not in known:
            wrong(field, f"no {field} is called {name!r}; {choices(name, known)}")
    for index, stage in enumerate(rule.to):
        if stage not in RELATIONSHIP_STAGES:
            said = f"{stage!r} is no relationship stage; {choices(stage, RELATIONSHIP_STAGES)}"
            wrong(f"to[{index}]", said)
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


def _check_fields(rule: TriggerRule, wrong: Callable[[str, str], None]) -> None:
    if not rule.name or "|" in rule.name:
        wrong("name", "a trigger needs a name, without |")
    if not 0 < rule.p_alive < 1:
        wrong("p_alive", "write a probability between 0 and 1")
    if not 0 < rule.chance < 1:
        wrong("chance", "write a probability between 0 and 1")
    for field in ("least_customers", "least_days"):
        if getattr(rule, field) < 1:
            wrong(field, "write 1 or more")
    if rule.when == "churn.risk" and rule.topic != "*" and not rule.stages:
        wrong("topic", "a churn.risk trigger reads it only together with `stages`")
    for field, example in _NEEDED.get(rule.when, ()):
        if not getattr(rule, field):
            wrong("", f"a {rule.when} trigger needs {example}")
    for field, users in _USED_BY.items():
        if rule.when not in users and getattr(rule, field) != _DEFAULTS[field]:
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
