"""`churn.risk`: the customer's own rhythm says that by now they would have come back, or they have
said themselves that they leave."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from schemas.decisions import Waiting
from schemas.event import Event
from schemas.models import Models
from schemas.profile import Lifecycle
from streams.models.churn import alive_at, churn_deadline, repeat_days
from streams.models.rhythm import (
    BEFORE,
    LATE,
    rhythm,
    sharp_fall,
    silence_chance,
    silence_deadline,
)
from streams.models.tiers import tier_of
from streams.models.value import residual_value
from streams.playbook.matching import Match
from streams.playbook.parts import CompiledRule
from streams.profile.active_days import active_days, known_days
from streams.triggers.candidate import Cause, Spark
from streams.values.durations import in_words
from streams.values.purchase_days import DAY

_SILENT, _FALL = "silent", "fall"
"""How the causes by visits begin; those by purchases begin with their number."""


def risk_due(life: Lifecycle, rule: CompiledRule, models: Models) -> int | None:
    """The instant (milliseconds) at which silence becomes a risk; None where it never does, or the
    rule waits for a stage."""
    if rule.stages:
        return None
    if rule.by == "visits":
        return silence_deadline(life, rule.chance, rule.least_days)
    return churn_deadline(life, rule.p_alive, models.churn)


def was_said(before: Lifecycle, life: Lifecycle, rule: CompiledRule, models: Models) -> bool:
    """Whether the rule, with no deadline pending, spoke `before` a merge already of what it would
    speak of after it, under the same id."""
    if rule.by == "visits":
        same = life.active_day == before.active_day
    else:
        same = (life.purchases, life.last_purchase) == (before.purchases, before.last_purchase)
    return same and risk_due(before, rule, models) is not None


def at_risk(
    life: Lifecycle, rule: CompiledRule, due: int, decided_at: int, models: Models
) -> Cause:
    """Silence, in words: how often and when last they came, and what the model makes of it."""
    if rule.by == "visits":
        return _silent(life, rule, due, decided_at, models)
    model = models.churn
    days = repeat_days(life) + 1
    return Cause(
        type="churn.risk",
        cause=f"{life.purchases}\x1f{life.last_purchase}",
        occurred_at=due,
        decided_at=decided_at,
        reason=(
            f"bought on {_days(days)}, last on {_date(life.last_purchase)}, then nothing for "
            f"{in_words(due - life.last_purchase)}: the chance that they come back "
            f"fell below {rule.p_alive:.0%}"
            + ("" if model.fitted else " (default model, not fitted to this shop yet)")
        ),
        why={
            "threshold": rule.p_alive,
            "repeat_purchases": days - 1,
            "last_purchase": life.last_purchase,
            **stake(life, due, models),
        },
    )


def falls(
    before: Lifecycle,
    life: Lifecycle,
    event: Event,
    rules: Sequence[CompiledRule],
    models: Models,
) -> list[Spark]:
    """What a visit on a new day makes the rules say; `before` and `life` without and with it."""
    found = []
    for rule in rules:
        cause = fallen(before, life, rule, event, models)
        if cause is not None:
            found.append((rule, cause))
    return found


def fallen(
    before: Lifecycle, life: Lifecycle, rule: CompiledRule, event: Event, models: Models
) -> Cause | None:
    """A sharp fall of the customer's own rhythm that the visit of a new day shows; None where there
    is none, or the visit before it showed it already."""
    fall = sharp_fall(life, life.active_day, rule.chance, rule.least_days)
    if fall is None:
        return None
    if sharp_fall(before, before.active_day, rule.chance, rule.least_days) is not None:
        return None
    return Cause(
        type="churn.risk",
        cause=f"{_FALL}\x1f{life.active_day}",
        occurred_at=event.occurred_at,
        decided_at=event.received_at,
        reason=(
            f"here on {_days(fall.late)} of the last {LATE}, on {fall.before} of the {BEFORE} "
            f"before: so few by chance are {_percent(fall.chance)} probable"
        ),
        why={
            "chance": round(fall.chance, 6),
            "threshold": rule.chance,
            "active_days_lately": fall.late,
            "active_days_before": fall.before,
            **stake(life, event.occurred_at, models),
        },
    )


def announced(life: Lifecycle, found: Match, event: Event, models: Models) -> Cause:
    """The customer has reached a stage at which people leave. Then all of their value is at
    stake, whatever the model thought."""
    why = stake(life, event.occurred_at, models)
    if "residual_value_if_kept" in why:
        why["value_at_stake"] = why["residual_value_if_kept"]
    return Cause(
        type="churn.risk",
        cause=f"{found.topic}\x1f{found.stage}\x1f{event.message_id}",
        occurred_at=event.occurred_at,
        decided_at=event.received_at,
        reason=f"reached {found.stage} on {found.topic} ({event.channel})",
        why={"channel": event.channel, **why},
        topic=found.topic,
        stage=found.stage,
    )


def still_at_risk(late: Waiting, rule: CompiledRule, life: Lifecycle) -> bool:
    """Whether what waits over night is so in the morning: no purchase or visit since ended the
    silence, visits are as few. A stage that was reached stays reached."""
    if late.topic is not None:
        return True
    kind, _, since = late.cause.partition("\x1f")
    if kind == _SILENT:
        return since.partition("\x1f")[0] == str(life.active_day)
    if kind == _FALL:
        return sharp_fall(life, life.active_day, rule.chance, rule.least_days) is not None
    return life.last_purchase == late.why.get("last_purchase")


def stake(life: Lifecycle, at: int, models: Models) -> dict[str, Any]:
    """What the model knows of the customer at an instant (milliseconds), and what would be lost:
    `value_at_stake` = (1 - p_alive) * `residual_value_if_kept`, money in units of `currency`.
    Of somebody who has not bought only which model it is."""
    known: dict[str, Any] = {"model": "fitted" if models.churn.fitted else "default"}
    alive = alive_at(life, at, models.churn)
    if alive is not None:
        known["p_alive"] = round(alive, 4)
    value = residual_value(life, at, models.churn, models.value)
    if value is not None:
        known |= {
            "value_at_stake": round(value.at_stake, 2),
            "residual_value_if_kept": round(value.if_kept, 2),
            "currency": value.currency,
            "horizon_weeks": models.value.horizon_weeks,
        }
    tier = tier_of(life.spend, models.learned)
    if tier is not None:
        known["tier"] = tier
    return known


def _silent(
    life: Lifecycle, rule: CompiledRule, due: int, decided_at: int, models: Models
) -> Cause:
    active, days = active_days(life), known_days(life)
    chance = silence_chance(life, due)
    silent_days = due // DAY - life.active_day - 1
    return Cause(
        type="churn.risk",
        cause=f"{_SILENT}\x1f{life.active_day}",
        occurred_at=due,
        decided_at=decided_at,
        reason=(
            f"here on {active} of {_days(days)}, last on {_date(life.active_day * DAY)}, then not "
            f"for {_days(silent_days)}: so long by chance is {_percent(chance)} probable"
        ),
        why={
            "chance": round(chance, 6),
            "threshold": rule.chance,
            "active_days": active,
            "known_days": days,
            "rhythm": round(rhythm(life), 4),
            "silent_days": silent_days,
            **stake(life, due, models),
        },
    )


def _date(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).date().isoformat()


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


def _percent(chance: float) -> str:
    return f"{chance:.1%}" if chance >= 0.001 else "less than 0.1%"
