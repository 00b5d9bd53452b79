"""The playbook compiled for the fold: every question the fold asks is one look-up."""

import msgspec

from schemas.playbook import Playbook, TriggerRule
from streams.durations import milliseconds
from streams.matching import Dispatch, RuleError, compile_matches
from streams.suggestions import choices
from streams.topics import family


class CompiledRule(msgspec.Struct, frozen=True):
    """A trigger rule with its durations in milliseconds."""

    name: str
    topic: str
    beginning: str | None
    """How the topics it speaks of begin; None where it is one exact topic."""
    stages: tuple[str, ...]
    after: int
    expires: int | None
    cooldown: int
    p_alive: float
    least_customers: int

    def covers(self, topic: str) -> bool:
        """Whether the rule speaks of this topic."""
        beginning = self.beginning
        return topic == self.topic if beginning is None else topic.startswith(beginning)


class CompiledPlaybook(msgspec.Struct, frozen=True):
    """What the fold reads. Rules by stage are indexed by (topic family, stage)."""

    dispatch: Dispatch
    ranks: dict[str, dict[str, int]]
    reached: dict[tuple[str, str], tuple[CompiledRule, ...]]
    stalled: dict[tuple[str, str], tuple[CompiledRule, ...]]
    offers: dict[tuple[str, str], tuple[CompiledRule, ...]]
    churn: tuple[CompiledRule, ...]
    by_name: dict[str, tuple[str, CompiledRule]]
    """Trigger rule name -> (its `when`, the rule)."""

    def rank(self, topic: str, stage: str) -> int:
        """How far a stage is on its ladder, from 0; -1 for one the ladder does not have."""
        return self.ranks.get(family(topic), {}).get(stage, -1)


def compile_playbook(playbook: Playbook) -> CompiledPlaybook:
    """The compiled playbook. RuleError says which rule is wrong and how to mend it."""
    if playbook.version != 1:
        raise RuleError("version", f"this Daehwa reads version 1, not {playbook.version}")
    for name, ladder in playbook.ladders.items():
        if not ladder or len(set(ladder)) != len(ladder):
            raise RuleError(f"ladders.{name}", "list each stage once, first to last")
    by_stage: dict[str, dict[tuple[str, str], tuple[CompiledRule, ...]]] = {
        "stage.reached": {},
        "stage.stalled": {},
        "offer.next": {},
    }
    churn: list[CompiledRule] = []
    by_name: dict[str, tuple[str, CompiledRule]] = {}
    for index, rule in enumerate(playbook.triggers):
        where = f"triggers[{index}]"
        if rule.name in by_name:
            raise RuleError(f"{where}.name", f"there is already a trigger named {rule.name!r}")
        compiled = _compile(rule, where)
        by_name[rule.name] = (rule.when, compiled)
        if rule.when == "churn.risk":
            churn.append(compiled)
            continue
        table = by_stage[rule.when]
        for pair in _stages_of(rule, where, playbook):
            table[pair] = (*table.get(pair, ()), compiled)
    return CompiledPlaybook(
        dispatch=compile_matches(playbook),
        ranks={
            name: {stage: rank for rank, stage in enumerate(ladder)}
            for name, ladder in playbook.ladders.items()
        },
        reached=by_stage["stage.reached"],
        stalled=by_stage["stage.stalled"],
        offers=by_stage["offer.next"],
        churn=tuple(churn),
        by_name=by_name,
    )


def _compile(rule: TriggerRule, where: str) -> CompiledRule:
    def duration(name: str) -> int | None:
        text = getattr(rule, name)
        if text is None:
            return None
        try:
            return milliseconds(text)
        except ValueError as problem:
            raise RuleError(f"{where}.{name}", str(problem)) from None

    if not rule.name or "|" in rule.name:
        raise RuleError(f"{where}.name", "a trigger needs a name, without |")
    after = duration("after")
    if rule.when == "stage.stalled" and not after:
        raise RuleError(where, "a stage.stalled trigger needs `after`, for example after: 30m")
    if rule.when == "stage.stalled" and not rule.stages:
        raise RuleError(where, "a stage.stalled trigger needs the `stages` a customer is left at")
    if not 0 < rule.p_alive < 1:
        raise RuleError(f"{where}.p_alive", "write a probability between 0 and 1")
    if rule.least_customers < 1:
        raise RuleError(f"{where}.least_customers", "write 1 or more")
    return CompiledRule(
        name=rule.name,
        topic=rule.topic,
        beginning=rule.topic[:-1] if rule.topic == "*" or rule.topic.endswith("/*") else None,
        stages=rule.stages,
        after=after or 0,
        expires=duration("expires"),
        cooldown=duration("cooldown") or 0,
        p_alive=rule.p_alive,
        least_customers=rule.least_customers,
    )


def _stages_of(rule: TriggerRule, where: str, playbook: Playbook) -> list[tuple[str, str]]:
    families = list(playbook.ladders) if rule.topic == "*" else [family(rule.topic)]
    literal = any(match.topic == rule.topic for match in playbook.match)
    if rule.topic in playbook.ladders and not literal:
        raise RuleError(
            f"{where}.topic", f"no topic is called {rule.topic!r}; write '{rule.topic}/*' for all"
        )
    pairs = []
    for name in families:
        ladder = playbook.ladders.get(name)
        if ladder is None:
            raise RuleError(
                f"{where}.topic", f"no ladder for {name!r}; {choices(name, playbook.ladders)}"
            )
        pairs += [(name, stage) for stage in ladder if not rule.stages or stage in rule.stages]
    for stage in rule.stages:
        if all(stage not in playbook.ladders[name] for name in families):
            known = [name for family_name in families for name in playbook.ladders[family_name]]
            raise RuleError(
                f"{where}.stages", f"{stage!r} is not a stage there; {choices(stage, known)}"
            )
    return pairs
