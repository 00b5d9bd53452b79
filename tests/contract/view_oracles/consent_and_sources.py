"""Consent, data quality, sources."""

from collections import defaultdict
from typing import Any

from tests.contract.view_oracles.reading import Reading, Rows, day_of, moment
from tests.harness.crm_history import Fact


def consents(reading: Reading) -> Rows:
    return [
        (reading.whose(fact), about, granted, moment(fact.event.occurred_at), fact.event.channel,
         fact.event.operator or "", fact.event.source, fact.event.message_id)
        for fact in reading.facts
        for about, granted in fact.consents
    ]  # fmt: skip


def consent_by_day(reading: Reading) -> Rows:
    found: dict[tuple[Any, ...], list[tuple[str, bool]]] = defaultdict(list)
    for whose, about, granted, at, channel, *_ in consents(reading):
        found[at.date(), about, channel].append((whose, granted))
    return [
        (*key, sum(yes for _, yes in said), sum(not yes for _, yes in said),
         len({whose for whose, _ in said}))
        for key, said in found.items()
    ]  # fmt: skip


def consent_status(reading: Reading) -> Rows:
    latest: dict[tuple[str, str], tuple[Any, bool]] = {}
    for whose, about, granted, at, *_ in consents(reading):
        said = (at, not granted)
        latest[about, whose] = max(latest.get((about, whose), said), said)
    found: dict[str, list[bool]] = defaultdict(list)
    for (about, _), (_, no) in latest.items():
        found[about].append(not no)
    return [(about, sum(said), len(said) - sum(said)) for about, said in found.items()]


def source_freshness(reading: Reading) -> Rows:
    found: dict[tuple[Any, ...], list[Fact]] = defaultdict(list)
    for fact in reading.sent:
        found[day_of(fact.event.received_at), fact.event.source].append(fact)
    rows = []
    for key, facts in found.items():
        times = [fact.event.received_at for fact in facts]
        delay = sum(fact.event.received_at - fact.event.occurred_at for fact in facts)
        rows.append((*key, len(facts), moment(min(times)), moment(max(times)),
                     delay / len(facts) / 1000))  # fmt: skip
    return rows


def data_quality(reading: Reading) -> Rows:
    found: dict[tuple[Any, ...], list[Fact]] = defaultdict(list)
    for fact in reading.facts:
        if fact.finding:
            found[day_of(fact.event.received_at), fact.event.source, fact.finding].append(fact)
    rows: Rows = [
        (*key, len(facts), len({fact.who for fact in facts})) for key, facts in found.items()
    ]
    shared: dict[tuple[Any, ...], list[Fact]] = defaultdict(list)
    for fact in reading.facts:
        event = fact.event
        if event.anonymous_id and event.user_id:
            shared[day_of(event.received_at), event.source, event.anonymous_id].append(fact)
    for (day, source, _), facts in shared.items():
        users = {fact.event.user_id for fact in facts}
        if len(users) > 5:
            rows.append((day, source, "shared_anonymous_id", len(facts), len(users)))
    return rows


VIEWS = (consents, consent_by_day, consent_status, source_freshness, data_quality)
