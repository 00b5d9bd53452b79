"""From a cause to a decision: deterministic id, policy, and the memory of it."""

from collections.abc import Mapping
from typing import Any

import msgspec
from xxhash import xxh3_128_hexdigest

from schemas.decisions import Decisions, Sent
from schemas.profile import Stamped
from schemas.trigger import Trigger, TriggerType
from streams.consent import EVERY_CHANNEL
from streams.merging import MOST_SENT
from streams.playbook import CompiledRule


class Cause(msgspec.Struct, frozen=True, gc=False):
    """What made a rule speak."""

    type: TriggerType
    cause: str
    """Together with rule and customer it names the decision: the same cause, the same id."""
    occurred_at: int
    decided_at: int
    reason: str
    why: dict[str, Any]
    topic: str | None = None
    stage: str | None = None


def decide(
    key: str,
    consent: Mapping[str, Stamped],
    decisions: Decisions,
    rule: CompiledRule,
    cause: Cause,
) -> tuple[Decisions, Trigger]:
    """The decision on a cause about the customer `key` and the memory that contains it, after the
    `decisions` so far.

    It fires, or policy suppresses it; either way it is a trigger, because a measured effect needs
    the ones that were held back.
    """
    held_back = _held_back(consent, decisions, rule, cause)
    trigger = Trigger(
        id=trigger_id(rule.name, key, cause.cause),
        type=cause.type,
        rule=rule.name,
        customer_id=key,
        occurred_at=cause.occurred_at,
        decided_at=cause.decided_at,
        decision="suppressed" if held_back else "fire",
        reason=cause.reason,
        why=cause.why,
        topic=cause.topic,
        stage=cause.stage,
        suppressed_by=held_back,
    )
    fired = decisions.fired
    if held_back is None and rule.cooldown:
        fired = {**fired, rule.name: cause.decided_at}
    sent = Sent(
        trigger.id,
        cause.type,
        rule.name,
        cause.decided_at,
        held_back is None,
        held_back or cause.reason,
        cause.topic,
        cause.stage,
    )
    latest = (*decisions.sent[1 - MOST_SENT :], sent)
    return Decisions(decisions.deadlines, fired, latest, decisions.last_topic), trigger


def trigger_id(rule: str, customer: str, cause: str) -> str:
    """128-bit XXH3 of (rule, customer, cause) in hexadecimal, prefixed `trg_`."""
    return "trg_" + xxh3_128_hexdigest(
        "\x1f".join((rule, customer, cause)).encode("utf-8", "surrogatepass")
    )


def _held_back(
    consent: Mapping[str, Stamped], decisions: Decisions, rule: CompiledRule, cause: Cause
) -> str | None:
    stated = consent.get(EVERY_CHANNEL)
    if stated is not None and stated.value is False:
        return "no_consent"
    if rule.expires is not None and cause.decided_at - cause.occurred_at > rule.expires:
        return "expired"
    if rule.cooldown:
        last = decisions.fired.get(rule.name)
        if last is not None and cause.decided_at - last < rule.cooldown:
            return "cooldown"
    return None
