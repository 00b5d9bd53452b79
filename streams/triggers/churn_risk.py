"""`churn.risk`: the customer's own rhythm says that by now they would have come back, or they have
said themselves that they leave."""

from datetime import UTC, datetime
from typing import Any

from schemas.decisions import Decisions, Waiting
from schemas.event import Event
from schemas.models import Models
from schemas.playbook import TriggerRule
from schemas.profile import Lifecycle, Profile
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
from streams.playbook.change import Change
from streams.playbook.compiled import CompiledPlaybook, Place
from streams.playbook.parts import CompiledRule
from streams.playbook.places import Ladders
from streams.profile.active_days import active_days, known_days
from streams.triggers.candidate import Cause
from streams.triggers.kind import ArmedBy, Deadline, Due, TriggerKind, Wrong, rule_places
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


def was_decided(before: Lifecycle, life: Lifecycle, rule: CompiledRule, models: Models) -> bool:
    """Whether the rule, with no deadline pending, fired `before` a merge already for what it would
    fire for after it, under the same trigger id."""
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


def fallen(change: Change, rule: CompiledRule, models: Models) -> Cause | None:
    """A sharp fall of the customer's own rhythm that the visit of a new day shows; None where there
    is none, or the visit before it showed it already."""
    before, life, event = change.before.lifecycle, change.after.lifecycle, change.event
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


def announced(
    change: Change, index: int, rule: CompiledRule, playbook: CompiledPlaybook, models: Models
) -> Cause:
    """The customer has reached a stage at which people leave. Then all of their value is at
    stake, whatever the model thought."""
    match, event = change.matches[index], change.event
    why = stake(change.after.lifecycle, event.occurred_at, models)
    if "residual_value_if_kept" in why:
        why["value_at_stake"] = why["residual_value_if_kept"]
    return Cause(
        type="churn.risk",
        cause=f"{match.topic}\x1f{match.stage}\x1f{event.message_id}",
        occurred_at=event.occurred_at,
        decided_at=event.received_at,
        reason=f"reached {match.stage} on {match.topic} ({event.channel})",
        why={"channel": event.channel, **why},
        topic=match.topic,
        stage=match.stage,
    )


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


def _due_at(
    profile: Profile,
    decisions: Decisions,
    rule: CompiledRule,
    playbook: CompiledPlaybook,
    models: Models,
) -> int | None:
    return risk_due(profile.lifecycle, rule, models)


def _came_due(
    profile: Profile, rule: CompiledRule, timer: Event, playbook: CompiledPlaybook, models: Models
) -> Due:
    life, due = profile.lifecycle, timer.occurred_at
    risk_at = risk_due(life, rule, models)
    if risk_at is not None and risk_at <= due:
        return Due(profile.decisions, [at_risk(life, rule, due, timer.received_at, models)])
    return Due(profile.decisions, next_at=risk_at)


def _armed_by(rule: CompiledRule) -> ArmedBy | None:
    if rule.stages:
        return None
    return "purchase" if rule.by == "purchases" else "day"


def _places(rule: CompiledRule, ladders: Ladders) -> list[Place]:
    return rule_places(rule, ladders) if rule.stages else []


def _check(rule: TriggerRule, wrong: Wrong) -> None:
    if rule.topic != "*" and not rule.stages:
        wrong("topic", "a churn.risk trigger reads it only together with `stages`")


def _still_at_risk(
    waiting: Waiting, rule: CompiledRule, profile: Profile, playbook: CompiledPlaybook
) -> bool:
    """No purchase or visit since ended the silence, visits are as few. A stage that was reached
    stays reached."""
    life = profile.lifecycle
    if waiting.topic is not None:
        return True
    kind, _, since = waiting.cause.partition("\x1f")
    if kind == _SILENT:
        return since.partition("\x1f")[0] == str(life.active_day)
    if kind == _FALL:
        return sharp_fall(life, life.active_day, rule.chance, rule.least_days) is not None
    return life.last_purchase == waiting.why.get("last_purchase")


def _date(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).date().isoformat()


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


def _percent(chance: float) -> str:
    return f"{chance:.1%}" if chance >= 0.001 else "less than 0.1%"


CHURN_RISK = TriggerKind(
    name="churn.risk",
    label="may be leaving",
    colour="red",
    fields=frozenset({"topic", "stages", "p_alive", "by", "chance", "least_days"}),
    check=_check,
    places=_places,
    at_stage=announced,
    on_new_day=fallen,
    deadline=Deadline(
        armed_by=_armed_by, due_at=_due_at, came_due=_came_due, was_decided=was_decided
    ),
    still_holds=_still_at_risk,
)
