"""Holds what the workers left in Redis and Kafka against the pure fold."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable

from infra.clock import now_ms
from infra.rebuilding.definitions import read_definitions
from infra.redis.keys import (
    LASTING,
    counts_key,
    deadlines_key,
    profile_key,
    watermark_key,
)
from schemas.event import Event
from schemas.trigger import Trigger
from streams.codec.codec import decode_profile, encode_profile, encode_trigger
from streams.models.learned import MAX_FIELDS
from tests.harness.fleet import Fleet
from tests.harness.one_pass import Replayed, facts, gather

_PAGE = 1_000


class Checked:
    """What there was to compare."""

    def __init__(self) -> None:
        self.profiles = 0
        self.forwarding = 0
        self.triggers = 0
        self.trigger_copies = 0
        self.event_copies = 0
        self.timers = 0


async def settled(fleet: Fleet, within: float) -> list[list[Event]]:
    """The log of every partition, once all of it is folded and no deadline is due."""
    deadline = time.monotonic() + within
    partitions = range(fleet.settings.partitions)
    held: list[bytes | None] = []
    while True:
        before = held
        held = [await fleet.redis.hget(watermark_key(p), "next_offset") for p in partitions]
        due = [await fleet.redis.zcount(deadlines_key(p), "-inf", now_ms()) for p in partitions]
        # To read the whole log is work: not while it is still being folded.
        if not any(due) and held == before:
            log, ends = await fleet.log.events()
            if [int(offset or 0) for offset in held] == ends:
                return log
        assert time.monotonic() < deadline, f"folded up to {held}, {due} deadlines due"
        await asyncio.sleep(0.3)


async def stopped(fleet: Fleet, within: float) -> list[list[Event]]:
    """The log of every partition, all of it folded, and no worker left that could go on: another
    deadline may come due at any moment while the comparison takes its time."""
    deadline = time.monotonic() + within
    while True:
        await settled(fleet, deadline - time.monotonic())
        await fleet.stop()
        log, ends = await fleet.log.events()
        held = [
            await fleet.redis.hget(watermark_key(p), "next_offset")
            for p in range(fleet.settings.partitions)
        ]
        if [int(offset or 0) for offset in held] == ends:
            return log
        await fleet.worker()


async def check(
    fleet: Fleet, sent: Iterable[Event], *, within: float = 60, stop: bool = False
) -> Checked:
    """Everything there is to compare, after `sent` (each event once, in the order they happened)
    was appended in whatever order and however often. With `stop` the workers end first."""
    log = await (stopped if stop else settled)(fleet, within)
    known = await read_definitions(fleet.settings, fleet.redis)
    replayed = [Replayed(events, known) for events in log]
    checked = Checked()
    ids = Counter(event.message_id for events in log for event in events)
    checked.event_copies = ids.total() - len(ids)
    checked.timers = sum(event.type == "timer" for events in log for event in events)
    for partition, expected in enumerate(replayed):
        missing = expected.sends - ids.keys()
        assert not missing, f"never sent: {list(missing)[:5]}"
        await _check_partition(fleet, partition, expected, checked)
    _check_triggers(replayed, await fleet.log.triggers(), checked)
    await check_lifetimes(fleet)
    held = {key: profile for part in replayed for key, profile in part.profiles.items()}
    once = gather(sent)
    assert held.keys() == once.keys()
    wrong = [key for key in once if facts(held[key]) != facts(once[key])]
    assert not wrong, _differences(len(wrong), held[wrong[0]], once[wrong[0]])
    return checked


async def _check_partition(
    fleet: Fleet, partition: int, expected: Replayed, checked: Checked
) -> None:
    redis = fleet.redis
    keys = list(expected.profiles)
    for at in range(0, len(keys), _PAGE):
        page = keys[at : at + _PAGE]
        values = await redis.mget([profile_key(partition, key) for key in page])
        for key, value in zip(page, values, strict=True):
            profile = expected.profiles[key]
            checked.profiles += 1
            checked.forwarding += profile.forwarded_to is not None
            assert value is not None, f"no profile {key}"
            assert value == encode_profile(profile), _differences(1, decode_profile(value), profile)
    pattern = profile_key(partition, "").replace("{", "[{]") + "*"
    assert {key async for key in redis.scan_iter(pattern, count=_PAGE)} == {
        profile_key(partition, key).encode() for key in keys
    }
    deadlines = await redis.zrange(deadlines_key(partition), 0, -1, withscores=True)
    assert {(*member.decode().split("\x1f", 1), int(due)) for member, due in deadlines} == {
        (kind, key, due) for (kind, key), due in expected.deadlines.items()
    }
    learned = expected.learned.everything()
    for kind in MAX_FIELDS:
        counted = await redis.hgetall(counts_key(partition, kind))
        assert {field.decode(): int(n) for field, n in counted.items()} == learned.get(kind, {})


def _check_triggers(replayed: list[Replayed], sent: list[Trigger], checked: Checked) -> None:
    expected = {t.id: encode_trigger(t) for part in replayed for t in part.triggers}
    assert len(expected) == sum(len(part.triggers) for part in replayed), "an id decided twice"
    found: dict[str, bytes] = {}
    for trigger in sent:
        # A consumer drops ids it has seen: it must not matter which copy it keeps.
        assert found.setdefault(trigger.id, encode_trigger(trigger)) == encode_trigger(trigger)
    assert found.keys() == expected.keys()
    assert found == expected
    checked.triggers = len(found)
    checked.trigger_copies = len(sent) - len(found)


async def check_lifetimes(fleet: Fleet) -> None:
    """Every key expires, except those that are meant to last."""
    expiring = [
        key.decode()
        async for key in fleet.redis.scan_iter("*", count=_PAGE)
        if key.decode().rpartition(":")[2] not in LASTING
    ]
    async with fleet.redis.pipeline(transaction=False) as pipeline:
        for key in expiring:
            pipeline.ttl(key)
        expirations = await pipeline.execute()
    for_ever = [key for key, seconds in zip(expiring, expirations, strict=True) if seconds < 0]
    assert not for_ever, f"these never expire: {for_ever[:5]}"


def _differences(count: int, found: object, expected: object) -> str:
    return f"{count} differ, the first:\nfound    {found}\nexpected {expected}"
