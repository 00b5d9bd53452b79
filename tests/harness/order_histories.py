"""Order histories of one customer, drawn from bytes, and what plain arithmetic makes of them.

The oracle shares no code with the product: it reads the same events as a person would, with
`decimal`, over the whole history at once.
"""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, NamedTuple

from schemas.event import Event
from tests.harness.histories import BEGIN, DAY, MINUTE, event

SIZE = 6
"""Bytes an event is drawn from."""

_NAMES = (
    "Order Completed", "order completed", "Completed Order", "Order Completed", "Order Updated",
    "Order Refunded", "Order Refunded", "Order Cancelled", "Product Viewed", "Order Placed",
)  # fmt: skip
_PLACED = {"Order Completed", "order completed", "Completed Order", "Order Placed"}
_TOTALS: tuple[Any, ...] = (
    19.99, "50", "1,234.50", 0, "12.30 €", 7, 100000, "0.01", "1.234,50", 3.005,
)  # fmt: skip
_CENTS = (1999, 5000, 123450, 0, 1230, 700, 10000000, 1, 123450, 301)
_GIVEN_BACK = (None, 5, "12.50", 200, "0.01", -3)
_GIVEN_CENTS = (None, 500, 1250, 20000, 1, 300)
_CURRENCIES = ("EUR", "eur", None, "USD")


def order_history(code: bytes, prefix: str = "") -> list[Event]:
    """One event for every `SIZE` bytes, each at a time of its own."""
    events = []
    for number in range(len(code) // SIZE):
        kind, order, money, currency, time, which = code[number * SIZE : number * SIZE + SIZE]
        name = _NAMES[kind % len(_NAMES)]
        at = BEGIN + time % 20 * DAY // 2 + time * MINUTE + number
        properties: dict[str, Any] = {}
        if order % 8:
            properties["order_id" if order % 2 else "orderId"] = f"S-{order % 4}"
        paid_in = _CURRENCIES[currency % len(_CURRENCIES)]
        if paid_in:
            properties["currency"] = paid_in
        if name == "Order Refunded":
            amount = _GIVEN_BACK[money % len(_GIVEN_BACK)]
            if amount is not None:
                properties["total"] = amount
            if which % 3 == 0:
                properties["refund_id"] = f"R-{which % 2}"
        elif name != "Order Cancelled":
            properties["total"] = _TOTALS[money % len(_TOTALS)]
            properties["products"] = [{"category": "hats", "product_id": f"p-{which % 4}"}]
        events.append(
            event(
                f"{prefix}m{number}",
                name=name,
                user_id=f"{prefix}u1",
                properties=properties,
                occurred_at=at,
            )
        )
    return events


class Totals(NamedTuple):
    """Plain totals of a customer."""

    purchases: int
    first: int
    last: int
    spend: dict[str, Decimal]
    """Without currencies that nothing was paid in."""
    days: set[int]


def plain_totals(history: Iterable[Event]) -> Totals:
    """What the orders of the history come to."""
    told = defaultdict(list)
    for happened in history:
        if happened.name in _PLACED | {"Order Updated", "Order Refunded", "Order Cancelled"}:
            properties = happened.properties
            order_id = properties.get("order_id") or properties.get("orderId")
            alone = order_id is None
            if alone and happened.name not in _PLACED:
                continue  # nobody can say of which order
            told[order_id or f"no id, {happened.message_id}"].append(happened)
    times, spend = [], defaultdict(Decimal)
    for events in told.values():
        placed = [one.occurred_at for one in events if one.name in _PLACED]
        if not placed or any(one.name == "Order Cancelled" for one in events):
            continue
        times.append(min(placed))
        amount, currency = _amount(events)
        spend[currency] += amount - min(amount, _given_back(events, amount, currency))
    return Totals(
        len(times),
        min(times, default=0),
        max(times, default=0),
        {currency: amount for currency, amount in spend.items() if amount},
        {at // DAY for at in times},
    )


def _amount(events: list[Event]) -> tuple[Decimal, str]:
    """An update before a copy, one with a currency before one without, then the latest."""
    stated = [one for one in events if "total" in one.properties and one.name != "Order Refunded"]
    best = max(
        stated,
        key=lambda one: (
            one.name == "Order Updated",
            "currency" in one.properties,
            one.occurred_at,
        ),
    )
    cents = next(
        cents
        for total, cents in zip(_TOTALS, _CENTS, strict=True)
        if total == best.properties["total"] and type(total) is type(best.properties["total"])
    )
    return Decimal(cents) / 100, best.properties.get("currency", "").upper()


def _given_back(events: list[Event], amount: Decimal, currency: str) -> Decimal:
    """The sum of refunds, each once by its id, else by its money and its day."""
    each: dict[Any, tuple[bool, Decimal, str]] = {}
    for one in events:
        if one.name != "Order Refunded":
            continue
        properties = one.properties
        total = properties.get("total")
        cents = next(
            cents for given, cents in zip(_GIVEN_BACK, _GIVEN_CENTS, strict=True) if given == total
        )
        key = properties.get("refund_id") or (
            ("all",) if total is None else (one.occurred_at // DAY, cents)
        )
        money = (
            cents is None,
            Decimal(cents or 0) / 100,
            properties.get("currency", "").upper(),
        )
        each[key] = max(each.get(key, money), money)
    if any(everything for everything, _, _ in each.values()):
        return amount
    return sum(
        (money for _, money, paid_in in each.values() if not currency or paid_in in ("", currency)),
        Decimal(0),
    )


_CART_EVENTS = (
    "Product Added", "Product Removed", "Product Viewed", "Order Completed", "Cart Emptied",
    "Checkout Started", "Product Added", "Order Cancelled",
)  # fmt: skip


def cart_history(code: bytes, prefix: str = "") -> list[Event]:
    """What one customer puts into carts and takes out of them: products named by category and ids,
    by an id, or by the category alone; each product in one category."""
    events = []
    for number in range(len(code) // 4):
        kind, which, named, time = code[number * 4 : number * 4 + 4]
        product: dict[str, Any] = {"category": f"c{which % 3}"}
        if named % 4:
            product["product_id"] = f"q-{which % 6}"
        if named % 4 > 1:
            product["sku"] = f"s-{which % 6}"
        if named % 8 > 5:
            del product["category"]
        name = _CART_EVENTS[kind % len(_CART_EVENTS)]
        properties: dict[str, Any] = product
        if name in ("Order Completed", "Checkout Started", "Order Cancelled"):
            properties = {"order_id": f"S-{which % 4}", "total": 5, "products": [product]}
        events.append(
            event(f"{prefix}c{number}", name=name, user_id=f"{prefix}u1", properties=properties,
                  occurred_at=BEGIN + time % 16 * MINUTE)
        )  # fmt: skip
    return events
