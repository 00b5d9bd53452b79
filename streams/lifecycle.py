"""What the relationship with one customer amounts to, event by event."""

from schemas.event import Event
from schemas.profile import Lifecycle
from streams.money import add_spend, order_value


def lived(life: Lifecycle, event: Event, order: bool) -> Lifecycle:
    """The lifecycle after `event`, which is a purchase where `order`."""
    at = event.occurred_at
    first = life.first_seen
    purchases, first_purchase, last_purchase, spend = (
        life.purchases,
        life.first_purchase,
        life.last_purchase,
        life.spend,
    )
    if order:
        currency, amount = order_value(event.properties)
        purchases += 1
        first_purchase = min(first_purchase, at) if first_purchase else at
        last_purchase = max(last_purchase, at)
        if amount:
            spend = add_spend(spend, {currency: amount})
    return Lifecycle(
        at if not first or at < first else first,
        at if at > life.last_seen else life.last_seen,
        life.events + 1,
        purchases,
        first_purchase,
        last_purchase,
        spend,
    )
