"""Dialogues: stages, funnels, paths."""

from collections import defaultdict
from itertools import pairwise

from tests.contract.view_oracles.reading import (
    Reading,
    Rows,
    day_of,
    moment,
    quantile,
    quantile_or_none,
)
from tests.harness.crm_history import Fact, Stage

Steps = list[tuple[Fact, Stage]]


def _reached(reading: Reading) -> Steps:
    return [(fact, stage) for fact in reading.facts for stage in fact.stages]


def _by_dialogue(reading: Reading) -> dict[tuple[str, str], Steps]:
    found: dict[tuple[str, str], Steps] = defaultdict(list)
    for fact, stage in _reached(reading):
        found[reading.whose(fact), stage.topic].append((fact, stage))
    return found


def stage_events(reading: Reading) -> Rows:
    rows = []
    for fact, stage in _reached(reading):
        event = fact.event
        order = fact.order
        key = f"{event.source}\x1f{order.order_id}" if order is not None else ""
        rows.append((reading.whose(fact), stage.topic, stage.topic.split("/")[0], stage.stage,
                     stage.rank, event.channel, moment(event.occurred_at), event.message_id,
                     key))  # fmt: skip
    return rows


def stage_exits(reading: Reading) -> Rows:
    return [
        (reading.whose(fact), topic, topic.split("/")[0], stage, fact.event.channel,
         moment(fact.event.occurred_at), fact.event.message_id)
        for fact in reading.facts
        for topic, stage in fact.exits
    ]  # fmt: skip


def funnel(reading: Reading) -> Rows:
    customers: dict[tuple[str, str], int] = defaultdict(int)
    events: dict[tuple[str, str], int] = defaultdict(int)
    ranks: dict[tuple[str, str], int] = {}
    waits: dict[tuple[str, str], list[float]] = defaultdict(list)
    for (_, topic), steps in _by_dialogue(reading).items():
        first: dict[str, tuple[int, int]] = {}
        for fact, stage in steps:
            ranks[topic, stage.stage] = stage.rank
            events[topic, stage.stage] += 1
            at = (fact.event.occurred_at, stage.rank)
            first[stage.stage] = min(first.get(stage.stage, at), at)
        before: int | None = None
        for name, (at, _) in sorted(first.items(), key=lambda item: item[1]):
            customers[topic, name] += 1
            if before is not None:
                waits[topic, name].append((at - before) / 1000)
            before = at
    return [
        (topic, stage, ranks[topic, stage], count, events[topic, stage],
         quantile_or_none(waits[topic, stage], 0.5, 1))
        for (topic, stage), count in customers.items()
    ]  # fmt: skip


def funnel_by_day(reading: Reading) -> Rows:
    found: dict[tuple[object, ...], list[str]] = defaultdict(list)
    for fact, stage in _reached(reading):
        event = fact.event
        key = (day_of(event.occurred_at), stage.topic, stage.stage, stage.rank, event.channel,
               event.source)  # fmt: skip
        found[key].append(reading.whose(fact))
    return [(*key, len(whose), len(set(whose))) for key, whose in found.items()]


def dialogues(reading: Reading) -> Rows:
    rows = []
    for (customer, topic), steps in _by_dialogue(reading).items():
        times = [fact.event.occurred_at for fact, _ in steps]
        furthest = max(steps, key=lambda step: (step[1].rank, step[0].event.occurred_at))[1]
        rows.append((customer, topic, topic.split("/")[0], moment(min(times)), moment(max(times)),
                     len(steps), furthest.stage, furthest.rank,
                     any(stage.end for _, stage in steps),
                     sorted({fact.event.channel for fact, _ in steps})))  # fmt: skip
    return rows


def dialogue_durations(reading: Reading) -> Rows:
    lasted: dict[str, list[int]] = defaultdict(list)
    finished: dict[str, int] = defaultdict(int)
    for (_, topic), steps in _by_dialogue(reading).items():
        times = [fact.event.occurred_at for fact, _ in steps]
        lasted[topic].append(max(times) - min(times))
        finished[topic] += any(stage.end for _, stage in steps)
    return [
        (topic, len(times), finished[topic],
         quantile(times, 0.5) / 1000, quantile(times, 0.9) / 1000)
        for topic, times in lasted.items()
    ]  # fmt: skip


def time_to_purchase(reading: Reading) -> Rows:
    took: dict[str, list[int]] = defaultdict(list)
    interested: dict[str, int] = defaultdict(int)
    for (_, topic), steps in _by_dialogue(reading).items():
        interested[topic] += 1
        bought = [
            fact.event.occurred_at
            for fact, _ in steps
            if fact.order is not None and fact.order.step == "placed"
        ]
        if bought:
            took[topic].append(min(bought) - min(fact.event.occurred_at for fact, _ in steps))
    return [
        (topic, count, len(took[topic]), len(took[topic]) / count,
         quantile_or_none(took[topic], 0.5, 1000), quantile_or_none(took[topic], 0.9, 1000))
        for topic, count in interested.items()
    ]  # fmt: skip


def topic_paths(reading: Reading) -> Rows:
    by_customer: dict[object, list[tuple[int, str]]] = defaultdict(list)
    for fact, stage in _reached(reading):
        by_customer[reading.whose(fact)].append((fact.event.occurred_at, stage.topic))
    return _followed(by_customer)


def channel_handovers(reading: Reading) -> Rows:
    by_dialogue: dict[object, list[tuple[int, str]]] = defaultdict(list)
    for fact, stage in _reached(reading):
        by_dialogue[reading.whose(fact), stage.topic].append(
            (fact.event.occurred_at, fact.event.channel)
        )
    return _followed(by_dialogue)


def _followed(series: dict[object, list[tuple[int, str]]]) -> Rows:
    waits: dict[tuple[str, str], list[int]] = defaultdict(list)
    whose: dict[tuple[str, str], set[object]] = defaultdict(set)
    for owner, steps in series.items():
        steps.sort()
        for (at, before), (then, after) in pairwise(steps):
            if before != after:
                waits[before, after].append(then - at)
                whose[before, after].add(owner[0] if isinstance(owner, tuple) else owner)
    return [
        (*pair, len(found), len(whose[pair]), quantile(found, 0.5) / 1000)
        for pair, found in waits.items()
    ]


VIEWS = (stage_events, stage_exits, funnel, funnel_by_day, dialogues, dialogue_durations,
         time_to_purchase, topic_paths, channel_handovers)  # fmt: skip
