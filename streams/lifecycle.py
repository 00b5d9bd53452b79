"""What the relationship with one customer amounts to, event by event."""

from schemas.event import Event
from schemas.profile import Lifecycle
from streams.money import add_spend, order_value
from streams.purchase_days import DAY, add_day
from streams.rhythm import add_active_day


def lived(life: Lifecycle, event: Event, order: bool) -> Lifecycle:
    """The lifecycle after `event`, which is a purchase where `order`."""
    at = event.occurred_at
    first = life.first_seen
    purchases, first_purchase, last_purchase, spend, days = (
        life.purchases,
        life.first_purchase,
        life.last_purchase,
        life.spend,
        life.purchase_days,
    )
    if order:
        currency, amount = order_value(event.properties)
        purchases += 1
        first_purchase = min(first_purchase, at) if first_purchase else at
        last_purchase = max(last_purchase, at)
        days = add_day(days, at)
        if amount:
            spend = add_spend(spend, {currency: amount})
    active_day, active_days = life.active_day, life.active_days
    day = at // DAY
    # What the shop says to the customer is no sign of life.
    if day != active_day and event.direction != "outbound":
        active_day, active_days = add_active_day(active_day, active_days, day)
    return Lifecycle(
        at if not first or at < first else first,
        at if at > life.last_seen else life.last_seen,
        life.events + 1,
        purchases,
        first_purchase,
        last_purchase,
        spend,
        days,
        active_day,
        active_days,
    )
