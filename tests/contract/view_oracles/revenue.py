"""Orders, revenue and the value of customers."""

import math
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

from schemas.trigger import Trigger
from tests.contract.view_oracles.reading import (
    Order,
    Reading,
    Rows,
    day_of,
    moment,
    month_of,
    quantile,
    quantile_or_none,
)
from tests.harness.crm_history import DAY


def money(hundredths: int) -> Decimal:
    return Decimal(hundredths) / 100


def orders(reading: Reading) -> Rows:
    rows = []
    for order in reading.orders:
        refunded = order.refunded
        status = (
            "cancelled" if order.cancelled
            else "refunded" if order.refunds and refunded >= order.total
            else "partly_refunded" if refunded > 0
            else "placed"
        )  # fmt: skip
        if not order.placed and not order.cancelled:
            status = "unknown"  # told of by a visitor who never said who they are
        first = order.first.event if order.placed else None
        cancelled = min((fact.event.occurred_at for fact in order.cancelled), default=None)
        rows.append((
            order.customer, order.source, order.order_id, f"{order.source}\x1f{order.order_id}",
            None if first is None else moment(first.occurred_at),
            None if cancelled is None else moment(cancelled),
            order.currency, order.total, refunded, int(order.counts), order.net, money(order.total),
            money(refunded), money(order.net), status, len(order.placed),
            first.source if first else "", first.channel if first else "",
            order.topics if first else [],
        ))  # fmt: skip
    return rows


def revenue_by_day(reading: Reading) -> Rows:
    found: dict[tuple[date, str, str], list[Order]] = defaultdict(list)
    for order in reading.orders:
        if not order.placed:
            continue
        found[day_of(order.placed_at), order.source, order.currency].append(order)
    rows = []
    for key, theirs in found.items():
        counting = [order for order in theirs if order.counts]
        rows.append((
            *key, len(counting), len({order.customer for order in counting}),
            sum(bool(order.cancelled) for order in theirs),
            sum(order.refunded > 0 for order in counting),
            money(sum(order.total for order in counting)),
            money(sum(order.refunded for order in counting)),
            money(sum(order.net for order in counting)),
        ))  # fmt: skip
    return rows


def revenue_by_topic(reading: Reading) -> Rows:
    found: dict[tuple[date, str, str], list[tuple[str, int]]] = defaultdict(list)
    for order in reading.counting:
        whole, left = divmod(order.net, len(order.topics))
        for place, topic in enumerate(order.topics):
            part = whole + (1 if place < left else 0)
            found[day_of(order.placed_at), topic, order.currency].append((order.customer, part))
    return [
        (*key, len(parts), len({whose for whose, _ in parts}),
         money(sum(part for _, part in parts)))
        for key, parts in found.items()
    ]  # fmt: skip


def repeat_purchases(reading: Reading) -> Rows:
    found: dict[date, list[list[Order]]] = defaultdict(list)
    for theirs in reading.purchases.values():
        found[month_of(day_of(theirs[0].placed_at))].append(theirs)
    rows = []
    for month, everybody in found.items():
        gaps = [
            theirs[1].placed_at - theirs[0].placed_at for theirs in everybody if len(theirs) > 1
        ]
        rows.append((month, len(everybody), len(gaps), len(gaps) / len(everybody),
                     quantile_or_none(gaps, 0.5, DAY)))  # fmt: skip
    return rows


def interpurchase_times(reading: Reading) -> Rows:
    gaps: dict[int, list[int]] = defaultdict(list)
    for theirs in reading.purchases.values():
        for number, (before, after) in enumerate(pairwise(theirs), 2):
            gaps[number].append(after.placed_at - before.placed_at)
    return [
        (number, len(found), quantile(found, 0.5) / DAY, quantile(found, 0.9) / DAY)
        for number, found in gaps.items()
    ]


def buyers(reading: Reading) -> dict[tuple[str, str], list[Order]]:
    """(customer, currency) -> orders that count."""
    found: dict[tuple[str, str], list[Order]] = defaultdict(list)
    for order in reading.counting:
        found[order.customer, order.currency].append(order)
    return found


def alarms(reading: Reading) -> dict[str, Trigger]:
    """Customer -> the last churn alarm."""
    found: dict[str, Trigger] = {}
    for trigger in reading.history.triggers:
        if trigger.type == "churn.risk":
            whose = reading.customer(trigger.customer_id)
            before = found.get(whose, trigger)
            found[whose] = max(before, trigger, key=lambda one: (one.decided_at, one.id))
    return found


def rfm(reading: Reading) -> Rows:
    latest: dict[str, tuple[int, str, str]] = {}
    topics: dict[str, set[str]] = defaultdict(set)
    ended: dict[str, set[str]] = defaultdict(set)
    referrals: dict[str, int] = defaultdict(int)
    for fact in reading.facts:
        whose = reading.whose(fact)
        for stage in fact.stages:
            told = (fact.event.occurred_at, stage.topic, stage.stage)
            latest[whose] = max(latest.get(whose, told), told)
            topics[whose].add(stage.topic)
            if stage.end:
                ended[whose].add(stage.topic)
            referrals[whose] += stage.topic.startswith("referral/")
    cases: dict[str, list[bool]] = defaultdict(list)
    for case in reading.history.cases:
        open_still = case.resolved is None and case.withdrawn is None
        cases[reading.customer(case.customer)].append(open_still)
    found = buyers(reading)
    scores = [
        _fifths(found, lambda theirs: max(order.placed_at for order in theirs)),
        _fifths(found, len),
        _fifths(found, lambda theirs: sum(order.net for order in theirs)),
    ]
    stated = alarms(reading)
    rows = []
    for key, theirs in found.items():
        whose, currency = key
        why = stated[whose].why if whose in stated else {}
        rows.append((
            whose, currency, moment(min(order.placed_at for order in theirs)),
            moment(max(order.placed_at for order in theirs)), len(theirs),
            money(sum(order.net for order in theirs)), *(score[key] for score in scores),
            latest[whose][1], latest[whose][2], len(topics[whose] - ended[whose]),
            referrals[whose], len(cases[whose]), sum(cases[whose]), why.get("p_alive"),
            why.get("value_at_stake"),
        ))  # fmt: skip
    return rows


def _fifths(found: dict[tuple[str, str], list[Order]], by: Any) -> dict[tuple[str, str], int]:
    """SQL's ntile(5): the first buckets are the larger ones."""
    scores = {}
    for currency in {currency for _, currency in found}:
        keys = [key for key in found if key[1] == currency]
        keys.sort(key=lambda key: (by(found[key]), key[0]))
        whole, left = divmod(len(keys), 5)
        sizes = [whole + (1 if place < left else 0) for place in range(5)]
        buckets = [place + 1 for place, size in enumerate(sizes) for _ in range(size)]
        scores |= dict(zip(keys, buckets, strict=True))
    return scores


def value_concentration(reading: Reading) -> Rows:
    return list(_concentration(buyers(reading)))


def _concentration(found: dict[tuple[str, str], list[Order]]) -> Iterator[tuple[Any, ...]]:
    for currency in {currency for _, currency in found}:
        sums = sorted(
            (
                sum(order.net for order in theirs)
                for key, theirs in found.items()
                if key[1] == currency
            ),
            reverse=True,
        )  # fmt: skip
        for percent in range(1, 101):
            count = math.ceil(len(sums) * percent / 100)
            best = sum(sums[:count])
            yield currency, percent, count, money(best), best / sum(sums)


def customer_lifetime_value(reading: Reading) -> Rows:
    models = sorted(
        (fact.event.occurred_at, fact.event.message_id.split(":")[2])
        for fact in reading.facts
        if fact.event.type == "adopt"
    )
    stated = alarms(reading)
    rows = []
    for (whose, currency), theirs in buyers(reading).items():
        trigger = stated.get(whose)
        spent = money(sum(order.net for order in theirs))
        if trigger is None:
            rows.append((whose, currency, len(theirs), spent, None, None, None, None, "", ""))
            continue
        why = trigger.why
        expected = why["residual_value_if_kept"] if why["currency"] == currency else None
        version = [name for since, name in models if since <= trigger.decided_at][-1:]
        rows.append((whose, currency, len(theirs), spent, expected, why["p_alive"],
                     why["horizon_weeks"], moment(trigger.decided_at), why["model"],
                     version[0] if version else ""))  # fmt: skip
    return rows


VIEWS = (orders, revenue_by_day, revenue_by_topic, repeat_purchases, interpurchase_times, rfm,
         value_concentration, customer_lifetime_value)  # fmt: skip
