"""Simulated campaigns: customers who convert as told, folded as the product does."""

import random
from collections.abc import Iterator
from itertools import islice

import msgspec

from infra.clickhouse.inserter import Inserter
from infra.playbook.playbook_file import parse_playbook
from schemas.event import Event, WireEvent
from schemas.models import ChurnModels
from schemas.profile import Profile
from schemas.trigger import Trigger
from streams.archive.rows import (
    Place,
    block_token,
    event_columns,
    trigger_columns,
)
from streams.archive.tables import EVENTS_TABLE, TRIGGERS_TABLE
from streams.codec.codec import decode_wire_envelope, encode_event
from streams.fold.batch import fold_batch
from streams.models.learned import Learned
from streams.playbook.compiled import CompiledPlaybook

BEGIN = 1_750_000_000_000
DAY = 86_400_000
WITHIN = 7 * DAY
END = BEGIN + 30 * DAY
RUNS_A_BLOCK = 50

_PLAYBOOK = """
version: 1
ladders: {{product: [details, cart, purchase], about: [read]}}
match:
  - {{event: Product Viewed, topic: "product/{{category}}", stage: details}}
  - {{event: Order Completed, topic: "product/{{category}}", stage: purchase, order: true}}
triggers:
  - name: greet
    when: stage.reached
    topic: product/*
    stages: [details]
    then: {{channel: web}}
    campaign: {name}
campaigns:
  {name}: {{conversion: product/*, stages: [purchase], within: 7d, holdout: {holdout}}}
"""


def playbook(name: str, holdout: float) -> CompiledPlaybook:
    """A shop with one campaign: whoever looks at a product is greeted."""
    return parse_playbook(_PLAYBOOK.format(name=name, holdout=holdout), name)


class Run(msgspec.Struct, frozen=True):
    """One campaign as it went: what is on the log afterwards."""

    compiled: CompiledPlaybook
    events: list[Event]
    triggers: list[Trigger]


def simulate(
    name: str, customers: int, holdout: float, base: float, uplift: float, seed: int
) -> Run:
    """A campaign on customers who buy within the time with probability `base` if they are held out
    and `base + uplift` if they are spoken to; and who buy before and after as well."""
    chance = random.Random(seed)
    compiled = playbook(name, holdout)
    keys = [f"{name}-{number}" for number in range(customers)]
    seen_at = {key: BEGIN + chance.randrange(DAY) for key in keys}
    first: list[Event] = []
    for key, at in seen_at.items():
        if chance.random() < 0.2:
            first.append(_event(key, "Order Completed", at - DAY, "before", "gloves"))
        first.append(_event(key, "Product Viewed", at, "view"))
        if chance.random() < 0.2:
            first.append(_event(key, "Product Viewed", at + DAY // 2, "again", "socks"))
    profiles: dict[str, Profile] = {}
    learned = Learned()
    triggers = _fold(first, profiles, learned, compiled)
    arms = {trigger.customer_id: trigger.arm for trigger in reversed(triggers)}
    then: list[Event] = []
    for key, at in seen_at.items():
        if chance.random() < base + (uplift if arms[key] == "treated" else 0):
            when = at + 1 + chance.randrange(WITHIN)
            then.append(_event(key, "Order Completed", when, "within"))
        if chance.random() < 0.2:
            late = at + WITHIN + 1 + chance.randrange(DAY)
            then.append(_event(key, "Order Completed", late, "after"))
    triggers += _fold(then, profiles, learned, compiled)
    return Run(compiled, first + then, triggers)


def archive(inserter: Inserter, runs: Iterator[Run]) -> list[CompiledPlaybook]:
    """Stores what is on the log of these runs, and a last event after all of them."""
    playbooks = []
    number = 0
    while some := list(islice(runs, RUNS_A_BLOCK)):
        playbooks += [run.compiled for run in some]
        events = [event for run in some for event in run.events]
        triggers = [trigger for run in some for trigger in run.triggers]
        place = Place("log", 0, number)
        _store(inserter, place, events, triggers, some[0].compiled)
        number += 1
    _store(
        inserter,
        Place("log", 0, number),
        [_event("nobody", "The End", END, "end")],
        [],
        playbooks[0],
    )
    return playbooks


def _store(
    inserter: Inserter,
    place: Place,
    events: list[Event],
    triggers: list[Trigger],
    compiled: CompiledPlaybook,
) -> None:
    token = block_token([place])
    rows = event_columns([(place, [_wire(event) for event in events])], compiled)
    inserter.insert(EVENTS_TABLE, rows, token)
    decided = trigger_columns((place, trigger) for trigger in triggers)
    inserter.insert(TRIGGERS_TABLE, decided, token)


def _fold(
    events: list[Event], profiles: dict[str, Profile], learned: Learned, compiled: CompiledPlaybook
) -> list[Trigger]:
    events.sort(key=lambda event: event.received_at)
    batch = fold_batch(
        [(event.user_id or "", event) for event in events],
        profiles,
        learned,
        compiled,
        ChurnModels(),
    )
    assert not batch.dead
    profiles.update(batch.profiles)
    return batch.triggers


def _event(key: str, name: str, at: int, what: str, category: str = "hats") -> Event:
    return Event(
        message_id=f"{key}-{what}",
        type="track",
        user_id=key,
        name=name,
        occurred_at=at,
        received_at=at,
        properties={"category": category},
    )


def _wire(event: Event) -> WireEvent:
    return decode_wire_envelope(encode_event(event))[0][0]
