"""Fills Redis with profiles as if their events had been folded long ago."""

from collections.abc import Iterable

import msgspec
from msgspec.structs import replace
from redis.asyncio import Redis

from bench.servers import Bench
from bench.traffic import shop_events, visitor_id
from infra.playbook.playbook_file import read_playbook
from infra.redis.alias_index import AliasIndex
from infra.redis.keys import deadlines_key, profile_key
from infra.settings import SHIPPED_PLAYBOOK
from schemas.event import Event
from schemas.models import ChurnModels
from schemas.profile import Profile, Stamped
from streams.codec.codec import decode_profile, encode_profile
from streams.fold.batch import fold_batch
from streams.fold.timers import timer_event
from streams.identity.aliases import Alias
from streams.identity.partitioning import partition_of
from streams.identity.profile_key import profile_key as profile_key_of
from streams.models.learned import Learned

AT_ONCE = 2_000
"""Keys of one MSET."""

PATTERNS = 500
"""Different histories; every stored profile has one of them."""


async def preload_profiles(bench: Bench, customers: int, *, seed: int, now: int) -> None:
    """Stores a profile of one session, a day old, for each of the customers that
    `bench.traffic.shop_events` of this seed picks from."""
    patterns = _patterns(seed, now - 86_400_000, now)
    await _store(
        bench,
        (
            (visitor, pattern.replace(old, visitor.encode()))
            for index in range(customers)
            for visitor in (visitor_id(index, seed),)
            for old, pattern in (patterns[index % len(patterns)],)
        ),
    )


async def preload_callers(bench: Bench, customers: int, *, seed: int, now: int) -> list[str]:
    """As `preload_profiles`, each customer known, with a name and a telephone number of their own
    that finds them. Returns the numbers (E.164)."""
    patterns = [
        (old, decode_profile(encoded)) for old, encoded in _patterns(seed, now - 86_400_000, now)
    ]
    numbers = [f"+8210{10_000_000 + index}" for index in range(customers)]
    profiles: list[tuple[str, bytes]] = []
    for index, number in enumerate(numbers):
        visitor = visitor_id(index, seed)
        _, pattern = patterns[index % len(patterns)]
        traits = {"name": Stamped(f"Customer {index}", now, 1), "phone": Stamped(number, now, 2)}
        caller = replace(pattern, key=visitor, known=True, traits={**pattern.traits, **traits})
        profiles.append((visitor, encode_profile(caller)))
    await _store(bench, profiles)
    redis: Redis = Redis.from_url(bench.settings.redis_url)
    try:
        index = AliasIndex(redis)
        held = [
            (Alias("phone", number), key)
            for number, (key, _) in zip(numbers, profiles, strict=True)
        ]
        for start in range(0, len(held), AT_ONCE):
            await index.add(held[start : start + AT_ONCE])
    finally:
        await redis.aclose()
    return numbers


async def preload_carts(bench: Bench, dues: Iterable[int]) -> dict[tuple[int, bytes], int]:
    """Stores one customer for each due instant (milliseconds), with a cart left 30 minutes before
    it. Returns (partition, member of the sorted set) -> due."""
    playbook = read_playbook(SHIPPED_PLAYBOOK)
    (after,) = (rule.after for rule in playbook.by_kind["stage.stalled"])
    learned = Learned()
    deadlines: dict[tuple[int, bytes], int] = {}
    profiles: list[tuple[str, bytes]] = []
    for index, due in enumerate(dues):
        visitor = visitor_id(index, 9)
        event = Event(
            message_id=f"cart-{index}",
            type="track",
            anonymous_id=visitor,
            name="Product Added",
            occurred_at=due - after,
            received_at=due - after,
            properties={"category": "shoes", "price": 20, "currency": "EUR"},
        )
        batch = fold_batch([(visitor, event)], {}, learned, playbook, ChurnModels())
        profiles.append((visitor, encode_profile(batch.profiles[visitor])))
        for (kind, key), at in batch.deadlines.items():
            assert at == due
            partition = partition_of(key, bench.settings.partitions)
            deadlines[partition, f"{kind}\x1f{key}".encode()] = due
    await _store(bench, profiles)
    redis: Redis = Redis.from_url(bench.settings.redis_url)
    try:
        for partition in range(bench.settings.partitions):
            members = {member: due for (p, member), due in deadlines.items() if p == partition}
            names = list(members)
            for start in range(0, len(names), AT_ONCE):
                chosen = {name: members[name] for name in names[start : start + AT_ONCE]}
                await redis.zadd(deadlines_key(partition), chosen)
    finally:
        await redis.aclose()
    return deadlines


def _patterns(seed: int, start: int, now: int) -> list[tuple[bytes, bytes]]:
    """(key, encoded profile) of visitors with a session each, whose deadlines up to `now` came."""
    playbook = read_playbook(SHIPPED_PLAYBOOK)
    learned = Learned()
    profiles: dict[str, Profile] = {}
    events = [
        msgspec.convert(event, Event)
        for event in shop_events(PATTERNS * 6, PATTERNS, seed=seed, start=start)
    ]
    while events:
        keyed = [(profile_key_of(event) or "", event) for event in events]
        batch = fold_batch(keyed, profiles, learned, playbook, ChurnModels())
        profiles |= batch.profiles
        events = [
            timer_event(key, kind, due, due)
            for (kind, key), due in batch.deadlines.items()
            if due is not None and due < now
        ]
    return [(key.encode(), encode_profile(profile)) for key, profile in profiles.items()]


async def _store(bench: Bench, profiles: Iterable[tuple[str, bytes]]) -> None:
    redis: Redis = Redis.from_url(bench.settings.redis_url)
    partitions = bench.settings.partitions
    waiting: dict[str, bytes] = {}
    try:
        for key, encoded in profiles:
            waiting[profile_key(partition_of(key, partitions), key)] = encoded
            if len(waiting) >= AT_ONCE:
                await redis.mset(waiting)
                waiting.clear()
        if waiting:
            await redis.mset(waiting)
    finally:
        await redis.aclose()
