"""The orders of a customer and the totals that follow from them.

The totals in `Lifecycle` are those of `settled` and of every order that counts. Where a customer
has no order with an id, `settled` is not kept: the totals are all there is.
"""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from schemas.orders import NO_PURCHASES, Order, Purchases
from schemas.profile import Lifecycle
from streams.orders.order import (
    advance_order,
    bought,
    last_told,
    merge_orders,
    purchases_of,
)
from streams.orders.told import Told
from streams.values.money import add_spend
from streams.values.purchase_days import unite_days

MAX_ORDERS = 64
"""Orders kept, those last told of. An earlier one is settled: its money and its day stay as they
are, and a refund or a copy of it that comes later does not find it."""

Ledger = tuple[dict[str, Order], Purchases | None, Lifecycle]
"""Orders, settled purchases, lifecycle."""


def enter_order(ledger: Ledger, told: Told, at: int) -> Ledger:
    """The ledger after one event about an order at `at` (milliseconds). Of an order without an id
    only that it was placed counts."""
    orders, settled, life = ledger
    key = told.key
    if key is None:
        if told.step != "placed":
            return ledger
        one = bought(told.currency, told.amount or 0, 0, at)
        if not orders:
            return orders, settled, _with_totals(life, add_purchases(_totals_of(life), one))
        settled = add_purchases(settled or NO_PURCHASES, one)
        return orders, settled, _with_totals(life, _sum(settled, orders.values()))
    base = _base(ledger)
    if key not in orders and told.step == "placed" and len(orders) < MAX_ORDERS:  # most orders
        one = bought(told.currency, told.amount or 0, 0, at)
        total = add_purchases(_totals_of(life), one)
        kept = base if base != NO_PURCHASES else None
        return {**orders, key: advance_order(None, told, at)}, kept, _with_totals(life, total)
    return _balanced({**orders, key: advance_order(orders.get(key), told, at)}, base, life)


def merge_ledgers(one: Ledger, other: Ledger, life: Lifecycle) -> Ledger:
    """The ledger of both; `life` is the merged lifecycle, whose totals are replaced."""
    base = add_purchases(_base(one), _base(other))
    orders = dict(one[0])
    for key, order in other[0].items():
        mine = orders.get(key)
        orders[key] = order if mine is None else merge_orders(mine, order)
    if not orders:
        return orders, None, _with_totals(life, base)
    return _balanced(orders, base, life)


def add_purchases(one: Purchases, other: Purchases) -> Purchases:
    """The totals of both."""
    return Purchases(
        one.purchases + other.purchases,
        _earlier(one.first_purchase, other.first_purchase),
        max(one.last_purchase, other.last_purchase),
        add_spend(one.spend, other.spend),
        unite_days(one.purchase_days, other.purchase_days),
    )


def _base(ledger: Ledger) -> Purchases:
    orders, settled, life = ledger
    return (settled or NO_PURCHASES) if orders else _totals_of(life)


def _balanced(orders: dict[str, Order], base: Purchases, life: Lifecycle) -> Ledger:
    """The ledger within its bound, its totals computed anew."""
    if len(orders) > MAX_ORDERS:
        ordered = sorted(orders.items(), key=lambda item: (last_told(item[1]), item[0]))
        given_up = ordered[: len(orders) - MAX_ORDERS]
        orders = dict(ordered[len(given_up) :])
        base = _sum(base, (order for _, order in given_up))
    kept = base if base != NO_PURCHASES else None
    return orders, kept, _with_totals(life, _sum(base, orders.values()))


def _sum(base: Purchases, orders: Iterable[Order]) -> Purchases:
    total = base
    for order in orders:
        one = purchases_of(order)
        if one is not None:
            total = add_purchases(total, one)
    return total


def _totals_of(life: Lifecycle) -> Purchases:
    return Purchases(
        life.purchases, life.first_purchase, life.last_purchase, life.spend, life.purchase_days
    )


def _with_totals(life: Lifecycle, total: Purchases) -> Lifecycle:
    return replace(
        life,
        purchases=total.purchases,
        first_purchase=total.first_purchase,
        last_purchase=total.last_purchase,
        spend=total.spend,
        purchase_days=total.purchase_days,
    )


def same_totals(one: Lifecycle, other: Lifecycle) -> bool:
    """Whether both say the same of purchases."""
    return one is other or _totals_of(one) == _totals_of(other)


def orders_by_time(orders: Mapping[str, Order]) -> list[tuple[str, Order]]:
    """The orders, the latest first; those never placed last."""
    return sorted(orders.items(), key=lambda item: (-item[1].placed_at, item[0]))


def _earlier(one: int, other: int) -> int:
    return min(one, other) if one and other else one or other
