"""Calls, first contacts, complaints."""

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

import msgspec

from tests.contract.view_oracles.reading import Reading, Rows, day_of, moment
from tests.harness.crm_history import DAY, HOUR, SLA_MS, Case, Fact


def complaints(reading: Reading) -> Rows:
    rows = []
    for case in reading.history.cases:
        end = case.resolved or case.withdrawn
        until = end if end is not None else datetime.now(UTC).timestamp() * 1000
        rows.append((
            reading.customer(case.customer), case.topic, moment(case.opened),
            None if case.acknowledged is None or (end and case.acknowledged > end)
            else moment(case.acknowledged),
            None if case.resolved is None else moment(case.resolved), SLA_MS,
            moment(case.opened + SLA_MS), _in_time(case), (until - case.opened) / 1000,
            None if case.withdrawn is None else moment(case.withdrawn),
        ))  # fmt: skip
    return rows


def _in_time(case: Case) -> int | None:
    if case.resolved is not None:
        return int(case.resolved <= case.opened + SLA_MS)
    return None if case.withdrawn is not None else 0


def complaint_effect(reading: Reading) -> Rows:
    found: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for case in reading.history.cases:
        in_time = _in_time(case)
        outcome = (
            ("in_time" if in_time else "late") if case.resolved is not None
            else "withdrawn" if case.withdrawn is not None
            else "open"
        )  # fmt: skip
        ended = case.resolved or case.withdrawn or case.opened
        again = reading.bought_within(reading.customer(case.customer), ended, 90)
        found[case.topic, outcome].append(bool(again))
    return [(*key, len(again), sum(again), sum(again) / len(again)) for key, again in found.items()]


def call_load(reading: Reading) -> Rows:
    found: dict[tuple[Any, ...], list[Fact]] = defaultdict(list)
    for fact in reading.facts:
        event = fact.event
        if event.name in ("call.ended", "call.missed", "call.made"):
            hour = moment(event.occurred_at // HOUR * HOUR)
            found[hour, event.operator or "", event.direction].append(fact)
    rows = []
    for key, calls in found.items():
        missed = [call for call in calls if call.event.name == "call.missed"]
        said = [msgspec.json.decode(call.event.properties) for call in calls]
        waited = [one["ringing_s"] for one in said]
        spoken = [one["duration_s"] for one in said if "duration_s" in one]
        rows.append((*key, len(calls), len(calls) - len(missed), len(missed),
                     len({reading.whose(call) for call in calls}), sum(waited) / len(waited),
                     sum(spoken) / len(spoken) if spoken else None))  # fmt: skip
    return rows


def first_contact_resolution(reading: Reading) -> Rows:
    contacts = [fact for fact in reading.facts if fact.event.type == "contact"]
    last = max(fact.event.occurred_at for fact in contacts)
    talks: dict[tuple[str, str], list[Fact]] = defaultdict(list)
    for fact in contacts:
        if fact.event.direction == "inbound":
            for stage in fact.stages:
                talks[reading.whose(fact), stage.topic].append(fact)
    found: dict[tuple[Any, ...], list[bool]] = defaultdict(list)
    for (_, topic), facts in talks.items():
        facts.sort(key=lambda fact: (fact.event.occurred_at, fact.event.message_id))
        times = [fact.event.occurred_at for fact in facts]
        for place, fact in enumerate(facts):
            at = times[place]
            first = place == 0 or times[place - 1] < at - 7 * DAY
            if first and at + 7 * DAY <= last:
                settled = place + 1 == len(times) or times[place + 1] > at + 7 * DAY
                event = fact.event
                key = (day_of(at), event.channel, event.operator or "", topic)
                found[key].append(settled)
    return [
        (*key, len(firsts), sum(firsts), sum(firsts) / len(firsts)) for key, firsts in found.items()
    ]


VIEWS = (complaints, complaint_effect, call_load, first_contact_resolution)
