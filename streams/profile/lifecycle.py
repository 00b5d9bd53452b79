"""Lifecycle facts of a customer: first and last seen, active days. Purchases are those of
`streams.orders.ledger`."""

from schemas.event import Event
from schemas.profile import Lifecycle
from streams.profile.active_days import add_active_day
from streams.values.purchase_days import DAY


def update_lifecycle(life: Lifecycle, event: Event) -> Lifecycle:
    """The lifecycle after `event`, its purchases as before."""
    at = event.occurred_at
    first = life.first_seen
    active_day, active_days = life.active_day, life.active_days
    day = at // DAY
    # What the shop says to the customer is no sign of life.
    if day != active_day and event.direction != "outbound":
        active_day, active_days = add_active_day(active_day, active_days, day)
    return Lifecycle(
        at if not first or at < first else first,
        at if at > life.last_seen else life.last_seen,
        life.events + 1,
        life.purchases,
        life.first_purchase,
        life.last_purchase,
        life.spend,
        life.purchase_days,
        active_day,
        active_days,
    )
