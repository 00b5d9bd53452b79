"""Customers: who they are, when they come, whether they come back."""

from collections import defaultdict
from datetime import date, timedelta
from itertools import pairwise

from tests.contract.view_oracles.exposures import exposures
from tests.contract.view_oracles.reading import (
    Reading,
    Rows,
    day_of,
    moment,
    monday_of,
    month_of,
)
from tests.harness.crm_history import Fact


def identities(reading: Reading) -> Rows:
    return [
        (visitor, customer, moment(at)) for visitor, (customer, at) in reading.identities.items()
    ]


def customers(reading: Reading) -> Rows:
    found: dict[str, list[Fact]] = defaultdict(list)
    for fact in reading.own:
        found[reading.whose(fact)].append(fact)
    rows = []
    for customer, facts in found.items():
        first = min(facts, key=lambda fact: (fact.event.occurred_at, fact.event.message_id)).event
        last = max(fact.event.occurred_at for fact in facts)
        rows.append((customer, moment(first.occurred_at), moment(last), len(facts),
                     len({day_of(fact.event.occurred_at) for fact in facts}), first.channel,
                     first.source, any(fact.event.user_id for fact in facts)))  # fmt: skip
    return rows


def channel_mix(reading: Reading) -> Rows:
    found: dict[tuple[date, str], list[str]] = defaultdict(list)
    for fact in reading.sent:
        found[day_of(fact.event.occurred_at), fact.event.channel].append(reading.whose(fact))
    return [(*key, len(whose), len(set(whose))) for key, whose in found.items()]


def cohort_retention(reading: Reading) -> Rows:
    channels: dict[str, tuple[int, str]] = {}
    for fact in reading.own:
        seen = (fact.event.occurred_at, fact.event.channel)
        whose = reading.whose(fact)
        channels[whose] = min(channels.get(whose, seen), seen)
    topics: dict[str, tuple[int, str]] = {}
    for fact in reading.facts:
        for stage in fact.stages:
            told = (fact.event.occurred_at, stage.topic)
            whose = reading.whose(fact)
            topics[whose] = min(topics.get(whose, told), told)
    members: list[tuple[str, str, date, list[date]]] = []
    for customer, days in reading.days.items():
        members.append(("all", "", days[0], days))
        members.append(("first_channel", channels[customer][1], days[0], days))
        members.append(("first_topic", topics.get(customer, (0, ""))[1], days[0], days))
    for exposure in exposures(reading):
        days = reading.days.get(exposure.customer, [])
        members.append(("campaign", exposure.campaign, day_of(exposure.first_at), days))
    sizes: dict[tuple[object, ...], int] = defaultdict(int)
    active: dict[tuple[object, ...], int] = defaultdict(int)
    for kind, value, began, days in members:
        for grain, begin in (("week", monday_of), ("month", month_of)):
            cohort = (grain, kind, value, begin(began))
            sizes[cohort] += 1
            active[(*cohort, 0)] += 0
            for period in {_period(grain, begin(began), begin(day)) for day in days}:
                if period >= 0:
                    active[(*cohort, period)] += 1
    return [
        (*key, sizes[key[:-1]], count, count / sizes[key[:-1]]) for key, count in active.items()
    ]


def _period(grain: str, cohort: date, begins: date) -> int:
    if grain == "week":
        return (begins - cohort).days // 7
    return (begins.year - cohort.year) * 12 + begins.month - cohort.month


def reactivations(reading: Reading) -> Rows:
    last_day = max(days[-1] for days in reading.days.values())
    found: dict[date, list[set[str]]] = defaultdict(lambda: [set(), set(), set(), set()])
    for customer, days in reading.days.items():
        for day in days:
            found[month_of(day)][0].add(customer)
        found[month_of(days[0])][1].add(customer)
        for before, day in pairwise(days):
            if (day - before).days >= 90:
                found[month_of(day)][2].add(customer)
        for day, after in zip(days, [*days[1:], date(2149, 6, 6)], strict=True):
            silent = day + timedelta(days=90)
            if (after - day).days > 90 and silent <= last_day:
                found[month_of(silent)][3].add(customer)
    return [(month, *map(len, sets)) for month, sets in found.items()]


VIEWS = (identities, customers, channel_mix, cohort_retention, reactivations)
