"""The orders of one customer, as folded: what was bought, what of it was given back.

An order is a join-semilattice: its copies, updates, refunds and cancellation may come in any order
and any number of times, and the merge of two halves is the whole.
"""

import msgspec


class Order(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One order, by its id. Times are milliseconds since 1970; 0 means never."""

    placed_at: int = 0
    """Earliest time it was said to be placed. 0: only an update, a refund or a cancellation of it
    is known; then it counts as nothing yet."""
    amount: int = 0
    """Hundredths of the currency unit, as last stated."""
    currency: str = ""
    """ISO 4217; "" where none was given."""
    rank: int = 0
    """Authority of the stated amount, see `streams.orders.order`; 0: no amount was stated."""
    lag: int = 0
    """When the amount was stated, in milliseconds after `placed_at`: mostly 0."""
    cancelled_at: int = 0
    """Earliest time it was said to be cancelled."""
    refunds: dict[str, "Refund"] = {}
    """Refund id, or the hash of a refund that has none -> refund."""


class Refund(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Money given back for an order."""

    amount: int
    """Hundredths; `WHOLE` for all of the order."""
    currency: str = ""
    """"" where none was given: that of the order."""


WHOLE = -1
"""Amount of a refund of everything."""


class Purchases(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Totals of purchases. Time 0 means never."""

    purchases: int = 0
    first_purchase: int = 0
    last_purchase: int = 0
    spend: dict[str, int] = {}
    """Currency -> hundredths of its unit."""
    purchase_days: bytes = b""
    """See `streams.values.purchase_days`."""


NO_PURCHASES = Purchases()
