"""Lifecycle facts of a customer: first and last seen, purchases, spend, active days."""

from schemas.event import Event
from schemas.profile import Lifecycle
from streams.profile.active_days import add_active_day
from streams.values.money import add_spend, order_value
from streams.values.purchase_days import DAY, add_day


def update_lifecycle(life: Lifecycle, event: Event, is_purchase: bool) -> Lifecycle:
    """The lifecycle after `event`, which may be a purchase."""
    at = event.occurred_at
    first = life.first_seen
    active_day, active_days = life.active_day, life.active_days
    day = at // DAY
    # What the shop says to the customer is no sign of life.
    if day != active_day and event.direction != "outbound":
        active_day, active_days = add_active_day(active_day, active_days, day)
    first_seen = at if not first or at < first else first
    last_seen = at if at > life.last_seen else life.last_seen
    if not is_purchase:  # nineteen of twenty
        return Lifecycle(
            first_seen,
            last_seen,
            life.events + 1,
            life.purchases,
            life.first_purchase,
            life.last_purchase,
            life.spend,
            life.purchase_days,
            active_day,
            active_days,
        )
    currency, amount = order_value(event.properties)
    return Lifecycle(
        first_seen,
        last_seen,
        life.events + 1,
        life.purchases + 1,
        min(life.first_purchase, at) if life.first_purchase else at,
        max(life.last_purchase, at),
        add_spend(life.spend, {currency: amount}) if amount else life.spend,
        add_day(life.purchase_days, at),
        active_day,
        active_days,
    )
