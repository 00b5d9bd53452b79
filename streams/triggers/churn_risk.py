"""`churn.risk`: the customer's own rhythm says that by now they would have come back."""

from datetime import UTC, datetime

from schemas.models import BgNbd
from schemas.profile import Lifecycle
from streams.churn import alive_at
from streams.durations import in_words
from streams.playbook import CompiledRule
from streams.triggers.deciding import Cause


def at_risk(
    lifecycle: Lifecycle, rule: CompiledRule, due: int, decided_at: int, model: BgNbd
) -> Cause:
    """The cause, in words: how often and when last they bought, and what the model makes of it."""
    alive = alive_at(lifecycle, due, model)
    last = datetime.fromtimestamp(lifecycle.last_purchase / 1000, UTC).date().isoformat()
    return Cause(
        type="churn.risk",
        cause=f"{lifecycle.purchases}\x1f{lifecycle.last_purchase}",
        occurred_at=due,
        decided_at=decided_at,
        reason=(
            f"bought {lifecycle.purchases} times, last on {last}, then nothing for "
            f"{in_words(due - lifecycle.last_purchase)}: the chance that they come back "
            f"fell below {rule.p_alive:.0%}"
            + ("" if model.fitted else " (default model, not fitted to this shop yet)")
        ),
        why={
            "p_alive": round(alive or 0.0, 4),
            "threshold": rule.p_alive,
            "repeat_purchases": lifecycle.purchases - 1,
            "last_purchase": lifecycle.last_purchase,
            "model": "fitted" if model.fitted else "default",
        },
    )
