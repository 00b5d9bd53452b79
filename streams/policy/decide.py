"""Decides candidates: condition, policy, deterministic id, memory.

Every decision goes through `decide`. A rule whose condition (`if`) does not hold makes no decision;
a suppressed candidate is a decision too, because measuring effects needs it.
"""

from collections.abc import Sequence

from msgspec.structs import replace
from xxhash import xxh3_128_hexdigest

from schemas.decisions import Decisions, Sent
from schemas.effect import Effect
from schemas.models import Models
from schemas.profile import Profile
from schemas.trigger import Trigger
from streams.models.offer_outcomes import shown
from streams.playbook.compiled import CompiledPlaybook
from streams.playbook.parts import CompiledRule
from streams.policy.holdouts import is_held_out
from streams.policy.memory import MAX_SENT
from streams.policy.priority import by_priority
from streams.policy.suppression import OFFERS, QUIET, quiet_end, spoken_with, suppression_reason
from streams.policy.waiting import postpone
from streams.segments.facts import facts_of
from streams.triggers.candidate import Candidate, Cause


def decide(
    profile: Profile,
    candidates: Sequence[Candidate],
    playbook: CompiledPlaybook,
    models: Models,
) -> tuple[Decisions, list[Effect]]:
    """The memory with the decisions on all candidates of one event, and the triggers with their
    effects. `profile` is the customer after the event. Of the candidates on one channel only the
    first in the order of `policy.priority` may fire.
    """
    decisions = profile.decisions
    effects: list[Effect] = []
    used: set[str] = set()
    if len(candidates) > 1:
        candidates = by_priority(candidates, playbook.rules)
    for candidate in candidates:
        rule, cause = candidate
        if not _holds(candidate, profile, playbook, models):
            continue
        held = suppression_reason(candidate, profile, decisions, used, playbook, models)
        arm: str | None = None
        channel = rule.then.channel
        if held is None and channel is not None:
            used.add(channel)
            out = _is_held_out(profile.key, rule, playbook)
            if out is not None:
                arm, held = ("held_out", "holdout") if out else ("treated", None)
        trigger = _trigger(candidate, profile.key, held, arm, playbook.version)
        effects.append(trigger)
        decisions = _remembered(decisions, trigger, rule, cause, playbook)
        if held is None and cause.type == OFFERS and cause.topic is not None:
            segment = str(cause.why.get("segment", ""))
            decisions, counted = shown(decisions, cause.topic, segment, cause.decided_at)
            effects.append(counted)
        if held == QUIET:
            until = quiet_end(profile, cause.decided_at, playbook)
            if until is not None:
                decisions, armed = postpone(decisions, rule.name, cause, until)
                effects += armed
    return decisions, effects


def _holds(
    candidate: Candidate, profile: Profile, playbook: CompiledPlaybook, models: Models
) -> bool:
    rule, cause = candidate
    condition = rule.condition
    if condition is None:
        return True
    now, ranks = cause.decided_at, playbook.ranks
    return condition.holds(facts_of(condition.names, profile, now, ranks, models, cause.facts()))


def _trigger(
    candidate: Candidate, customer: str, held: str | None, arm: str | None, version: str
) -> Trigger:
    rule, cause = candidate
    then = rule.then
    trigger = Trigger(
        id=trigger_id(rule.name, customer, cause.cause),
        type=cause.type,
        rule=rule.name,
        customer_id=customer,
        occurred_at=cause.occurred_at,
        decided_at=cause.decided_at,
        decision="fire" if held is None else "suppressed",
        reason=cause.reason,
        why=cause.why,
        topic=cause.topic,
        stage=cause.stage,
        suppressed_by=held,
        playbook=version,
    )
    if then.channel is not None or then.endpoint is not None or then.template or rule.priority:
        # With more than fifteen arguments the constructor takes five times as long.
        trigger = replace(
            trigger,
            channel=then.channel,
            endpoint=then.endpoint,
            template=then.template,
            campaign=rule.campaign,
            arm=arm,
            priority=rule.priority,
        )
    return trigger


def trigger_id(rule: str, customer: str, cause: str) -> str:
    """128-bit XXH3 of (rule, customer, cause) in hexadecimal, prefixed `trg_`."""
    return "trg_" + xxh3_128_hexdigest(
        "\x1f".join((rule, customer, cause)).encode("utf-8", "surrogatepass")
    )


def _is_held_out(key: str, rule: CompiledRule, playbook: CompiledPlaybook) -> bool | None:
    """Whether the customer is held out from the rule; None for a rule without a hold-out."""
    everywhere = playbook.policy.holdout
    campaign = playbook.campaigns.get(rule.campaign) if rule.campaign is not None else None
    if campaign is None:
        return is_held_out(key, everywhere) if everywhere else None
    return is_held_out(key, everywhere) or is_held_out(key, campaign.holdout, campaign.name)


def _remembered(
    decisions: Decisions,
    trigger: Trigger,
    rule: CompiledRule,
    cause: Cause,
    playbook: CompiledPlaybook,
) -> Decisions:
    """The memory with one more decision. Caps and cooldown count a trigger of a held-out customer
    as if it had fired: the two groups differ in the message only.
    """
    held = trigger.suppressed_by
    fired = decisions.fired
    spoken = decisions.spoken
    if held is None or trigger.arm is not None:
        if rule.cooldown:
            at = max(cause.decided_at, fired.get(rule.name, 0))
            fired = {**fired, rule.name: at}
        if rule.cap is not None or rule.then.channel is not None:
            spoken = spoken_with(spoken, rule, cause, playbook)
    sent = Sent(
        trigger.id,
        cause.type,
        rule.name,
        cause.decided_at,
        held is None,
        held or cause.reason,
        cause.topic,
        cause.stage,
    )
    latest = (*decisions.sent[1 - MAX_SENT :], sent)
    return replace(decisions, fired=fired, sent=latest, spoken=spoken)
