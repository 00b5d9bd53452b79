"""From a cause to a decision: condition, policy, deterministic id, and the memory of it.

Every decision goes through `decide`. A rule whose condition (`if`) does not hold decides nothing;
what policy holds back is a decision too, because a measured effect needs it.
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
from streams.policy.memory import MOST_SENT
from streams.policy.priority import in_order
from streams.policy.suppression import QUIET, held_back, quiet_end, spoken_with
from streams.policy.waiting import put_off
from streams.segments.facts import facts_of
from streams.triggers.candidate import Cause, Spark

__all__ = ["Cause", "Spark", "decide", "trigger_id"]


def decide(
    profile: Profile,
    found: Sequence[Spark],
    book: CompiledPlaybook,
    models: Models,
    effects: list[Effect],
) -> Decisions:
    """The memory with the decisions on everything that one event caused, after those in `profile`,
    which is the customer after the event. The triggers are appended to `effects`.

    Of what speaks on the same channel only the first in the order of `policy.priority` may fire.
    """
    decisions = profile.decisions
    taken: set[str] = set()
    if len(found) > 1:
        found = in_order(found, book.by_name)
    for rule, cause in found:
        then = rule.then
        channel = then.channel
        condition = rule.condition
        if condition is not None and not condition.holds(
            facts_of(condition.names, profile, cause.decided_at, book, models, cause.facts())
        ):
            continue
        held = held_back(profile, decisions, rule, cause, taken, book, models)
        arm: str | None = None
        if held is None and channel is not None:
            taken.add(channel)
            out = _is_held_out(profile.key, rule, book)
            if out is not None:
                arm, held = ("held_out", "holdout") if out else ("treated", None)
        trigger = Trigger(
            id=trigger_id(rule.name, profile.key, cause.cause),
            type=cause.type,
            rule=rule.name,
            customer_id=profile.key,
            occurred_at=cause.occurred_at,
            decided_at=cause.decided_at,
            decision="fire" if held is None else "suppressed",
            reason=cause.reason,
            why=cause.why,
            topic=cause.topic,
            stage=cause.stage,
            suppressed_by=held,
            playbook=book.version,
        )
        if channel is not None or then.endpoint is not None or then.template or rule.priority:
            # Beyond fifteen arguments the constructor takes five times as long.
            trigger = replace(
                trigger,
                channel=channel,
                endpoint=then.endpoint,
                template=then.template,
                campaign=rule.campaign,
                arm=arm,
                priority=rule.priority,
            )
        effects.append(trigger)
        decisions = _remembered(decisions, trigger, rule, cause, book)
        if held is None and cause.type == "offer.next" and cause.topic is not None:
            segment = str(cause.why.get("segment", ""))
            decisions = shown(decisions, cause.topic, segment, cause.decided_at, effects)
        if held == QUIET:
            until = quiet_end(profile, cause.decided_at, book)
            if until is not None:
                decisions = put_off(decisions, rule.name, cause, until, effects)
    return decisions


def trigger_id(rule: str, customer: str, cause: str) -> str:
    """128-bit XXH3 of (rule, customer, cause) in hexadecimal, prefixed `trg_`."""
    return "trg_" + xxh3_128_hexdigest(
        "\x1f".join((rule, customer, cause)).encode("utf-8", "surrogatepass")
    )


def _is_held_out(key: str, rule: CompiledRule, book: CompiledPlaybook) -> bool | None:
    """Whether the customer is kept to compare with by a rule that speaks to them, None where nobody
    is."""
    everywhere = book.policy.holdout
    campaign = book.campaigns.get(rule.campaign) if rule.campaign is not None else None
    if campaign is None:
        return is_held_out(key, everywhere) if everywhere else None
    return is_held_out(key, everywhere) or is_held_out(key, campaign.holdout, campaign.name)


def _remembered(
    decisions: Decisions,
    trigger: Trigger,
    rule: CompiledRule,
    cause: Cause,
    book: CompiledPlaybook,
) -> Decisions:
    """The memory with one more decision.

    Caps and cooldown count what a hold-out kept back as if it had been said: the two groups are to
    differ in nothing but the message.
    """
    held = trigger.suppressed_by
    fired = decisions.fired
    spoken = decisions.spoken
    if held is None or trigger.arm is not None:
        if rule.cooldown:
            at = max(cause.decided_at, fired.get(rule.name, 0))
            fired = {**fired, rule.name: at}
        if rule.cap is not None or rule.then.channel is not None:
            spoken = spoken_with(spoken, rule, cause, book)
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
    latest = (*decisions.sent[1 - MOST_SENT :], sent)
    return replace(decisions, fired=fired, sent=latest, spoken=spoken)
