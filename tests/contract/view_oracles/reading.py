"""What the oracles share: who is who, and what became of the orders."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any

from tests.harness.crm_history import DAY, Fact, History, OrderStep

INTERNAL = {"timer", "link", "merge", "adopt", "erase"}
Rows = list[tuple[Any, ...]]


def moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds // 1000, UTC) + timedelta(
        milliseconds=milliseconds % 1000
    )


def day_of(milliseconds: int) -> date:
    return moment(milliseconds).date()


def month_of(day: date) -> date:
    return day.replace(day=1)


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def quantile(values: list[Any], level: float) -> Any:
    """As ClickHouse's quantileExact: the value at place floor(level * n)."""
    found = sorted(values)
    return found[min(int(level * len(found)), len(found) - 1)]


def quantile_or_none(values: list[Any], level: float, unit: float) -> float | None:
    return quantile(values, level) / unit if values else None


@dataclass
class Order:
    """One order, as all of its events tell it."""

    customer: str
    order_id: str
    source: str
    placed: list[Fact] = field(default_factory=list)
    cancelled: list[Fact] = field(default_factory=list)
    said: list[tuple[Fact, OrderStep]] = field(default_factory=list)
    refunds: dict[str, int] = field(default_factory=dict)

    @property
    def first(self) -> Fact:
        return min(self.placed, key=lambda fact: (fact.event.occurred_at, fact.event.message_id))

    @property
    def placed_at(self) -> int:
        return self.first.event.occurred_at

    @property
    def latest(self) -> OrderStep:
        """An update counts before a copy, then the later one."""
        if not self.said:
            return OrderStep("placed", self.order_id, 0, "")
        return max(
            self.said,
            key=lambda one: (
                (2 if one[1].step == "updated" else 0),
                one[0].event.occurred_at,
                one[1].amount,
            ),
        )[1]

    @property
    def total(self) -> int:
        return self.latest.amount or 0

    @property
    def currency(self) -> str:
        return self.latest.currency

    @property
    def refunded(self) -> int:
        return min(sum(self.refunds.values()), self.total)

    @property
    def counts(self) -> bool:
        return bool(self.placed) and not self.cancelled

    @property
    def net(self) -> int:
        return self.total - self.refunded if self.counts else 0

    @property
    def topics(self) -> list[str]:
        return sorted({stage.topic for stage in self.first.stages})


class Reading:
    """A history, read once."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.facts = history.facts
        self.sent = [fact for fact in history.facts if fact.event.type not in INTERNAL]

    @cached_property
    def identities(self) -> dict[str, tuple[str, int]]:
        """Visitor -> (customer, when)."""
        merges: dict[str, list[tuple[int, str, int]]] = defaultdict(list)
        for fact in self.facts:
            if fact.event.type == "merge":
                _, visitor, customer = fact.event.message_id.split(":", 2)
                if visitor.startswith("user") and customer.endswith(":new"):
                    customer = f"{visitor}:new"
                event = fact.event
                merges[visitor].append((event.received_at, customer, event.occurred_at))
        direct = {
            visitor: (max(found)[1], max(at for _, _, at in found))
            for visitor, found in merges.items()
        }
        return {
            visitor: (direct[customer][0] if customer in direct else customer, at)
            for visitor, (customer, at) in direct.items()
        }

    def customer(self, key: str) -> str:
        return self.identities[key][0] if key in self.identities else key

    def whose(self, fact: Fact) -> str:
        return self.customer(fact.who)

    @cached_property
    def own(self) -> list[Fact]:
        """What customers did themselves."""
        return [
            fact
            for fact in self.sent
            if not (fact.event.type == "contact" and fact.event.direction == "outbound")
        ]

    @cached_property
    def days(self) -> dict[str, list[date]]:
        """Customer -> the days on which they did something."""
        found: dict[str, set[date]] = defaultdict(set)
        for fact in self.own:
            found[self.whose(fact)].add(day_of(fact.event.occurred_at))
        return {customer: sorted(days) for customer, days in found.items()}

    @cached_property
    def orders(self) -> list[Order]:
        found: dict[tuple[str, str], Order] = {}
        for fact in self.facts:
            step = fact.order
            if step is None:
                continue
            key = (self.whose(fact), step.order_id)
            order = found.setdefault(key, Order(*key, fact.event.source))
            if step.step == "refunded":
                assert step.amount is not None
                order.refunds[step.refund_id] = max(
                    order.refunds.get(step.refund_id, 0), step.amount
                )
            elif step.step == "cancelled":
                order.cancelled.append(fact)
            else:
                order.said.append((fact, step))
                if step.step == "placed":
                    order.placed.append(fact)
        return list(found.values())

    @cached_property
    def counting(self) -> list[Order]:
        """Orders that count."""
        return [order for order in self.orders if order.counts]

    @cached_property
    def purchases(self) -> dict[str, list[Order]]:
        """Customer -> their orders that count, by time."""
        found: dict[str, list[Order]] = defaultdict(list)
        for order in self.counting:
            found[order.customer].append(order)
        return {
            customer: sorted(orders, key=lambda order: order.placed_at)
            for customer, orders in found.items()
        }

    def bought_within(self, customer: str, after: int, days: int) -> list[Order]:
        return [
            order
            for order in self.purchases.get(customer, ())
            if after < order.placed_at <= after + days * DAY
        ]
