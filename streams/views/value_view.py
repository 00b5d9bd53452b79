"""The parts `churn` and `value` of the 360° view: how likely the customer is to come back, and what
they are worth."""

from collections.abc import Callable, Mapping
from typing import Any

from schemas.models import Models
from schemas.profile import Lifecycle
from streams.models.churn import alive_at, churn_deadline
from streams.models.rhythm import silence_deadline
from streams.models.tiers import tier_of
from streams.models.value import residual_value
from streams.playbook.compiled import CompiledPlaybook
from streams.profile.active_days import active_days, known_days

Instant = Callable[[int], str | None]
"""Milliseconds as text; None for 0."""

Money = Callable[[Mapping[str, int]], dict[str, str]]
"""Hundredths by currency as decimal text."""


def churn_view(
    life: Lifecycle, playbook: CompiledPlaybook, models: Models, now: int, instant: Instant
) -> dict[str, Any]:
    """P(alive) at `now` (milliseconds), and when silence will fire the first rule that waits for
    it: by purchases, and by visits where a rule asks for that."""
    alive = alive_at(life, now, models.churn)
    threshold = max(
        (rule.p_alive for rule, _ in playbook.purchase_deadlines if rule.when == "churn.risk"),
        default=None,
    )
    deadline = None
    if threshold is not None and life.purchases > 0:
        deadline = churn_deadline(life, threshold, models.churn)
    visits = [
        silence_deadline(life, rule.chance, rule.least_days)
        for rule, _ in playbook.day_deadlines
        if rule.when == "churn.risk"
    ]
    return {
        "p_alive": None if alive is None else round(alive, 4),
        "threshold": threshold,
        "deadline": instant(deadline or 0),
        "model": "fitted" if models.churn.fitted else "default",
        "active_days": active_days(life),
        "of_days": known_days(life) if life.active_day else 0,
        "visit_deadline": instant(min((due for due in visits if due is not None), default=0)),
    }


def value_view(life: Lifecycle, models: Models, now: int, money: Money) -> dict[str, Any]:
    """What was spent, and what is to be expected within the horizon, were the customer kept and as
    things are; `tier` says who they are among all."""
    average = {}
    # Purchases are not counted per currency: over several, an average would be made up.
    if life.purchases > 0 and len(life.spend) == 1:
        average = {name: round(amount / life.purchases) for name, amount in life.spend.items()}
    found = residual_value(life, now, models.churn, models.value)
    residual = None
    if found is not None:

        def of(amount: float) -> str:
            return money({found.currency: round(amount * 100)})[found.currency]

        residual = {
            "currency": found.currency,
            "if_kept": of(found.if_kept),
            "expected": of(found.expected),
            "at_stake": of(found.at_stake),
            "purchases_if_kept": round(found.purchases_if_kept, 2),
            "per_purchase": of(found.per_purchase),
            "horizon_weeks": models.value.horizon_weeks,
        }
    return {
        "spend": money(life.spend),
        "purchases": life.purchases,
        "average_order": money(average),
        "residual": residual,
        "tier": tier_of(life.spend, models.learned),
    }
