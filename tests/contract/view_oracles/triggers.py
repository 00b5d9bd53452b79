"""Triggers, deliveries, offers, campaigns, attribution."""

import math
from collections import defaultdict
from typing import Any

import msgspec

from schemas.trigger import Trigger
from tests.contract.view_oracles.exposures import exposures
from tests.contract.view_oracles.reading import (
    Order,
    Reading,
    Rows,
    day_of,
    moment,
    quantile,
    quantile_or_none,
)
from tests.contract.view_oracles.revenue import money
from tests.harness.crm_history import DAY, HOUR

Z = 1.959964
"""Of the normal distribution, 95 %."""


def triggers_by_hour(reading: Reading) -> Rows:
    found: dict[tuple[Any, ...], list[str]] = defaultdict(list)
    for one in reading.history.triggers:
        hour = moment(one.occurred_at // HOUR * HOUR)
        found[hour, one.type, one.decision].append(one.customer_id)
    return [(*key, len(whose), len(set(whose))) for key, whose in found.items()]


def suppressed(reading: Reading) -> Rows:
    found: dict[tuple[Any, ...], list[str]] = defaultdict(list)
    for one in reading.history.triggers:
        if one.decision == "suppressed":
            key = (day_of(one.decided_at), one.rule, one.suppressed_by, one.channel or "",
                   one.campaign or "")  # fmt: skip
            found[key].append(one.customer_id)
    return [(*key, len(whose), len(set(whose))) for key, whose in found.items()]


def _answers(reading: Reading) -> dict[str, dict[str, int]]:
    """Trigger -> outcome -> when."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for fact in reading.facts:
        if (fact.event.name or "").startswith("trigger."):
            trigger_id = msgspec.json.decode(fact.event.properties)["trigger_id"]
            found[trigger_id][str(fact.event.outcome)] = fact.event.occurred_at
    return found


def trigger_latency(reading: Reading) -> Rows:
    answers = _answers(reading)
    found: dict[tuple[Any, ...], list[Trigger]] = defaultdict(list)
    for one in reading.history.triggers:
        found[day_of(one.decided_at), one.type].append(one)
    rows = []
    for key, theirs in found.items():
        decisions = [one.decided_at - one.occurred_at for one in theirs]
        deliveries = [
            answers[one.id]["delivered"] - one.decided_at
            for one in theirs
            if "delivered" in answers.get(one.id, {})
        ]
        rows.append((*key, len(theirs), quantile(decisions, 0.5), quantile(decisions, 0.99),
                     len(deliveries), *(quantile_or_none(deliveries, level, 1)
                                        for level in (0.5, 0.9, 0.99))))  # fmt: skip
    return rows


def trigger_funnel(reading: Reading) -> Rows:
    answers = _answers(reading)
    found: dict[tuple[Any, ...], list[Trigger]] = defaultdict(list)
    for one in reading.history.triggers:
        key = (day_of(one.decided_at), one.rule, one.channel or "", one.campaign or "")
        found[key].append(one)
    rows = []
    for key, theirs in found.items():
        fired = [one for one in theirs if one.decision == "fire"]
        converted = [
            one
            for one in fired
            if reading.bought_within(reading.customer(one.customer_id), one.decided_at, 7)
        ]
        outcomes = [
            sum(outcome in answers.get(one.id, {}) for one in theirs)
            for outcome in ("delivered", "failed", "withheld", "opened", "clicked")
        ]
        rows.append((*key, len(theirs), len(fired), len(theirs) - len(fired), *outcomes,
                     len(converted)))  # fmt: skip
    return rows


def _explanation(one: Trigger) -> str:
    if one.why["lift"] > 1:
        return "likelier"
    return "complement" if "goes well with" in one.reason else "popular"


def _offers(reading: Reading) -> list[Trigger]:
    return [one for one in reading.history.triggers if one.type == "offer.next"]


def _bought_topic(reading: Reading, one: Trigger) -> list[Order]:
    whose = reading.customer(one.customer_id)
    return [
        order
        for order in reading.bought_within(whose, one.decided_at, 7)
        if one.topic in order.topics
    ]


def offer_results(reading: Reading) -> Rows:
    talked: dict[tuple[str, str], list[int]] = defaultdict(list)
    for fact in reading.facts:
        for stage in fact.stages:
            talked[reading.whose(fact), stage.topic].append(fact.event.occurred_at)
    found: dict[tuple[Any, ...], list[Trigger]] = defaultdict(list)
    for one in _offers(reading):
        found[_explanation(one), one.why["from"], one.topic].append(one)
    rows = []
    for key, theirs in found.items():
        shown = [one for one in theirs if one.decision == "fire"]
        accepted = [
            one
            for one in shown
            if any(
                one.decided_at < at <= one.decided_at + 7 * DAY
                for at in talked[reading.customer(one.customer_id), str(one.topic)]
            )
        ]
        rows.append((*key, len(theirs), len(shown),
                     len({reading.customer(one.customer_id) for one in shown}), len(accepted),
                     sum(bool(_bought_topic(reading, one)) for one in shown)))  # fmt: skip
    return rows


def offer_revenue(reading: Reading) -> Rows:
    last: dict[tuple[str, str, str], tuple[int, str, Order]] = {}
    for one in _offers(reading):
        if one.decision == "fire":
            for order in _bought_topic(reading, one):
                key = (order.customer, order.order_id, str(one.topic))
                told = (one.decided_at, _explanation(one), order)
                last[key] = max(last.get(key, told), told, key=lambda found: found[:2])
    found: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for (_, _, topic), (_, explanation, order) in last.items():
        found[explanation, topic, order.currency].append(order.net)
    return [(*key, len(nets), money(sum(nets))) for key, nets in found.items()]


def campaign_results(reading: Reading) -> Rows:
    found: dict[tuple[str, str], list[int]] = defaultdict(list)
    for one in exposures(reading):
        orders = reading.bought_within(one.customer, one.first_at, 30)
        found[one.campaign, one.arm].append(len(orders))
    rows = []
    for key, counts in found.items():
        size, buyers = len(counts), sum(count > 0 for count in counts)
        share = buyers / size
        middle = share + Z * Z / (2 * size)
        spread = Z * math.sqrt(share * (1 - share) / size + Z * Z / (4 * size * size))
        whole = 1 + Z * Z / size
        rows.append((*key, size, buyers, share, max(0, (middle - spread) / whole),
                     min(1, (middle + spread) / whole), sum(counts)))  # fmt: skip
    return rows


def attribution(reading: Reading) -> Rows:
    spoken: dict[str, list[tuple[int, str, str]]] = defaultdict(list)
    for one in reading.history.triggers:
        if one.decision == "fire" and one.channel:
            told = (one.decided_at, one.rule, one.campaign or "")
            spoken[reading.customer(one.customer_id)].append(told)
    found: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for order in reading.counting:
        at = order.placed_at
        before = sorted(one for one in spoken[order.customer] if at - 7 * DAY <= one[0] < at)
        for model, place in (("first", 0), ("last", -1)):
            _, rule, campaign = before[place] if before else (0, "", "")
            found[model, rule, campaign, order.currency].append(order.net)
    return [(*key, len(nets), money(sum(nets))) for key, nets in found.items()]


VIEWS = (triggers_by_hour, suppressed, trigger_latency, trigger_funnel, offer_results,
         offer_revenue, campaign_results, attribution)  # fmt: skip
