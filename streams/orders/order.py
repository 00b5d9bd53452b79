"""One order, folded: a join-semilattice over its copies, updates, refunds and cancellation."""

from collections.abc import Mapping

from schemas.orders import WHOLE, Order, Purchases, Refund
from streams.orders.told import Told
from streams.values.purchase_days import add_day

MAX_REFUNDS = 16
"""Refunds kept of one order, the largest: which ones stay never depends on their order."""

_NEW = Order()


def advance_order(order: Order | None, told: Told, at: int) -> Order:
    """The order after one event about it at `at` (milliseconds)."""
    found = _order_of(told, at)
    return found if order is None else merge_orders(order, found)


def _order_of(told: Told, at: int) -> Order:
    """An order of which only this event is known."""
    if told.step == "cancelled":
        return Order(cancelled_at=at)
    if told.step == "refunded":
        if told.amount is None:
            return _NEW
        return Order(refunds={told.refund: Refund(told.amount, told.currency)})
    placed_at = at if told.step == "placed" else 0
    if told.amount is None:
        return Order(placed_at=placed_at)
    # An update states the amount later than any copy of the order, whenever the copy was sent; an
    # amount with its currency says more than one without.
    rank = 1 + 2 * (told.step == "updated") + bool(told.currency)
    return Order(placed_at, told.amount, told.currency, rank, at - placed_at)


def merge_orders(one: Order, other: Order) -> Order:
    """The order that saw the events of both."""
    stated = max(one, other, key=_statement)
    placed_at = _earlier(one.placed_at, other.placed_at)
    return Order(
        placed_at=placed_at,
        amount=stated.amount,
        currency=stated.currency,
        rank=stated.rank,
        lag=stated.placed_at + stated.lag - placed_at if stated.rank else 0,
        cancelled_at=_earlier(one.cancelled_at, other.cancelled_at),
        refunds=_merge_refunds(one.refunds, other.refunds),
    )


def _statement(order: Order) -> tuple[int, int, int, str]:
    """By what the stated amount of an order is preferred; of two at one instant the greater."""
    return order.rank, order.placed_at + order.lag, order.amount, order.currency


def last_told(order: Order) -> int:
    """When the order was last placed, updated or cancelled, milliseconds; 0: it was only
    refunded."""
    stated_at = order.placed_at + order.lag if order.rank else 0
    return max(order.placed_at, stated_at, order.cancelled_at)


def is_purchase(order: Order) -> bool:
    """Whether the order counts: it was placed and never cancelled."""
    return order.placed_at > 0 and not order.cancelled_at


def refunded(order: Order) -> int:
    """Hundredths given back: no more than the order's amount, and only in its currency."""
    total, most = 0, max(order.amount, 0)
    for refund in order.refunds.values():
        if refund.amount == WHOLE:
            return most
        if not order.currency or refund.currency in ("", order.currency):
            total += refund.amount
    return min(total, most)


def purchases_of(order: Order) -> Purchases | None:
    """What the order adds to the totals; None where it does not count."""
    if not is_purchase(order):
        return None
    return bought(order.currency, order.amount, refunded(order), order.placed_at)


def bought(currency: str, amount: int, given_back: int, at: int) -> Purchases:
    """A purchase of `amount` hundredths at `at` (milliseconds). One of less than nothing is a
    credit note: money back, and no purchase."""
    spend = {currency: amount - given_back} if amount else {}
    if amount < 0:
        return Purchases(spend=spend)
    return Purchases(1, at, at, spend, add_day(b"", at))


def _merge_refunds(one: Mapping[str, Refund], other: Mapping[str, Refund]) -> dict[str, Refund]:
    merged = dict(one)
    for key, refund in other.items():
        mine = merged.get(key)
        merged[key] = refund if mine is None else max(mine, refund, key=_size)
    if len(merged) <= MAX_REFUNDS:
        return merged
    largest = sorted(merged.items(), key=lambda item: (_size(item[1]), item[0]))
    return dict(largest[-MAX_REFUNDS:])


def _size(refund: Refund) -> tuple[bool, int, str]:
    return refund.amount == WHOLE, refund.amount, refund.currency


def _earlier(one: int, other: int) -> int:
    return min(one, other) if one and other else one or other
